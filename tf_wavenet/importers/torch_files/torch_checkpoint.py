"""Reads the tensors of PyTorch's files without PyTorch, and without running what such a file may hold."""

import io
import math
import mmap
import os
import reprlib
import struct
import zipfile
from typing import Any

import numpy as np

from tf_wavenet.importers.checkpoint_error import CheckpointError
from tf_wavenet.importers.torch_files.plain_objects import PLAIN_NAMES
from tf_wavenet.importers.torch_files.plain_pickle import checked_key, read_pickle

_MAGIC = 0x1950A86A20F9469CFC6C  # what files of PyTorch before 1.6 begin with
_LEGACY_PROTOCOL = 1001
_DTYPES = {
    **{"DoubleStorage": "<f8", "FloatStorage": "<f4", "HalfStorage": "<f2", "BFloat16Storage": "bfloat16"},
    **{"LongStorage": "<i8", "IntStorage": "<i4", "ShortStorage": "<i2", "CharStorage": "<i1"},
    **{"ByteStorage": "<u1", "BoolStorage": "?"},
}


def read_torch_checkpoint(path: str | os.PathLike) -> Any:
    """Reads what `torch.save` wrote: dicts, lists and numbers, and tensors as NumPy arrays.

    Both formats are read, the zip archive and that of PyTorch before 1.6. A pickle is a program; this one is not run.
    The few globals that tensors need (`_NAMES`) are understood, and those of objects that training scripts save beside
    them, as plain data (`PLAIN_NAMES`). Any other is refused, so that also a file from a stranger does no more than
    fail.

    Args:
        path: A file such as `checkpoint.pth`, of a state dict or anything that holds state dicts.

    Returns:
        What was saved; bfloat16 tensors as float32, paths, devices and dtypes as text, a Namespace as a dict.

    Raises:
        CheckpointError: If the file is missing, damaged, or holds more than tensors and plain data.

    Example:
    >>> read_torch_checkpoint("/no/such/file.pth")
    Traceback (most recent call last):
        ...
    tf_wavenet.importers.checkpoint_error.CheckpointError: /no/such/file.pth: No such file or directory

    References:
        The layout is that of torch/serialization.py (PyTorch 0.4 to 2.x).
    """
    try:
        with open(path, "rb") as file:
            first = file.read(4)
            if not first:
                raise ValueError("expected a PyTorch file. Received: an empty one")
            is_zip = first == b"PK\x03\x04"
            return _read_zip(file) if is_zip else _read_legacy(file)
    except OSError as error:
        raise CheckpointError(path, error.strerror or str(error)) from None
    except (ValueError, EOFError, MemoryError, NotImplementedError, RuntimeError) as error:
        raise CheckpointError(path, str(error) or type(error).__name__) from None
    except (zipfile.BadZipFile, struct.error) as error:
        raise CheckpointError(path, f"expected a whole PyTorch file. Received: {error}") from None


def _read_zip(file):
    size = os.fstat(file.fileno()).st_size
    with zipfile.ZipFile(file) as archive:
        infos = {info.filename: info for info in archive.infolist()}
        pickles = [name for name in infos if name.endswith("/data.pkl")]
        if len(pickles) != 1:
            raise ValueError(f"expected a PyTorch file, one data.pkl. Received: a zip archive with {len(pickles)}")
        root = pickles[0].removesuffix("data.pkl")

        def read(name):
            info = infos.get(root + name)
            if info is None:
                raise ValueError(f"expected {name} in the archive. Received: none; a file that was cut short?")
            if info.compress_type != zipfile.ZIP_STORED or info.file_size > size:
                raise ValueError(f"expected {name} as PyTorch stores it, not compressed")
            return archive.read(info)

        if root + "byteorder" in infos and read("byteorder") != b"little":
            raise ValueError("expected numbers in little-endian order. Received: another")
        storages = {}

        def read_persistent(identifier):
            dtype, key, numel = _storage_of(identifier)
            if key not in storages:
                storages[key] = _values(read(f"data/{key}"), dtype, numel, key)
            return storages[key]

        return read_pickle(io.BytesIO(read("data.pkl")), _NAMES, read_persistent)


