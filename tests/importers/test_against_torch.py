"""Files that PyTorch itself wrote."""

import collections

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from tf_wavenet.importers import StateDict, read_torch_checkpoint  # noqa: E402

DTYPES = ("float16", "bfloat16", "float32", "float64", "int8", "uint8", "int16", "int32", "int64", "bool")
formats = pytest.mark.parametrize("is_zip", [True, False])


@formats
@pytest.mark.parametrize("dtype", DTYPES)
def test_every_dtype_and_any_view(tmp_path, is_zip, dtype):
    whole = (torch.arange(24).reshape(2, 3, 4) % 7).to(getattr(torch, dtype))
    views = {"whole": whole, "transposed": whole.transpose(0, 2), "part": whole[1:, :, 1::2], "number": whole[1, 1, 1]}
    views |= {"none": whole[:0], "expanded": whole[0, :, :1].expand(3, 4)}
    torch.save(views, tmp_path / "a.pth", _use_new_zipfile_serialization=is_zip)
    read = read_torch_checkpoint(tmp_path / "a.pth")
    for name, tensor in views.items():
        expected = tensor.float().numpy() if dtype == "bfloat16" else tensor.numpy()
        assert (read[name].dtype, read[name].shape) == (expected.dtype, expected.shape)
        np.testing.assert_array_equal(read[name], expected)


@formats
def test_checkpoints_of_training(tmp_path, is_zip):
    """Optimizers, their schedules and parameters: all that training scripts put beside the weights."""
    module = torch.nn.Sequential(torch.nn.Conv1d(2, 3, 3), torch.nn.BatchNorm1d(3))
    optimizer = torch.optim.Adam(module.parameters(), amsgrad=True)
    schedules = [
        torch.optim.lr_scheduler.StepLR(optimizer, 10),
        torch.optim.lr_scheduler.MultiStepLR(optimizer, [3, 5]),
        torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.9),
    ]
    module(torch.randn(4, 2, 9)).sum().backward()
    optimizer.step()
    saved = {
        "model": {"generator": module.state_dict()},
        "kept": module.state_dict(keep_vars=True),
        "optimizer": optimizer.state_dict(),
        "scheduler": [schedule.state_dict() for schedule in schedules],
        "steps": 7,
        "rates": collections.OrderedDict(a=1e-4),
    }
    torch.save(saved, tmp_path / "a.pth", _use_new_zipfile_serialization=is_zip)
    read = read_torch_checkpoint(tmp_path / "a.pth")
    for weights in (read["model"]["generator"], read["kept"]):
        assert list(weights) == list(module.state_dict())
        for key, value in module.state_dict().items():
            np.testing.assert_array_equal(weights[key], value.numpy())
    np.testing.assert_array_equal(
        read["optimizer"]["state"][0]["exp_avg"], optimizer.state_dict()["state"][0]["exp_avg"].numpy()
    )
    assert (read["steps"], read["rates"]) == (7, {"a": 1e-4})
    assert read["scheduler"][1]["milestones"] == {3: 1, 5: 1}


@formats
def test_whole_modules_are_refused(tmp_path, is_zip):
    torch.save(torch.nn.Linear(2, 3), tmp_path / "a.pth", _use_new_zipfile_serialization=is_zip)
    with pytest.raises(ValueError, match="wants the global torch.nn.modules.linear.Linear"):
        read_torch_checkpoint(tmp_path / "a.pth")


@pytest.mark.filterwarnings("ignore:.*weight_norm.*")
@pytest.mark.parametrize("weight_norm", [torch.nn.utils.weight_norm, torch.nn.utils.parametrizations.weight_norm])
@pytest.mark.parametrize("kind", [torch.nn.Conv1d, torch.nn.ConvTranspose1d])
def test_weight_norm_folds_as_pytorch_folds_it(tmp_path, weight_norm, kind):
    layer = weight_norm(kind(3, 4, 5))
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.normal_()
    layer.eval()
    torch.save(layer.state_dict(), tmp_path / "a.pth")
    state = StateDict({f"conv.{k}": v for k, v in read_torch_checkpoint(tmp_path / "a.pth").items()}, "a.pth")
    layer(torch.zeros(1, 3, 8))  # the old kind folds before it runs
    folded = state.take("conv.weight", layer.weight.shape)
    np.testing.assert_allclose(folded, layer.weight.detach().numpy(), rtol=1e-5, atol=1e-7)
    state.take("conv.bias", (4,))
    state.check_all_taken()
