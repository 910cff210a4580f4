"""Objects that training scripts save beside the weights, read as plain data: none of their classes is made.

NumPy's scalars become numbers and its arrays arrays, a Namespace a dict, a path text, a device or a dtype its name.
"""

import math
import re
from pathlib import PurePosixPath, PureWindowsPath
from typing import Any

import numpy as np

from tf_wavenet.importers.torch_files.plain_pickle import Later, checked_key

_ARRAY = "numpy.ndarray"
# What a defaultdict makes of missing keys; here no more than names.
_FACTORIES = ("bool", "dict", "float", "int", "list", "long", "set", "str", "tuple", "unicode")
_PATHLIB = ("pathlib", "pathlib._local")  # the second since Python 3.13
_TORCH_DTYPES = """
    bfloat16 bool complex128 complex64 float16 float32 float64 int16 int32 int64 int8 uint8
""".split()


class _Namespace(Later, dict):
    """The attributes of an object."""

    def __init__(self) -> None:
        super().__init__()

    def fill(self, state) -> None:
        if type(state) is not dict:
            raise ValueError(f"expected attributes by their names. Received: {type(state).__name__}")
        self.update(state)


class _Dtype(Later, str):
    """The code of a NumPy type, such as f4; its byte order comes later."""

    order = "<"

    def __new__(cls, code, *_) -> "_Dtype":
        if type(code) is not str or not re.fullmatch(r"b1|[iu][1248]|f[248]|c8|c16", code):
            raise ValueError("expected a NumPy type of numbers")
        return super().__new__(cls, code)

    def __init__(self, *_) -> None:
        super().__init__()

    def fill(self, state) -> None:
        if type(state) is not tuple or len(state) < 2 or state[1] not in ("<", ">", "|"):
            raise ValueError("expected the byte order of a NumPy type")
        self.order = state[1]


class _Array(Later, np.ndarray):
    """An array that has no numbers yet."""

    def fill(self, state) -> None:
        if self.size:  # tensors may be views of it
            raise ValueError("expected the numbers of an array once")
        _, shape, dtype, is_fortran, data = state
        values = _numbers(data, dtype)
        if type(shape) is not tuple or not all(type(n) is int and 0 <= n < 1 << 48 for n in shape) or len(shape) > 32:
            raise ValueError("expected the shape of an array")
        if math.prod(shape) != len(values):
            raise ValueError(f"expected {math.prod(shape)} numbers in an array. Received: {len(values)}")
        self.__setstate__((1, shape, values.dtype, is_fortran is True, values.tobytes()))


def _numbers(data, dtype):
    if type(dtype) is not _Dtype:
        raise ValueError("expected a NumPy type of numbers")
    if isinstance(data, str):  # of Python 2
        data = data.encode("latin1")
    return np.frombuffer(data, dtype.order + dtype)


def _scalar(dtype, data):
    values = _numbers(data, dtype)
    if len(values) != 1:
        raise ValueError(f"expected one number. Received: {len(values)}")
    return values[0].item()


def _array(kind, shape, *_):
    if type(kind) is not str or kind != _ARRAY or type(shape) is not tuple or shape != (0,):
        raise ValueError("expected an array of NumPy")
    return np.ndarray.__new__(_Array, (0,), "u1")


def _encode(text, encoding):
    if type(text) is not str or type(encoding) is not str or encoding != "latin1":
        raise ValueError("expected bytes")
    return text.encode("latin1")


def _no_bytes():
    return b""


def _sizes(sizes=()):
    if type(sizes) is not tuple:
        raise ValueError(f"expected a tuple of sizes. Received: {type(sizes).__name__}")
    return sizes


def _device(*parts):
    return ":".join(map(str, _short(parts)))


def _posix_path(*parts):
    return str(PurePosixPath(*_short(parts)))


def _windows_path(*parts):
    return str(PureWindowsPath(*_short(parts)))


def _short(parts):
    """Returns parts of a text; a pickle can double a text by each few bytes of its own."""
    parts = [checked_key(part) for part in parts]
    if any(isinstance(part, str) and len(part) > 1 << 12 for part in parts) or len(parts) > 1 << 10:
        raise ValueError("expected a path or device of a few thousand characters")
    return parts


def _dict_of_default(_factory=None, *pairs):
    return _dict(*pairs)


def _dict(pairs=()):
    items = pairs.items() if isinstance(pairs, dict) else pairs
    return {checked_key(key): value for key, value in items}


# What each global stands for: a function that checks its arguments, or a name that cannot be called.
PLAIN_NAMES: dict[str, Any] = {
    "collections.OrderedDict": _dict,
    "collections.Counter": _dict,  # of learning rate schedules
    "collections.defaultdict": _dict_of_default,
    "argparse.Namespace": _Namespace,
    "types.SimpleNamespace": _Namespace,
    "_codecs.encode": _encode,
    "__builtin__.bytes": _no_bytes,  # of an array without numbers
    "numpy.dtype": _Dtype,
    "numpy.ndarray": _ARRAY,
    "torch.Size": _sizes,
    "torch.device": _device,
    **{f"{module}.{name}": name for module in ("builtins", "__builtin__") for name in _FACTORIES},
    **{f"torch.{name}": name for name in _TORCH_DTYPES},
    **{f"numpy.{core}.multiarray.scalar": _scalar for core in ("core", "_core")},
    **{f"numpy.{core}.multiarray._reconstruct": _array for core in ("core", "_core")},
    **{f"{module}.{pure}PosixPath": _posix_path for module in _PATHLIB for pure in ("", "Pure")},
    **{f"{module}.{pure}WindowsPath": _windows_path for module in _PATHLIB for pure in ("", "Pure")},
}
