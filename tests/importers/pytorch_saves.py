"""What PyTorch saves of tensors and of training, and the numbers in it. Imports PyTorch when called."""

import argparse
import collections
import pathlib

import numpy as np

DTYPES = ("float16", "bfloat16", "float32", "float64", "int8", "uint8", "int16", "int32", "int64", "bool")
FORMATS = {"zip": True, "legacy": False}
SAVES = ("views", "training", "module", "weight_norm", "objects")
# What `_objects` saves, as plain data; arrays as lists.
OBJECTS = {
    **{"loss": 0.5, "best": -3, "improved": True, "complex": 1 + 2j, "bytes": b"ab"},
    **{"args": {"lr": 1e-3, "out": "/runs/a", "cuda": None}, "size": (2, 3), "devices": ["cuda:1", "cpu"]},
    **{"dtypes": ["float16", "i2"], "losses": {"mel": [0.5, 0.25]}, "paths": ["a/b", "C:\\a\\b"]},
    **{"seed": [0, 1, 1812433255], "fortran": [[0, 1, 2], [3, 4, 5]], "big-endian": [1, -2], "none": []},
}


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


def _objects(torch):
    """What scripts put beside the weights."""
    saved = {
        **{"loss": np.float32(0.5), "best": np.int64(-3), "improved": np.bool_(True), "complex": np.complex64(1 + 2j)},
        "bytes": b"ab",
        "args": argparse.Namespace(lr=np.float64(1e-3), out=pathlib.PosixPath("/runs/a"), cuda=None),
        "size": torch.zeros(2, 3).shape,
        "devices": [torch.device("cuda", 1), torch.device("cpu")],
        "dtypes": [torch.float16, np.dtype("int16")],
        "losses": collections.defaultdict(list, mel=[0.5, 0.25]),
        "paths": [pathlib.PurePosixPath("a/b"), pathlib.PureWindowsPath("C:/a/b")],
        "seed": np.random.RandomState(0).get_state()[1][:3],
        "fortran": np.asfortranarray(np.arange(6).reshape(2, 3)),
        "big-endian": np.array([1, -2], ">i4"),
        "none": np.zeros(0),
    }
    return saved, {}


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
