"""Against NumPy; tests/importers/test_ibab_original.py runs the original."""

import numpy as np
import pytest

from tests.importers import ibab_reference as reference
from tests.importers.ibab_reference import CASES, PARAMETERS
from tf_wavenet import mu_law_decode
from tf_wavenet.importers import CheckpointError, Settings, StateDict, from_ibab, read_tf1_checkpoint

TIME = 40


def load(p, variables):
    return from_ibab(StateDict(variables, "model.ckpt"), Settings(p, "wavenet_params.json"))


@pytest.fixture
def make(tmp_path, rng):
    def make(case):
        p = PARAMETERS | CASES[case]
        prefix, values = reference.write_checkpoint(tmp_path / "model.ckpt", p, rng)
        return p, read_tf1_checkpoint(prefix), values

    return make


@pytest.mark.parametrize("case", CASES)
def test_equals_the_original_network_in_numpy(case, make, rng):
    p, variables, values = make(case)
    model = load(p, variables)
    levels = rng.integers(0, 16, (2, TIME))
    given = {"waveform": np.array(mu_law_decode(levels, 15))}
    past = np.concatenate([np.full((2, 1), 8), levels[:, :-1]], axis=1)
    x = np.eye(16)[past]
    if p["scalar_input"]:
        x = np.array(mu_law_decode(past, 15))[..., None]
    speakers = [None, None]
    if "gc" in p:
        vectors = rng.normal(size=(2, 2)).astype("float32")
        given["global_condition"], speakers = vectors, vectors
    if "speakers" in p:
        given["global_condition"] = np.array([2, 0], "int32")
        speakers = values["wavenet/embeddings/gc_embedding"][[2, 0]]
    expected = [reference.forward(*row, values, p, speaker) for *row, speaker in zip(x, speakers, strict=True)]
    actual = model(given if len(given) > 1 else given["waveform"])
    np.testing.assert_allclose(actual, expected, atol=1e-5 * np.abs(expected).max())


def test_biases_are_called_variable_in_the_file(make):
    _, variables, values = make("plain")
    layer, head = "wavenet/dilated_stack/layer3", "wavenet/postprocessing"
    assert not [name for name in variables if name.endswith("bias")]
    for i, name in enumerate(("filter_bias", "gate_bias", "dense_bias", "slip_bias")):
        np.testing.assert_array_equal(variables[f"{layer}/Variable{f'_{i}' if i else ''}"], values[f"{layer}/{name}"])
    np.testing.assert_array_equal(variables[f"{head}/Variable_1"], values[f"{head}/postprocess2_bias"])


def absent(name):
    """Without the condition in the last layer, it is not expected in the others."""
    return "no wavenet/.*/gc_" if name.endswith("layer1/gc_filter") else name


@pytest.mark.large
@pytest.mark.parametrize("case", ["three taps", "speakers"])
def test_every_variable_is_needed_and_checked(case, make):
    p, variables, _ = make(case)
    last = f"wavenet/dilated_stack/layer{len(p['dilations']) - 1}"
    for number, (name, value) in enumerate(variables.items()):
        if name in (f"{last}/dense", f"{last}/Variable_2") or "gc_embedding" in name:
            continue  # the first two go nowhere; without a table, a speaker is a vector
        spoilt = value * np.nan, np.repeat(value, 2, axis=-1), value.astype("int32")
        with pytest.raises(CheckpointError, match=f"^model.ckpt: expected .*{name}"):
            load(p, variables | {name: spoilt[number % 3]})
        with pytest.raises(CheckpointError, match=f"^model.ckpt: expected {absent(name)}"):
            load(p, {key: other for key, other in variables.items() if key != name})
    for name in ("wavenet/dilated_stack/layer5/filter", f"{last}/gc_gate" if case == "three taps" else "other"):
        with pytest.raises(CheckpointError, match=f"^model.ckpt: expected no {name}"):
            load(p, variables | {name: np.zeros((1, 2, 4), "float32")})


def test_configurations_of_early_versions_have_no_scalar_input(make):
    p, variables, _ = make("plain")
    early = {name: value for name, value in p.items() if name not in ("scalar_input", "initial_filter_width")}
    for a, b in zip(load(p, variables).get_weights(), load(early, variables).get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    p, variables, _ = make("scalar")
    with pytest.raises(CheckpointError, match="^model.ckpt: expected wavenet/causal_layer/filter of shape"):
        load({name: value for name, value in p.items() if name != "scalar_input"}, variables)


def test_refuses_settings(make):
    p, variables, _ = make("plain")
    for name in PARAMETERS.keys() - {"sample_rate", "initial_filter_width", "scalar_input"}:
        with pytest.raises(
            CheckpointError, match=f"^wavenet_params.json: expected {name}, .* Received: no such setting"
        ):
            load({key: value for key, value in p.items() if key != name}, variables)
    for name in ("filter_width", "residual_channels", "dilation_channels", "skip_channels", "quantization_channels"):
        with pytest.raises(CheckpointError, match="^model.ckpt: expected wavenet/"):
            load(p | {name: 1 << 30}, variables)
    with pytest.raises(CheckpointError, match="^model.ckpt: expected wavenet/dilated_stack/layer0/Variable"):
        without = {name: value for name, value in variables.items() if "Variable" not in name}
        load(p, without)
    with pytest.raises(CheckpointError, match="^model.ckpt: expected no wavenet/.*/Variable"):
        load(p | {"use_biases": False}, variables)


def test_refuses_files_that_are_missing_or_damaged(tmp_path, make):
    make("plain")
    for damaged in ("a.ckpt", "model.ckpt-50"):
        index = tmp_path / f"{damaged}.index"
        if index.exists():
            index.write_bytes(index.read_bytes()[:-9])
        with pytest.raises(CheckpointError, match=f"{damaged}: expected a TensorFlow checkpoint"):
            read_tf1_checkpoint(tmp_path / damaged)
