"""The architecture in a `.nam` file, and the arguments of `NamWaveNet` that say the same."""

from typing import Any

from tf_wavenet.models.nam.layer import FILM_SITES

_REQUIRED = {"input_size", "condition_size", "channels", "dilations", "activation"}
_CLASSIC = {"kernel_size", "gated", "head_size", "head_bias"}
_LATER = {"kernel_sizes", "bottleneck", "gating_mode", "secondary_activation", "head", "layer1x1", "head1x1"}
_LATER |= {"groups_input", "groups_input_mixin", "slimmable", *FILM_SITES}


def check_keys(name, section, required, optional=()) -> None:
    """Raises a ValueError unless `section` is an object with these keys; `optional=None` allows any others."""
    if not isinstance(section, dict):
        raise ValueError(f"Expected {name} to be an object. Received: {name}={str(section)[:60]}")
    missing = sorted(set(required) - set(section))
    if missing:
        raise ValueError(f"Expected {name} to have the key {missing[0]!r}. Received: {sorted(section)}")
    unknown = sorted(set(section) - set(required) - set(section if optional is None else optional))
    if unknown:
        raise ValueError(f"Expected {name} to have no key {unknown[0]!r}. Received: {sorted(section)}")


def array_arguments(layer) -> dict[str, Any]:
    """Returns the arguments of a `NamLayerArray` for one of `config["layers"]`, in its classic or its later form."""
    check_keys("layers", layer, _REQUIRED, _CLASSIC | _LATER)
    if ("kernel_size" in layer) == ("kernel_sizes" in layer):
        raise ValueError(f"Expected either kernel_size or kernel_sizes. Received: {sorted(layer)}")
    head = layer.get("head")
    if head is None:
        check_keys("layers", layer, {"head_size", "head_bias"}, None)
        head = {"out_channels": layer["head_size"], "kernel_size": 1, "bias": layer["head_bias"]}
    check_keys("head", head, {"out_channels", "kernel_size", "bias"}, {"head_dilation"})
    layer1x1 = layer.get("layer1x1", {"active": True, "groups": 1})
    check_keys("layer1x1", layer1x1, {"active", "groups"})
    head1x1 = layer.get("head1x1", {"active": False, "out_channels": 1, "groups": 1})
    check_keys("head1x1", head1x1, {"active", "out_channels", "groups"})
    films = {}
    for site in FILM_SITES:
        film = layer.get(site) or {"active": False}
        check_keys(site, film, (), {"active", "shift", "groups"})
        if _bool(film, "active", True):
            films[site] = {"shift": _bool(film, "shift", True), "groups": film.get("groups", 1)}
    gated = "gated" if _bool(layer, "gated", False) else "none"
    secondary = layer.get("secondary_activation")
    return {
        "channels": layer["channels"],
        "dilations": layer["dilations"],
        "kernel_sizes": layer["kernel_sizes"] if "kernel_sizes" in layer else layer["kernel_size"],
        "activation": _short(layer["activation"]),
        "gating_mode": layer.get("gating_mode", gated),
        "secondary_activation": "Sigmoid" if secondary is None else _short(secondary),
        "bottleneck": layer.get("bottleneck"),
        "head_channels": head["out_channels"],
        "head_kernel_size": head["kernel_size"],
        "head_dilation": head.get("head_dilation", 1),
        "head_bias": _bool(head, "bias"),
        "layer1x1_groups": layer1x1["groups"] if _bool(layer1x1, "active") else None,
        "head1x1_channels": head1x1["out_channels"] if _bool(head1x1, "active") else None,
        "head1x1_groups": head1x1["groups"],
        "groups_input": layer.get("groups_input", 1),
        "groups_input_mixin": layer.get("groups_input_mixin", 1),
        "films": films,
    }


def head_arguments(head) -> dict[str, Any] | None:
    """Returns the arguments of a `NamHead` for `config["head"]`, or None."""
    if head is None:
        return None
    keys = {"channels", "out_channels", "kernel_sizes", "activation"}
    check_keys("head", head, keys, {"in_channels"})
    return {key: head[key] for key in keys}


def is_classic(array) -> bool:
    """Tells whether the form that files have had from the beginning can describe a `NamLayerArray`."""
    kinds = {
        (layer.conv.kernel_size, str(layer.activation), layer.gating_mode, str(layer.secondary_activation))
        for layer in array.layers
    }
    first = array.layers[0]
    gate = first.gating_mode == "none" or (first.gating_mode, first.secondary_activation) == ("gated", "Sigmoid")
    return (
        len(kinds) == 1
        and gate
        and isinstance(first.activation, str)
        and array.bottleneck == array.channels
        and array.head_rechannel.kernel_size == 1
        and first.layer1x1 is not None
        and first.head1x1 is None
        and {first.layer1x1.groups, first.conv.groups, first.input_mixin.groups} == {1}
        and not array.films
    )


def written_array(array, classic) -> dict[str, Any]:
    """Returns a `NamLayerArray` as one of `config["layers"]`, in the classic or the later form."""
    first, end = array.layers[0], array.head_rechannel
    layer = {
        "input_size": array.input_channels,
        "condition_size": array.condition_size,
        "channels": array.channels,
        "dilations": list(array.dilations),
    }
    if classic:
        return {
            **layer,
            "kernel_size": first.conv.kernel_size,
            "activation": first.activation,
            "gated": first.gating_mode == "gated",
            "head_size": array.head_channels,
            "head_bias": end.use_bias,
        }
    layer1x1, head1x1 = first.layer1x1, first.head1x1
    head = {"out_channels": array.head_channels, "kernel_size": end.kernel_size, "bias": end.use_bias}
    return {
        **layer,
        "kernel_sizes": [layer.conv.kernel_size for layer in array.layers],
        "activation": [_long(layer.activation) for layer in array.layers],
        "gating_mode": [layer.gating_mode for layer in array.layers],
        "secondary_activation": [
            None if layer.gating_mode == "none" else _long(layer.secondary_activation) for layer in array.layers
        ],
        "bottleneck": array.bottleneck,
        "head": head if end.dilation_rate == 1 else {**head, "head_dilation": end.dilation_rate},
        "layer1x1": {"active": layer1x1 is not None, "groups": 1 if layer1x1 is None else layer1x1.groups},
        "head1x1": {
            "active": head1x1 is not None,
            "out_channels": 1 if head1x1 is None else head1x1.filters,
            "groups": 1 if head1x1 is None else head1x1.groups,
        },
        "groups_input": first.conv.groups,
        "groups_input_mixin": first.input_mixin.groups,
        **{
            site: {"active": site in array.films, **array.films.get(site, {"shift": True, "groups": 1})}
            for site in FILM_SITES
        },
    }


def _bool(section, key, default=None):
    value = section.get(key, default)
    if not isinstance(value, bool):
        raise ValueError(f"Expected {key} to be true or false. Received: {key}={value!r}")
    return value


def _short(activation):
    """Returns the mere name for an activation's object that holds nothing else."""
    if isinstance(activation, list):
        return [_short(each) for each in activation]
    return activation["type"] if isinstance(activation, dict) and set(activation) == {"type"} else activation


def _long(activation):
    return {"type": activation} if isinstance(activation, str) else dict(activation)
