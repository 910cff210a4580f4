"""Files written by hand, instruction by instruction; tests/importers/test_against_torch.py has PyTorch's own."""

import struct
import zipfile

import numpy as np
import pytest

from tests.importers.torch_files import (
    PROTOCOL,
    Raw,
    call,
    global_,
    pickled,
    storage,
    tensor,
    write,
    write_legacy,
    write_zip,
)
from tf_wavenet.importers import CheckpointError, read_torch_checkpoint

WRITERS = [write_zip, write_legacy]
writers = pytest.mark.parametrize("save", WRITERS)
ARRAYS = {
    "half": np.array([[1.5, -2.0]], "f2"),
    "single": np.arange(6, dtype="f4").reshape(1, 2, 3),
    "double": np.array(np.pi, "f8"),
    "long": np.array([1 << 40, -3], "i8"),
    "bool": np.array([True, False]),
    "empty": np.zeros((0, 3), "f4"),
}


@writers
def test_tensors_and_plain_data_come_back(tmp_path, save):
    saved = {"model": {"generator": ARRAYS}, "steps": 7, "lr": [1e-4, 0.5], "betas": (0.5, None), 3: True, "µ": -1}
    read = read_torch_checkpoint(save(tmp_path / "a.pth", saved))
    tensors = read["model"].pop("generator")
    assert read == {**saved, "model": {}}
    for name, array in ARRAYS.items():
        assert (tensors[name].dtype, tensors[name].shape) == (array.dtype, array.shape)
        np.testing.assert_array_equal(tensors[name], array)


def test_bfloat16_is_read_as_float32(tmp_path):
    numbers = np.array([1.0, -2.5, 3e38, 0.0078125], "f4")
    data = (numbers.view("u4") >> 16).astype("u2").tobytes()
    exact = (numbers.view("u4") & 0xFFFF0000).view("f4")
    value = tensor(storage("0", 4, "BFloat16"), 0, (2, 2), (2, 1))
    for path in (
        write_zip(tmp_path / "zip.pth", value, {"0": data}),
        write_legacy(tmp_path / "legacy.pth", value, data={"0": (4, data)}),
    ):
        np.testing.assert_array_equal(read_torch_checkpoint(path), exact.reshape(2, 2))


@writers
def test_views_share_a_storage(tmp_path, save):
    numbers = np.arange(12, dtype="f4")
    views = {
        "all": numbers,
        "transposed": tensor(storage("0", 12), 0, (4, 3), (1, 4)),
        "later": tensor(storage("0", 12), 5, (2, 2), (4, 1)),
        "expanded": tensor(storage("0", 12), 3, (2, 3), (0, 1)),
        "parameter": call("torch._utils _rebuild_parameter", tensor(storage("0", 12), 2, (3,), (1,)), True, {}),
        "ordered": call("collections OrderedDict", [["a", 1], ["b", 2]]),
    }
    read = read_torch_checkpoint(save(tmp_path / "a.pth", views))
    np.testing.assert_array_equal(read["transposed"], numbers.reshape(3, 4).T)
    np.testing.assert_array_equal(read["later"], [[5, 6], [9, 10]])
    np.testing.assert_array_equal(read["expanded"], [[3, 4, 5]] * 2)
    np.testing.assert_array_equal(read["parameter"], [2, 3, 4])
    assert read["ordered"] == {"a": 1, "b": 2}


def test_storages_of_old_files_may_be_views_of_others(tmp_path):
    value = tensor(storage("7", 6, view=(("8", 2, 3),)), 1, (2,), (1,))
    data = {"7": (6, np.arange(6, dtype="f4").tobytes())}
    read = read_torch_checkpoint(write_legacy(tmp_path / "a.pth", value, data=data))
    np.testing.assert_array_equal(read, [3, 4])


def test_attributes_of_ordered_dicts_are_dropped(tmp_path):
    value = Raw(call("collections OrderedDict", [["a", 1]]).code + write({"_metadata": {"version": 1}}) + b"b")
    assert read_torch_checkpoint(write_zip(tmp_path / "a.pth", value)) == {"a": 1}


