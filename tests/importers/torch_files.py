"""Writes PyTorch's files by hand, instruction by instruction, also such as PyTorch would not write."""

import dataclasses
import struct
import zipfile

import numpy as np

STORAGES = {"f8": "Double", "f4": "Float", "f2": "Half", "i8": "Long", "i4": "Int", "u1": "Byte", "b1": "Bool"}
MAGIC, PROTOCOL = 0x1950A86A20F9469CFC6C, 1001


@dataclasses.dataclass(frozen=True)
class Raw:
    """Instructions as they are."""

    code: bytes


def call(name, *arguments):
    """A value that is made by calling a global, "module name"."""
    return Raw(global_(name).code + write(arguments) + b"R")


def global_(name):
    return Raw(b"c" + name.replace(" ", "\n").encode() + b"\n")


def tensor(storage, offset, size, stride):
    """A tensor, of what `storage` gives."""
    return call(
        "torch._utils _rebuild_tensor_v2", storage, offset, size, stride, False, call("collections OrderedDict")
    )


def storage(key, numel, kind="Float", view=()):
    identifier = ("storage", global_(f"torch {kind}Storage"), key, "cpu", numel, *view)
    return Raw(write(identifier) + b"Q")


def write(value, numbers=None):
    """Instructions for a value; arrays are appended to the list `numbers`."""
    if isinstance(value, Raw):
        return value.code
    if isinstance(value, np.ndarray):
        key, kind = str(len(numbers)), STORAGES[value.dtype.str[1:]]
        numbers.append(np.array(value, order="C"))
        stride = tuple(step // value.itemsize for step in numbers[-1].strides)
        return tensor(storage(key, value.size, kind), 0, value.shape, stride).code
    if value is None or isinstance(value, bool):
        return {None: b"N", True: b"\x88", False: b"\x89"}[value]
    if isinstance(value, int):
        data = value.to_bytes(11, "little", signed=True)
        return b"\x8a" + bytes([len(data)]) + data
    if isinstance(value, float):
        return b"G" + struct.pack(">d", value)
    if isinstance(value, str):
        return b"X" + struct.pack("<i", len(value.encode())) + value.encode()
    if isinstance(value, dict):
        return b"}(" + b"".join(write(k, numbers) + write(v, numbers) for k, v in value.items()) + b"u"
    items = b"".join(write(item, numbers) for item in value)
    return b"](" + items + b"e" if isinstance(value, list) else b"(" + items + b"t"


def pickled(value, numbers=None):
    return b"\x80\x02" + write(value, numbers) + b"."


def write_zip(path, value, data=None, compression=zipfile.ZIP_STORED, byteorder=b"little"):
    """Writes the format of PyTorch 1.6 and later; `data` replaces the numbers of storages, by their key."""
    numbers = []
    code = pickled(value, numbers)
    entries = {str(key): array.tobytes() for key, array in enumerate(numbers)} | (data or {})
    with zipfile.ZipFile(path, "w", compression) as archive:
        archive.writestr("archive/data.pkl", code)
        archive.writestr("archive/byteorder", byteorder)
        for key, content in entries.items():
            archive.writestr(f"archive/data/{key}", content)
        archive.writestr("archive/version", b"3\n")
    return path


def write_legacy(path, value, system=None, data=None):
    """Writes the format before PyTorch 1.6; `data` replaces what comes after the pickle, `{key: (numel, bytes)}`."""
    numbers = []
    code = pickled(value, numbers)
    if data is None:
        data = {str(key): (array.size, array.tobytes()) for key, array in enumerate(numbers)}
    system = {"protocol_version": PROTOCOL, "little_endian": True} if system is None else system
    head = pickled(MAGIC) + pickled(PROTOCOL) + pickled(system) + code + pickled(list(data))
    path.write_bytes(head + b"".join(struct.pack("<q", numel) + content for numel, content in data.values()))
    return path
