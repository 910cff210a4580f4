"""What callers give as conditions, made into what the model takes."""

import reprlib

import numpy as np

from tf_wavenet._validation import is_int


def check_conditions(model, conditions, batch_size) -> tuple[dict[str, np.ndarray], int]:
    """Checks conditions and brings them to arrays of `batch_size` rows.

    Args:
        model: The model; its `conditioning` says which conditions there are.
        conditions: Dict with `local_condition` and `global_condition`; None where there is none.
        batch_size: Int, or None: as many rows as the conditions have, or 1.

    Returns:
        `(conditions, batch_size)`: dict of arrays without those that are None, and the rows.

    Raises:
        ValueError: If a condition is missing, not wanted, empty, or has another shape; if a speaker is unknown.
    """
    layer, arrays = model.conditioning, {}
    wanted = {
        "local_condition": layer is not None and layer.local_channels is not None,
        "global_condition": layer is not None and layer.global_channels is not None,
    }
    for name, value in conditions.items():
        if wanted[name] != (value is not None):
            raise ValueError(
                f"Expected {name} for this model." if wanted[name] else f"Expected no {name}: the model has none."
            )
        if value is not None:
            arrays[name] = _local(model, value) if name == "local_condition" else _global(model, value)
            if not len(arrays[name]):
                raise ValueError(f"Expected {name} of at least 1 row. Received: shape {list(np.shape(value))}")
    rows = {len(value) for value in arrays.values()} | ({batch_size} if batch_size else set())
    rows = rows - {1} or {1}
    if len(rows) > 1 or (batch_size and rows != {batch_size}):
        given = {name: list(value.shape) for name, value in arrays.items()}
        raise ValueError(f"Expected conditions of 1 row or batch_size={batch_size} rows. Received: shapes {given}")
    rows = rows.pop()
    return {k: np.broadcast_to(v, (rows, *v.shape[1:])) for k, v in arrays.items()}, rows


def _local(model, value):
    channels = model.conditioning.local_channels
    features = _numbers("local_condition", value)
    if features.ndim == 2:
        features = features[None]
    if features.ndim != 3 or features.shape[-1] != channels or not features.shape[1]:
        raise ValueError(
            f"Expected local_condition of shape [frames, {channels}] or [batch, frames, {channels}], at least 1 frame. "
            f"Received: shape {list(np.shape(value))}"
        )
    spec = getattr(model, "mel_spec", None)
    if spec is not None:
        for row in features:
            spec.check_features(row)
    elif not np.isfinite(features).all():
        raise ValueError("Expected local_condition to be finite.")
    return features


def _global(model, value):
    layer = model.conditioning
    if layer.num_speakers is None:
        vector = _numbers("global_condition", value)
        vector = vector[None] if vector.ndim == 1 else vector
        if vector.ndim != 2 or vector.shape[-1] != layer.global_channels or not np.isfinite(vector).all():
            raise ValueError(
                f"Expected global_condition to be finite, of shape [{layer.global_channels}] or "
                f"[batch, {layer.global_channels}]. Received: shape {list(np.shape(value))}"
            )
        return vector
    speakers = list(value) if isinstance(value, (list, tuple)) or np.ndim(value) else [value]
    return np.array([_speaker(model.speakers, speaker) for speaker in speakers], "int32")


def _numbers(name, value):
    try:
        return np.asarray(value, "float32")
    except (TypeError, ValueError):
        raise ValueError(f"Expected {name} to be an array of numbers. Received: {reprlib.repr(value)}") from None


def _speaker(names, speaker):
    if isinstance(speaker, str) and speaker in names:
        return names.index(speaker)
    if is_int(speaker) and 0 <= speaker < len(names):
        return int(speaker)
    shown = ", ".join(names[:10]) + (", ..." if len(names) > 10 else "")
    expected = f"Expected global_condition to be a speaker of: {shown}, or a number below {len(names)}"
    raise ValueError(f"{expected}. Received: {reprlib.repr(speaker)}")