def hostile(canary):
    command = f"touch {canary}"
    system = call("posix system", command)
    getattr_ = call("builtins getattr", call("builtins __import__", "os"), "system")
    return {
        "system": (system, "wants the global posix.system, which is not admitted; nothing was run"),
        "in a dict": ({"state_dict": {"first_conv.weight": system}}, "the global posix.system"),
        "os": (call("os system", command), "the global os.system"),
        "eval": (call("builtins eval", f"open({str(canary)!r}, 'w')"), "the global builtins.eval"),
        "python 2": (call("__builtin__ eval", f"open({str(canary)!r}, 'w')"), "the global __builtin__.eval"),
        "getattr": (Raw(getattr_.code + write((command,)) + b"R"), "the global builtins.getattr"),
        "in a size": (tensor(None, 0, (system,), (1,)), "the global posix.system"),
        "in a storage": (tensor(system, 0, (1,), (1,)), "the global posix.system"),
        "dotted": (global_("collections OrderedDict.fromkeys"), "the global collections.OrderedDict.fromkeys"),
        "torch": (call("torch.hub load", "someone/model"), "the global torch.hub.load"),
        "module": (global_("__main__ WaveNet"), "the global __main__.WaveNet"),
        "object": (Raw(b"(iposix\nsystem\n"), "wants the instruction INST"),
        "new object": (Raw(global_("collections OrderedDict").code + b")\x81"), "wants the instruction NEWOBJ"),
        "stack global": (Raw(b"X\x05\0\0\0posixX\x06\0\0\0system\x93"), "wants the global posix.system"),
        "extension": (Raw(b"\x82\x01"), "wants the instruction EXT1"),
        "text id": (Raw(b"P1\n"), "wants the instruction PERSID"),
        "call text": (Raw(write("eval") + b")R"), "wants to call a str"),
        "call a type": (Raw(global_("torch FloatStorage").code + b")R"), "wants to call a str"),
        "call with a list": (Raw(global_("collections OrderedDict").code + b"]R"), "wants to call a function"),
        "attributes": (
            Raw(global_("torch._utils _rebuild_parameter").code + write((None, {"__defaults__": (1,)})) + b"b"),
            "expected a dict to fill. Received: function",
        ),
        "fill a tuple": (Raw(b")]a"), "expected a list to fill. Received: tuple"),
        "deep key": (Raw(b"})" + b"\x85" * 10**5 + b"Ns"), "expected text or ints as keys. Received: tuple"),
        "huge memo": (Raw(b"Nr\xff\xff\xff\x7fj\xff\xff\xff\x7e"), "damaged at LONG_BINGET"),
        "empty stack": (Raw(b"R"), "damaged at REDUCE"),
        "no mark": (Raw(b"t"), "damaged at TUPLE"),
        "odd items": (Raw(b"}(X\x01\0\0\0au"), "zip"),
        "nothing": (Raw(b""), "damaged: it holds nothing"),
        "arguments": (call("torch._utils _rebuild_tensor_v2", 1), "damaged at REDUCE"),
        "pairs": (call("collections OrderedDict", 3), "damaged at REDUCE"),
    }


@writers
@pytest.mark.parametrize("name", hostile("canary"))
def test_hostile_pickles_are_refused_and_run_nothing(tmp_path, save, name):
    canary = tmp_path / "canary"
    value, message = hostile(canary)[name]
    path = save(tmp_path / "a.pth", value)
    with pytest.raises(CheckpointError) as caught:
        read_torch_checkpoint(path)
    assert str(caught.value).startswith(f"{path}: ") and message in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not canary.exists()


def test_the_hostile_pickle_does_run_where_nothing_stops_it(tmp_path):
    import pickle

    pickle.loads(pickled(hostile(tmp_path / "canary")["system"][0]))
    assert (tmp_path / "canary").exists()


