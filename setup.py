"""Installs the library, `tf_wavenet`, as pyproject.toml says; training/ and benchmarks/ run from a checkout."""

from setuptools import find_packages, setup

setup(
    packages=[*find_packages(include=["tf_wavenet", "tf_wavenet.*"]), "tf_wavenet.saved_models"],
    package_dir={"tf_wavenet.saved_models": "saved_models"},  # the trained models are installed with the library
    package_data={"tf_wavenet": ["py.typed"], "tf_wavenet.saved_models": ["*.keras", "*.flac", "README.md"]},
)
