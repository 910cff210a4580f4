import json
import struct
import sys

import numpy as np
import pytest

from tests.importers.torch_files import write_legacy, write_zip
from tf_wavenet.importers import CheckpointError, read_checkpoint


def write_safetensors(path, array, dtype="F32"):
    header = {"conv.weight": {"dtype": dtype, "shape": array.shape, "data_offsets": [0, array.nbytes]}}
    header = json.dumps(header).encode()
    path.write_bytes(struct.pack("<q", len(header)) + header + array.tobytes())
    return path


def test_formats_are_told_apart_by_their_content(tmp_path):
    array = np.arange(6, dtype="f4").reshape(2, 3)
    for write in (write_zip, write_legacy):
        path = write(tmp_path / "a.safetensors", {"conv.weight": array})
        np.testing.assert_array_equal(read_checkpoint(path)["conv.weight"], array)


def test_safetensors(tmp_path):
    pytest.importorskip("safetensors")
    array = np.arange(6, dtype="f4").reshape(2, 3)
    path = write_safetensors(tmp_path / "a.pth", array)
    np.testing.assert_array_equal(read_checkpoint(path)["conv.weight"], array)
    halves = np.array([0x3F80, 0xC000], "u2")  # 1.0 and -2.0 in bfloat16
    read = read_checkpoint(write_safetensors(tmp_path / "b.pth", halves, "BF16"))["conv.weight"]
    assert read.dtype == np.float32 and read.tolist() == [1.0, -2.0]
    with pytest.raises(CheckpointError, match="c.pth: expected a whole safetensors file"):
        read_checkpoint(write_safetensors(tmp_path / "c.pth", halves.view("u1"), "F8_E8M0"))
    whole = path.read_bytes()
    for length in (9, 40, len(whole) - 1):
        path.write_bytes(whole[:length])
        with pytest.raises(CheckpointError, match="expected a whole safetensors file"):
            read_checkpoint(path)


def test_safetensors_without_the_package_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "safetensors", None)
    monkeypatch.setitem(sys.modules, "safetensors.numpy", None)
    path = write_safetensors(tmp_path / "a.pth", np.zeros(1, "f4"))
    with pytest.raises(CheckpointError, match="pip install safetensors"):
        read_checkpoint(path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(CheckpointError, match="a.pth: No such file or directory"):
        read_checkpoint(tmp_path / "a.pth")
