"""Names of inputs and outputs, the same in every family."""

import pytest

from tests.serving.conftest import _models
from tests.serving.test_vocoder_signatures import MAKERS
from tf_wavenet.serving import Signatures, VocoderSignatures, describe

WAVENETS = {name: model for name, model, _ in _models()}
KINDS = [*WAVENETS, *(f"{kind}, {causal}" for kind in MAKERS for causal in ("causal", "not causal"))]


def served_of(kind):
    if kind in WAVENETS:
        return Signatures(WAVENETS[kind], False, 1 << 20)
    name, _, causal = kind.partition(", ")
    return VocoderSignatures(MAKERS[name](causal == "causal"), False, 1 << 20)


@pytest.mark.parametrize("kind", KINDS)
def test_sound_is_waveform_and_no_name_is_input_and_output(kind):
    served = served_of(kind)
    signatures = describe(served, served.functions())["signatures"]
    assert "waveform" in signatures["generate"]["outputs"]
    assert ("generate_chunk" in signatures) == served.streams
    for name, signature in signatures.items():
        inputs, outputs = set(signature["inputs"]), set(signature["outputs"])
        assert not inputs & outputs, name
        assert "generated" not in outputs
        if name in ("generate", "generate_chunk"):
            assert {o for o in outputs if not o.startswith("new_state_")} == {"waveform"}
        states = {"new_state_queues", "new_state_stream"}
        if inputs & {"state_queues", "state_stream"}:
            assert inputs >= {"state_queues", "state_stream"} and outputs >= states, name
