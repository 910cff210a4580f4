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


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'{\n    "resblock": "1"}', "JSON, perhaps the configuration"),  # jik876/hifi-gan's issue 123
        (b"\n <!DOCTYPE html><html>Quota exceeded", "a web page, in place of a file that was to be downloaded"),
        (b"version https://git-lfs.github.com/spec/v1\n", "a pointer to a file of Git LFS"),
        (b"\x1f\x8b\x08" + bytes(20), "a compressed archive, to be unpacked first"),
        (bytes(257) + b"ustar", "an archive, to be unpacked first"),
        (b"\x89HDF\r\n\x1a\n" + bytes(20), "HDF5"),
    ],
)
def test_says_what_a_file_is_instead(tmp_path, content, message):
    (tmp_path / "g_1").write_bytes(content)
    with pytest.raises(CheckpointError, match=f"g_1: expected a PyTorch or safetensors file. Received: {message}"):
        read_checkpoint(tmp_path / "g_1")


@pytest.mark.parametrize("length", [0x3C, 0x7B])
def test_a_safetensors_file_may_begin_as_text_does(tmp_path, length):
    """The low byte of the length of its header is a < or a {."""
    pytest.importorskip("safetensors")
    header = json.dumps({"w": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}).encode()
    header += b" " * (0x100 + length - len(header))
    (tmp_path / "a.pth").write_bytes(struct.pack("<q", len(header)) + header + np.float32(1.5).tobytes())
    assert read_checkpoint(tmp_path / "a.pth")["w"].tolist() == [1.5]
