"""Which precision a machine is given."""

import pytest

from training.runs import precision

CPUINFO = "processor\t: 0\nmodel name\t: amx_bf16 by name only\nflags\t\t: fpu sse2 {}\nbugs\t\t: avx512_bf16\n"


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        ("avx512_bf16 amx_bf16", ("mixed_bfloat16", "the processor has amx_bf16")),
        ("avx2 avx512_bf16", ("mixed_bfloat16", "the processor has avx512_bf16")),
        ("avx512f avx512_bf16x", ("float32", "the processor has none of amx_bf16, avx512_bf16")),
    ],
)
def test_the_processors_flags_decide(flags, expected):
    assert precision.of_processor(CPUINFO.format(flags)) == expected
    assert precision.of_processor("")[0] == "float32"


@pytest.mark.parametrize(
    ("capabilities", "expected"),
    [
        ([(9, 0), (8, 0)], ("mixed_bfloat16", "GPU 0 has bfloat16")),
        ([(9, 0), (7, 5)], ("float32", "GPU 1 has compute capability 7.5, below 8.0")),
        ([None], ("float32", "GPU 0 has compute capability unknown, below 8.0")),
    ],
)
def test_gpus_decide_together(capabilities, expected):
    details = [{"device_name": f"GPU {i}", "compute_capability": c} for i, c in enumerate(capabilities)]
    assert precision.of_accelerators(details) == expected


def test_gpus_come_before_the_processor(monkeypatch):
    monkeypatch.setattr("tensorflow.config.list_physical_devices", lambda kind: [kind])
    monkeypatch.setattr("tensorflow.config.experimental.get_device_details", lambda gpu: {"device_name": gpu})
    assert precision.detect.__wrapped__() == ("float32", "GPU has compute capability unknown, below 8.0")


def test_the_line_tells_why(monkeypatch):
    monkeypatch.setattr(precision, "detect", lambda: ("mixed_bfloat16", "the processor has amx_bf16"))
    assert precision.describe("mixed_bfloat16") == "precision mixed_bfloat16: the processor has amx_bf16"
    assert precision.describe("float32") == "precision float32: as configured"
