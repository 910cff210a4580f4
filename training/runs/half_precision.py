"""Models in files of half the size."""

import shutil
import tempfile
import zipfile
from pathlib import Path

import h5py
import keras
import numpy as np

from tf_wavenet.files import atomic_path

_WEIGHTS = "model.weights.h5"


def save_half(model: keras.Model, path: Path, mantissa_bits: int = 10) -> None:
    """Saves a model with its weights in float16; `keras.models.load_model` brings it back in its own precision.

    The configuration is that of a float32 model, whatever it was trained in. Optimizers are left out.

    Args:
        model: The model.
        path: `.keras` file to write; it appears whole or not at all.
        mantissa_bits: Int, 1 to 10: bits of each mantissa that are kept. Fewer than float16's 10 make the file smaller,
            since it is compressed; bfloat16 has 7.

    Raises:
        ValueError: If a weight is too large for float16.
    """
    config = {**model.get_config(), "dtype": "float32"}
    plain = type(model).from_config(config)
    plain.set_weights(model.get_weights())
    with tempfile.TemporaryDirectory() as folder:
        whole, weights, half = (Path(folder) / name for name in ("whole.keras", _WEIGHTS, "half.h5"))
        plain.save(whole)
        with zipfile.ZipFile(whole) as archive:
            archive.extract(_WEIGHTS, folder)
            others = {name: archive.read(name) for name in archive.namelist() if name != _WEIGHTS}
        with h5py.File(weights, "r") as source, h5py.File(half, "w") as target:
            source.visititems(lambda name, item: _copy(name, item, target, mantissa_bits))
        with atomic_path(path) as partial:
            with zipfile.ZipFile(partial, "w", zipfile.ZIP_DEFLATED) as archive:
                for name, content in others.items():
                    archive.writestr(name, content)
                with half.open("rb") as source, archive.open(_WEIGHTS, "w") as target:
                    shutil.copyfileobj(source, target)


def _copy(name: str, item: h5py.Group | h5py.Dataset, target: h5py.File, mantissa_bits: int) -> None:
    if isinstance(item, h5py.Group):
        made = target.require_group(name)
    else:
        values = item[()]
        if values.dtype == np.float32:
            with np.errstate(over="ignore"):
                values = values.astype(np.float16)
            if not np.isfinite(values).all():
                raise ValueError(f"Expected weights that float16 can hold. Received: larger ones in {name}")
            if mantissa_bits < 10:
                unit = 1 << (10 - mantissa_bits)
                values = ((values.view(np.uint16) + unit // 2) & (0x10000 - unit)).astype(np.uint16).view(np.float16)
        packed = {"compression": "gzip", "shuffle": True} if mantissa_bits < 10 and values.ndim else {}
        made = target.create_dataset(name, data=values, **packed)
    for key, value in item.attrs.items():
        made.attrs[key] = value