def _read_legacy(file):
    with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as stream:
        if [_header(stream) for _ in range(2)] != [_MAGIC, _LEGACY_PROTOCOL]:
            raise ValueError("expected a PyTorch file. Received: a pickle of something else")
        system = _header(stream)
        if not isinstance(system, dict) or not system.get("little_endian"):
            raise ValueError("expected numbers in little-endian order. Received: another")
        storages = {}

        def read_persistent(identifier):
            # The numbers come after the pickle; tensors are views of the array that they will be read into.
            dtype, key, numel = _storage_of(identifier[:5])
            if key not in storages:
                if numel * _stored(dtype).itemsize > len(stream):
                    raise ValueError(f"expected storage {key} to fit into the file. Received: {numel} numbers")
                storages[key] = (dtype, np.zeros(numel, "<f4" if dtype == "bfloat16" else dtype))
            array, view = storages[key][1], identifier[5] if len(identifier) > 5 else None
            return array if view is None else _rebuild_tensor(array, view[1], (view[2],), (1,))

        value = read_pickle(stream, _NAMES, read_persistent)
        keys = read_pickle(stream, {})
        for key in keys if isinstance(keys, list) else [keys]:
            if checked_key(key) not in storages:
                raise ValueError(f"expected storages that tensors use. Received: {key!r}")
            dtype, array = storages.pop(key)
            (numel,) = struct.unpack("<q", stream.read(8))
            if numel != len(array):
                raise ValueError(f"expected {len(array)} numbers in storage {key}. Received: {numel}")
            array[:] = _values(stream.read(numel * _stored(dtype).itemsize), dtype, numel, key)
        if storages:
            raise ValueError(f"expected the numbers of storage {next(iter(storages))}. Received: none")
        return value


def _header(stream):
    try:
        return read_pickle(stream, {})
    except ValueError as error:
        raise ValueError(f"expected a PyTorch file. Received: {error}") from None


def _storage_of(identifier):
    """Returns `(dtype, key, numel)` of a persistent id, which PyTorch uses for storages only."""
    if type(identifier) is not tuple or len(identifier) != 5 or identifier[0] != "storage":
        raise ValueError(f"expected a storage. Received: {reprlib.repr(identifier)}")
    _, dtype, key, _, numel = identifier
    checked_key(key)
    if dtype not in _DTYPES.values() or not _are_sizes((numel,)):
        received = reprlib.repr((dtype, numel))
        raise ValueError(f"expected a type and a size of storage {reprlib.repr(key)}. Received: {received}")
    return dtype, key, numel


def _values(data, dtype, numel, key):
    stored = _stored(dtype)
    if len(data) != numel * stored.itemsize:
        expected = f"expected {numel * stored.itemsize} bytes in storage {key}"
        raise ValueError(f"{expected}. Received: {len(data)}; a file that was cut short?")
    values = np.frombuffer(data, stored)
    return (values.astype("<u4") << 16).view("<f4") if dtype == "bfloat16" else values


def _stored(dtype):
    return np.dtype("<u2" if dtype == "bfloat16" else dtype)


def _rebuild_tensor(storage, offset, size, stride, *_):
    if not isinstance(storage, np.ndarray) or storage.ndim != 1 or not _are_sizes((offset,)):
        raise ValueError("expected a tensor in a storage")
    if not _are_sizes(size) or not _are_sizes(stride) or len(size) != len(stride):
        raise ValueError(f"expected the shape of a tensor. Received: {reprlib.repr((size, stride))}")
    count = math.prod(size)
    last = offset + sum((n - 1) * step for n, step in zip(size, stride, strict=True))
    if count > len(storage) or (count and last >= len(storage)):
        received = f"shape {reprlib.repr(size)}, strides {reprlib.repr(stride)}, offset {offset}"
        raise ValueError(f"expected a tensor inside its storage of {len(storage)} numbers. Received: {received}")
    if not count:
        return np.zeros(size, storage.dtype)
    steps = [step * storage.itemsize for step in stride]
    return np.lib.stride_tricks.as_strided(storage[offset:], size, steps, writeable=False)


def _are_sizes(values):
    return type(values) is tuple and all(type(n) is int and 0 <= n < 1 << 48 for n in values) and len(values) <= 32


def _rebuild_parameter(data, *_):
    return data


_NAMES = {
    **PLAIN_NAMES,
    "torch._utils._rebuild_tensor": _rebuild_tensor,  # before PyTorch 0.4
    "torch._utils._rebuild_tensor_v2": _rebuild_tensor,
    "torch._utils._rebuild_parameter": _rebuild_parameter,
    "torch._utils._rebuild_parameter_with_state": _rebuild_parameter,
    **{f"torch.{name}": dtype for name, dtype in _DTYPES.items()},
}