@pytest.mark.parametrize("protocol", range(2, 6))
def test_a_pickle_of_any_protocol_names_what_it_would_run(tmp_path, protocol):
    import pickle

    class Hostile:
        def __reduce__(self):
            import os

            return os.system, (f"touch {tmp_path / 'canary'}",)

    (tmp_path / "a.pth").write_bytes(pickle.dumps({"weight": Hostile()}, protocol))
    with pytest.raises(CheckpointError, match="wants the global posix.system, which is not admitted; nothing was run"):
        read_torch_checkpoint(tmp_path / "a.pth")
    assert not (tmp_path / "canary").exists()


@writers
def test_a_message_stays_short_whatever_the_file_holds(tmp_path, save):
    # Each instruction doubles the text of the tuple; 40 of them would fill the memory.
    bomb = Raw(b")" + b"q\x00h\x00\x86" * 40)
    for identifier in (("storage", bomb, "0", "cpu", 1), ("storage", "<f4", bomb, "cpu", 1)):
        with pytest.raises(CheckpointError) as caught:
            read_torch_checkpoint(save(tmp_path / "a.pth", Raw(write(identifier) + b"Q")))
        assert len(str(caught.value)) < 500


@pytest.mark.parametrize("name", ["system", "eval"])
def test_a_bare_pickle_is_refused_and_runs_nothing(tmp_path, name):
    value, message = hostile(tmp_path / "canary")[name]
    (tmp_path / "a.pth").write_bytes(pickled(value))
    with pytest.raises(CheckpointError, match=message.split(",")[0]):
        read_torch_checkpoint(tmp_path / "a.pth")
    for at in range(3):  # in place of the magic number, the protocol or the description of the system
        head = [pickled(0x1950A86A20F9469CFC6C), pickled(PROTOCOL), pickled({"little_endian": True})]
        head[at] = pickled(value)
        (tmp_path / "a.pth").write_bytes(b"".join(head))
        with pytest.raises(CheckpointError, match=message.split(",")[0]):
            read_torch_checkpoint(tmp_path / "a.pth")
    assert not (tmp_path / "canary").exists()


OUTSIDE = {
    "too long": (0, (7,), (1,)),
    "offset": (4, (3,), (1,)),
    "stride": (0, (2, 2), (5, 1)),
    "negative offset": (-1, (2,), (1,)),
    "negative size": (0, (-2,), (1,)),
    "negative stride": (5, (2,), (-1,)),
    "expanded to terabytes": (0, (1 << 40,), (0,)),
    "overflow": (0, (1 << 32, 1 << 32), (1, 1)),
    "ranks": (0, (2, 2), (1,)),
    "float": (0, (2.0,), (1,)),
    "list": (0, [2], [1]),
    "bool": (0, (True,), (1,)),
    "many axes": (0, (1,) * 33, (1,) * 33),
}


@writers
@pytest.mark.parametrize("name", OUTSIDE)
def test_tensors_stay_inside_their_storage(tmp_path, save, name):
    numbers = np.arange(6, dtype="f4")
    path = save(tmp_path / "a.pth", [numbers, tensor(storage("0", 6), *OUTSIDE[name])])
    with pytest.raises(CheckpointError, match="expected (a tensor in|the shape of a tensor)"):
        read_torch_checkpoint(path)


@pytest.mark.parametrize(
    ("identifier", "message"),
    [
        (("storage", "<f4", "0", "cpu"), "expected a storage"),
        (("module", "<f4", "0", "cpu", 1), "expected a storage"),
        ("storage", "expected a storage"),
        (("storage", "O", "0", "cpu", 1), "expected a type and a size of storage '0'"),
        (("storage", "<f4", "0", "cpu", -1), "expected a type and a size of storage '0'"),
        (("storage", "<f4", "0", "cpu", 2), "expected 8 bytes in storage 0. Received: 4"),
        (("storage", "<f4", ("0",), "cpu", 1), "expected text or ints as keys"),
        (("storage", "<f4", "../data.pkl", "cpu", 1), "expected data/../data.pkl in the archive"),
    ],
)
def test_refuses_storages(tmp_path, identifier, message):
    path = write_zip(tmp_path / "a.pth", Raw(write(identifier) + b"Q"), {"0": b"\0" * 4})
    with pytest.raises(CheckpointError, match=message):
        read_torch_checkpoint(path)


