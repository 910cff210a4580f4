"""Installs the library, `tf_wavenet`; training/ and benchmarks/ run from a checkout."""

import pathlib
import re

from setuptools import find_packages, setup

here = pathlib.Path(__file__).parent
version = re.search(r'__version__ = "(.+?)"', (here / "tf_wavenet/__init__.py").read_text())[1]

audio = ["soundfile>=0.12", "soxr>=0.3.7"]
train = [*audio, "tensorboard", "matplotlib>=3.8", "tyro>=0.9", "tqdm>=4.66"]
# pyworld comes as source (a C++ compiler is needed) and imports pkg_resources.
speech = ["pyworld>=0.3.5", "setuptools<81", "espeakng-loader>=0.2.4"]
# pesq comes as source too; speechmos does not say what it needs.
quality = [
    *["librosa>=0.11", "onnxruntime>=1.17", "pesq>=0.0.4", "pocketsphinx>=5.0", "pystoi>=0.4", "requests>=2.31"],
    *["scipy>=1.11", "speechmos>=0.0.1.1"],
]
# What examples/serving and the page need; the converters and stubs follow TensorFlow's version.
serving = ["tensorflow-serving-api>=2.17", "grpcio>=1.60", "ai-edge-litert>=2.0", "tf2onnx>=1.16", "onnxruntime>=1.17"]
page = [*train, "gradio>=5"]
imports = ["pyyaml>=6", "safetensors>=0.4"]

setup(
    name="tf-wavenet",
    version=version,
    description="WaveNet for Keras: layers, training by model.fit, fast incremental generation, SavedModels",
    long_description=(here / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    python_requires=">=3.10",
    packages=find_packages(include=["tf_wavenet", "tf_wavenet.*"]),
    install_requires=["tensorflow>=2.17", "keras>=3.12", "numpy>=1.26"],
    extras_require={
        "audio": audio,
        # The native library of tensorflow-io's last release loads with TensorFlow 2.16 and 2.17 only.
        "io": [*audio, "tensorflow-io==0.37.1", "tensorflow<2.18"],
        "train": train,
        "import": imports,
        "speech": [*train, *speech],
        "quality": [*train, *speech, *quality],
        "serving": serving,
        "page": page,
        "test": [
            *[*train, "av>=14", "pytest>=8", "pytest-xdist>=3.6", "scipy>=1.11", "hypothesis>=6", "librosa>=0.11"],
            *[*imports, "playwright>=1.45", "ruff==0.17.6"],
        ],
    },
    classifiers=[
        "License :: OSI Approved :: Apache Software License",
        "Programming Language :: Python :: 3",
        "Topic :: Multimedia :: Sound/Audio :: Speech",
    ],
)
