"""The tensors of a generator, wherever those who trained it left them in their checkpoint."""

from typing import Any

# Keys of dicts, those that say more before those that say less: "model" may hold a discriminator too.
_HOLDERS = ("generator", "model_g", "model_gen", "state_dict", "model")
# What wrappers (DataParallel, torch.compile) and modules that hold several networks put before the names.
_PREFIXES = ("module.", "_orig_mod.", "generator.", "model_g.", "model_gen.", "net_g.", "model.")
_DEPTH = 4


def find_generator(checkpoint: Any) -> Any:
    """Returns the state dict of a checkpoint's generator, with the names that its own class gives the tensors.

    Args:
        checkpoint: What was saved: a state dict, or dicts that hold it, as training scripts nest them. Where names have
            a prefix that tells the networks of a file apart, those of the others are left out.

    Returns:
        Dict of tensors; if nothing of the kind is found, what was given.

    Example:
    >>> find_generator({"model": {"module.generator.conv.weight": 1, "module.mpd.conv.weight": 2}, "steps": 3})
    {'conv.weight': 1}
    """
    for _ in range(_DEPTH):
        if not isinstance(checkpoint, dict):
            break
        checkpoint = next((checkpoint[k] for k in _HOLDERS if isinstance(checkpoint.get(k), dict)), checkpoint)
    for _ in range(_DEPTH):
        names = [name for name in checkpoint if isinstance(name, str)] if isinstance(checkpoint, dict) else []
        prefix = next((p for p in _PREFIXES if any(name.startswith(p) for name in names)), None)
        if prefix is None:
            break
        checkpoint = {name.removeprefix(prefix): checkpoint[name] for name in names if name.startswith(prefix)}
    return checkpoint
