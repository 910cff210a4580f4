"""Which precision a training step should compute in on this machine."""

import functools
from pathlib import Path

import keras

# Instructions that multiply in bfloat16, the fastest first, by their names in /proc/cpuinfo.
_FLAGS = ("amx_bf16", "avx512_bf16")
_CAPABILITY = (8, 0)  # of the first GPUs of NVIDIA that multiply in bfloat16


def of_processor(cpuinfo: str) -> tuple[str, str]:
    """The Keras policy for a processor.

    Args:
        cpuinfo: Text of Linux's /proc/cpuinfo; "" where there is none.

    Returns:
        "mixed_bfloat16" or "float32", and why.
    """
    flags = {flag for line in cpuinfo.splitlines() if line.startswith("flags") for flag in line.split()}
    for flag in _FLAGS:
        if flag in flags:
            return "mixed_bfloat16", f"the processor has {flag}"
    return "float32", f"the processor has none of {', '.join(_FLAGS)}"


def of_accelerators(details: list[dict]) -> tuple[str, str]:
    """The Keras policy for GPUs.

    Args:
        details: Of each its `compute_capability`, a pair or None, and its `device_name`; at least one.

    Returns:
        "mixed_bfloat16" if all of them multiply in it, or "float32", and why.
    """
    for gpu in details:
        capability = gpu.get("compute_capability")
        if capability is None or tuple(capability) < _CAPABILITY:
            known = "unknown" if capability is None else ".".join(map(str, capability))
            return "float32", f"{gpu.get('device_name', 'the GPU')} has compute capability {known}, below 8.0"
    return "mixed_bfloat16", f"{details[0].get('device_name', 'the GPU')} has bfloat16"


@functools.cache
def detect() -> tuple[str, str]:
    """The Keras policy for this machine: bfloat16 where its GPUs, or else its processor, multiply in it.

    Returns:
        "mixed_bfloat16" or "float32", and why.
    """
    found = gpus()
    if found:
        return of_accelerators(found)
    cpuinfo = Path("/proc/cpuinfo")
    return of_processor(cpuinfo.read_text() if cpuinfo.exists() else "")


def gpus() -> list[dict]:
    """Tells of each GPU what `of_accelerators` takes, as the Keras backend in use tells it."""
    backend = keras.backend.backend()
    if backend == "tensorflow":
        import tensorflow as tf

        return [tf.config.experimental.get_device_details(gpu) for gpu in tf.config.list_physical_devices("GPU")]
    if backend == "jax":
        import jax

        found = [
            (device.device_kind, device.compute_capability) for device in jax.devices() if device.platform == "gpu"
        ]
    else:
        import torch

        numbers = range(torch.cuda.device_count())
        found = [(torch.cuda.get_device_name(i), torch.cuda.get_device_capability(i)) for i in numbers]
    pairs = [(name, tuple(map(int, c.split("."))) if isinstance(c, str) else c) for name, c in found]
    return [{"device_name": name, "compute_capability": capability} for name, capability in pairs]


def describe(policy: str) -> str:
    """One line that tells the policy, and why it is the one that "auto" takes, if it is."""
    detected, reason = detect()
    return f"precision {policy}: {reason if policy == detected else 'as configured'}"
