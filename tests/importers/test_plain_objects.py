"""Objects beside the weights, written by hand; tests/importers/test_against_torch.py has PyTorch's own."""

import argparse
import collections
import pickle

import numpy as np
import pytest

from tests.importers.torch_files import Raw, call, global_, tensor, write, write_legacy, write_zip
from tf_wavenet.importers import CheckpointError, read_torch_checkpoint

DTYPE = Raw(call("numpy dtype", "f4", False, True).code + write((3, "<", None, None, None, -1, -1, 0)) + b"b")
ARRAY = call("numpy.core.multiarray _reconstruct", global_("numpy ndarray"), (0,), 0)


def code(value, protocol=2):
    """Python's own instructions for a value, with numbers of the memo that disturb no others."""
    return Raw(pickle.dumps(value, protocol)[2:-1])


def numbers(text):
    return call("_codecs encode", text, "latin1")


def filled(*state):
    return Raw(ARRAY.code + write(state) + b"b")


@pytest.mark.parametrize("save", [write_zip, write_legacy])
def test_objects_beside_the_weights_are_plain_data(tmp_path, save):
    saved = {
        "weight": np.arange(3, dtype="f4"),
        "args": code(argparse.Namespace(lr=0.5, sizes=[1, 2], nested=argparse.Namespace(a=1))),
        "losses": code(collections.defaultdict(list, mel=[0.5], empty=[])),
        "counts": code([collections.defaultdict(kind) for kind in (int, str, dict, set)]),
        "scalar": code(np.float64(0.1)),
        "old NumPy": call("numpy.core.multiarray scalar", DTYPE, numbers("\0\0\xc0\x3f")),
        "array": code(np.arange(6, dtype="i2").reshape(2, 3)),
        "size": call("torch Size", (2, 3)),
        "device": call("torch device", "cuda", 1),
        "dtype": global_("torch bfloat16"),
        "path": call("pathlib PosixPath", "/", "runs", "a"),
        "newer Python": call("pathlib._local WindowsPath", "C:\\", "a"),
    }
    read = read_torch_checkpoint(save(tmp_path / "a.pth", saved))
    np.testing.assert_array_equal(read.pop("weight"), [0, 1, 2])
    array = read.pop("array")
    assert (array.dtype, array.tolist()) == (np.int16, [[0, 1, 2], [3, 4, 5]])
    assert read == {
        **{"args": {"lr": 0.5, "sizes": [1, 2], "nested": {"a": 1}}, "losses": {"mel": [0.5], "empty": []}},
        **{
            "counts": [{}] * 4,
            "scalar": 0.1,
            "old NumPy": 1.5,
            "size": (2, 3),
            "device": "cuda:1",
            "dtype": "bfloat16",
        },
        **{"path": "/runs/a", "newer Python": "C:\\a"},
    }


@pytest.mark.parametrize("protocol", [2, 3, 4])
def test_objects_in_any_protocol(tmp_path, protocol):
    saved = {"scalar": np.float32(1.5), "array": np.ones(2), "args": argparse.Namespace(a=1)}
    if protocol == 2:
        path = write_zip(tmp_path / "a.pth", code(saved))
    else:
        path = write_zip(tmp_path / "a.pth", Raw(pickle.dumps(saved, protocol)[:-1]))
    read = read_torch_checkpoint(path)
    assert (read["scalar"], read["array"].tolist(), read["args"]) == (1.5, [1, 1], {"a": 1})


def test_an_array_is_no_way_to_memory_that_was_freed(tmp_path):
    """Tensors may be views of an array; so it gets its numbers once."""
    first = filled(1, (2,), DTYPE, False, numbers("\0" * 8))
    view = tensor(Raw(b"h\x00"), 0, (2,), (1,))  # of what the memo holds
    again = write((1, (1,), DTYPE, False, numbers("\0" * 4))) + b"b"
    value = Raw(b"(" + first.code + b"q\x00" + view.code + b"h\x00" + again + b"t")
    with pytest.raises(CheckpointError, match="expected the numbers of an array once"):
        read_torch_checkpoint(write_zip(tmp_path / "a.pth", value))


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (call("argparse Namespace", [["a", 1]]), "damaged at REDUCE"),
        (Raw(global_("argparse Namespace").code + b")\x81" + write([1]) + b"b"), "expected attributes by their names"),
        (call("collections defaultdict", call("builtins list")), "wants to call a str; nothing was run"),
        (call("collections defaultdict", global_("posix system")), "the global posix.system"),
        (Raw(global_("collections defaultdict").code + b")\x81"), "wants the instruction NEWOBJ"),
        (call("numpy dtype", "O8", False, True), "expected a NumPy type of numbers"),
        (call("numpy dtype", "V8", False, True), "expected a NumPy type of numbers"),
        (call("numpy.core.multiarray scalar", "f4", numbers("\0" * 4)), "expected a NumPy type of numbers"),
        (call("numpy.core.multiarray scalar", DTYPE, numbers("\0" * 8)), "expected one number. Received: 2"),
        (call("numpy.core.multiarray scalar", DTYPE, 3), "damaged at REDUCE"),
        (call("numpy.core.multiarray _reconstruct", "memmap", (0,), 0), "expected an array of NumPy"),
        (call("numpy.core.multiarray _reconstruct", "numpy.ndarray", (1 << 40,), 0), "expected an array of NumPy"),
        (filled(1, (3,), DTYPE, False, numbers("\0" * 8)), "expected 3 numbers in an array. Received: 2"),
        (filled(1, (-2,), DTYPE, False, numbers("\0" * 8)), "expected the shape of an array"),
        (filled(1, [2], DTYPE, False, numbers("\0" * 8)), "expected the shape of an array"),
        (filled(1, (0, 1 << 63), DTYPE, False, numbers("")), "expected the shape of an array"),
        (filled(1, (2,), DTYPE, False, numbers("\0" * 7)), "buffer size must be a multiple of element size"),
        (filled(1, (2,)), "not enough values"),
        (call("_codecs encode", "touch", "rot13"), "expected bytes"),
        (call("torch Size", [2]), "expected a tuple of sizes. Received: list"),
        (call("torch device", 0.5), "expected text or ints as keys"),
        (call("pathlib PosixPath", "a" * 5000), "expected a path or device of a few thousand characters"),
        (global_("pathlib Path.unlink"), "the global pathlib.Path.unlink, which is not admitted"),
        (global_("numpy load"), "the global numpy.load, which is not admitted"),
    ],
)
def test_refuses_what_is_no_such_object(tmp_path, value, message):
    with pytest.raises(CheckpointError) as caught:
        read_torch_checkpoint(write_zip(tmp_path / "a.pth", value))
    assert message in str(caught.value) and "\n" not in str(caught.value)


def test_a_path_cannot_double_itself_until_the_memory_is_full(tmp_path):
    doubled = Raw(write("a") + b"q\x00" + (global_("torch device").code + b"h\x00h\x00\x86Rq\x00") * 40)
    with pytest.raises(CheckpointError, match="expected a path or device of a few thousand characters"):
        read_torch_checkpoint(write_zip(tmp_path / "a.pth", doubled))
