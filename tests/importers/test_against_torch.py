"""Files that PyTorch itself wrote: those of tests/originals everywhere, new ones where it is installed."""

import warnings

import numpy as np
import pytest

from tests.importers.pytorch_saves import DTYPES, FORMATS, OBJECTS, save_all
from tests.originals import HERE
from tests.support.pytorch import import_torch
from tf_wavenet.importers import StateDict, read_torch_checkpoint

_KINDS = {"seed": "u", "none": "f"}


@pytest.fixture(scope="module", params=["stored", "new"])
def files(request, tmp_path_factory):
    """A folder of files, and the numbers in them."""
    if request.param == "stored":
        with np.load(HERE / "pytorch.npz") as numbers:
            return HERE, dict(numbers)
    import_torch()
    folder = tmp_path_factory.mktemp("pytorch")
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*weight_norm.*")
        return folder, save_all(folder)


formats = pytest.mark.parametrize("form", FORMATS)


def of(numbers, save):
    return {name.removeprefix(f"{save}/"): array for name, array in numbers.items() if name.startswith(f"{save}/")}


@formats
def test_every_dtype_and_any_view(files, form):
    folder, numbers = files
    read, expected = read_torch_checkpoint(folder / f"views_{form}.pth"), of(numbers, "views")
    assert list(read) == list(expected) and len(read) == 6 * len(DTYPES)
    for name, array in expected.items():
        assert (read[name].dtype, read[name].shape) == (array.dtype, array.shape)
        np.testing.assert_array_equal(read[name], array)


@formats
def test_checkpoints_of_training(files, form):
    folder, numbers = files
    read, expected = read_torch_checkpoint(folder / f"training_{form}.pth"), of(numbers, "training")
    np.testing.assert_array_equal(read["optimizer"]["state"][0]["exp_avg"], expected.pop("exp_avg"))
    for weights in (read["model"]["generator"], read["kept"]):
        assert list(weights) == list(expected)
        for key, value in expected.items():
            np.testing.assert_array_equal(weights[key], value)
    assert (read["steps"], read["rates"]) == (7, {"a": 1e-4})
    assert read["scheduler"][1]["milestones"] == {3: 1, 5: 1}


@formats
def test_objects_beside_the_weights_are_plain_data(files, form):
    read = read_torch_checkpoint(files[0] / f"objects_{form}.pth")
    arrays = {name: read[name] for name in ("seed", "fortran", "big-endian", "none")}
    assert {name: array.dtype.kind for name, array in arrays.items()} == {**dict.fromkeys(arrays, "i"), **_KINDS}
    assert read | {name: array.tolist() for name, array in arrays.items()} == OBJECTS


def test_whole_modules_are_refused(files):
    """Of the old format none is stored: PyTorch puts its source code into the file."""
    paths = sorted(files[0].glob("module_*.pth"))
    assert len(paths) == (1 if files[0] == HERE else 2)
    for path in paths:
        with pytest.raises(ValueError, match="wants the global torch.nn.modules.linear.Linear"):
            read_torch_checkpoint(path)


@formats
def test_weight_norm_folds_as_pytorch_folds_it(files, form):
    folder, numbers = files
    layers, expected = read_torch_checkpoint(folder / f"weight_norm_{form}.pth"), of(numbers, "weight_norm")
    assert list(layers) == list(expected) and len(layers) == 4
    for name, weight in expected.items():
        state = StateDict({f"conv.{key}": value for key, value in layers[name].items()}, "a.pth")
        np.testing.assert_allclose(state.take("conv.weight", weight.shape), weight, rtol=1e-5, atol=1e-7)
        state.take("conv.bias", (4,))
        state.check_all_taken()