def test_refuses_archives_that_are_not_as_pytorch_stores_them(tmp_path):
    path, value = tmp_path / "a.pth", {"a": np.zeros(100, "f4")}
    cases = {
        "not compressed": lambda: write_zip(path, value, compression=zipfile.ZIP_DEFLATED),
        "little-endian": lambda: write_zip(path, value, byteorder=b"big"),
        "expected 400 bytes in storage 0. Received: 399": lambda: write_zip(path, value, {"0": b"\0" * 399}),
    }
    for message, save in cases.items():
        save()
        with pytest.raises(CheckpointError, match=message):
            read_torch_checkpoint(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("letter.txt", "dear reader")
    with pytest.raises(CheckpointError, match="one data.pkl. Received: a zip archive with 0"):
        read_torch_checkpoint(path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"system": {"little_endian": False}}, "little-endian"),
        ({"system": [1]}, "little-endian"),
        ({"data": {}}, "expected the numbers of storage 0. Received: none"),
        ({"data": {"1": (6, b"")}}, "expected storages that tensors use. Received: '1'"),
        ({"data": {"0": (7, b"\0" * 28)}}, "expected 6 numbers in storage 0. Received: 7"),
        ({"data": {"0": (6, b"\0" * 23)}}, "expected 24 bytes in storage 0. Received: 23"),
    ],
)
def test_refuses_old_files_that_do_not_agree_with_themselves(tmp_path, changes, message):
    path = write_legacy(tmp_path / "a.pth", {"a": np.zeros(6, "f4")}, **changes)
    with pytest.raises(CheckpointError, match=message):
        read_torch_checkpoint(path)


@pytest.mark.parametrize("keys", [True, [["0"]], [("0",)], None, {"0": 1}])
def test_an_old_file_ends_with_the_keys_of_its_storages(tmp_path, keys):
    path = write_legacy(tmp_path / "a.pth", {"a": np.zeros(6, "f4")})
    whole, end = path.read_bytes(), pickled(["0"]) + struct.pack("<q", 6)
    assert end in whole
    path.write_bytes(whole.replace(end, pickled(keys) + struct.pack("<q", 6)))
    with pytest.raises(CheckpointError, match="expected (storages that tensors use|text or ints as keys)"):
        read_torch_checkpoint(path)


def test_an_old_file_makes_no_room_for_what_it_cannot_hold(tmp_path):
    path = write_legacy(tmp_path / "a.pth", storage("0", 1 << 40), data={})
    with pytest.raises(CheckpointError, match="expected storage 0 to fit into the file"):
        read_torch_checkpoint(path)


@writers
def test_a_file_that_was_cut_short_anywhere_is_refused(tmp_path, save):
    path = save(tmp_path / "a.pth", {"state_dict": {"a": np.arange(3, dtype="f4")}, "steps": 3})
    whole = path.read_bytes()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        with pytest.raises(CheckpointError):
            read_torch_checkpoint(path)


@writers
def test_a_damaged_file_is_read_or_refused_in_one_line(tmp_path, save, rng):
    path = save(tmp_path / "a.pth", {"state_dict": {"a": np.arange(3, dtype="f4")}, "steps": 3})
    whole = path.read_bytes()
    for at in range(len(whole)):
        damaged = bytearray(whole)
        damaged[at] = rng.integers(256)
        path.write_bytes(damaged)
        try:
            read_torch_checkpoint(path)
        except CheckpointError as error:
            assert "\n" not in str(error)


@pytest.mark.parametrize("content", [b"", b"RIFF", b"PK\x03\x04", b"\x80\x02.", struct.pack("<q", 1) * 9, b"{}"])
def test_other_files_are_refused(tmp_path, content):
    (tmp_path / "a.pth").write_bytes(content)
    with pytest.raises(CheckpointError, match="a.pth: "):
        read_torch_checkpoint(tmp_path / "a.pth")
    with pytest.raises(CheckpointError, match="No such file"):
        read_torch_checkpoint(tmp_path / "b.pth")
    with pytest.raises(CheckpointError, match="[Dd]irectory"):
        read_torch_checkpoint(tmp_path)
