"""What PyTorch saves of tensors and of training, and the numbers in it. Imports PyTorch when called."""

import collections

import numpy as np

DTYPES = ("float16", "bfloat16", "float32", "float64", "int8", "uint8", "int16", "int32", "int64", "bool")
FORMATS = {"zip": True, "legacy": False}
SAVES = ("views", "training", "module", "weight_norm")


def save_all(folder):
    """Writes `{save}_{format}.pth` for all of them.

    Args:
        folder: Where to.

    Returns:
        Dict of the arrays that a reader must find: `save/names`, and "weight_norm/layer/folded" besides.
    """
    import torch

    torch.manual_seed(0)
    numbers = {}
    for save in SAVES:
        saved, arrays = globals()[f"_{save}"](torch)
        numbers |= {f"{save}/{name}": array for name, array in arrays.items()}
        for form, is_zip in FORMATS.items():
            torch.save(saved, folder / f"{save}_{form}.pth", _use_new_zipfile_serialization=is_zip)
    return numbers


def _views(torch):
    views = {}
    for dtype in DTYPES:
        whole = (torch.arange(24).reshape(2, 3, 4) % 7).to(getattr(torch, dtype))
        part = whole[1:, :, 1::2]
        of_dtype = {"whole": whole, "transposed": whole.transpose(0, 2), "part": part, "number": whole[1, 1, 1]}
        of_dtype |= {"none": whole[:0], "expanded": whole[0, :, :1].expand(3, 4)}
        views |= {f"{dtype}/{name}": view for name, view in of_dtype.items()}
    return views, {name: (v.float() if v.dtype == torch.bfloat16 else v).numpy() for name, v in views.items()}


def _training(torch):
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
    arrays = {key: value.numpy() for key, value in module.state_dict().items()}
    return saved, arrays | {"exp_avg": optimizer.state_dict()["state"][0]["exp_avg"].numpy()}


def _module(torch):
    return torch.nn.Linear(2, 3), {}


def _weight_norm(torch):
    """Layers with the old and the new weight norm."""
    saved, arrays = {}, {}
    for age, norm in (("old", torch.nn.utils.weight_norm), ("new", torch.nn.utils.parametrizations.weight_norm)):
        for kind in (torch.nn.Conv1d, torch.nn.ConvTranspose1d):
            layer, name = norm(kind(3, 4, 5)), f"{age} {kind.__name__}"
            with torch.no_grad():
                for parameter in layer.parameters():
                    parameter.normal_()
            layer.eval()
            saved[name] = layer.state_dict()
            layer(torch.zeros(1, 3, 8))  # the old kind folds before it runs
            arrays[name] = np.array(layer.weight.detach())
    return saved, arrays
