"""Files of every feature against an independent forward; NAM's own files and its C++ core where there is a checkout."""

import copy
import json
import math
import os
import pathlib
import subprocess

import numpy as np
import pytest

from tests.support import nam_reference
from tests.support.nam_reference import random_nam
from tf_wavenet import NamWaveNet
from tf_wavenet.importers import read_nam, write_nam


def classic(channels, dilations, head_size, **more):
    return {
        "input_size": 1,
        "condition_size": 1,
        "channels": channels,
        "kernel_size": 3,
        "dilations": dilations,
        "activation": "Tanh",
        "gated": False,
        "head_size": head_size,
        "head_bias": False,
        **more,
    }


def later(channels, dilations, out_channels, **more):
    return {
        "input_size": 1,
        "condition_size": 1,
        "channels": channels,
        "kernel_sizes": [2] * len(dilations),
        "dilations": dilations,
        "activation": {"type": "Tanh"},
        "head": {"out_channels": out_channels, "kernel_size": 1, "bias": True},
        **more,
    }


def film(**more):
    return {"active": True, "shift": True, "groups": 1, **more}


TWO = {
    "layers": [classic(4, [1, 2], 2), classic(2, [3], 1, input_size=4, head_bias=True)],
    "head": None,
    "head_scale": 0.02,
}
MODULATED = later(
    *(4, [1, 3], 1),
    condition_size=6,
    bottleneck=2,
    activation=[{"type": "SiLU"}, {"type": "PReLU", "negative_slopes": [0.1, -0.2]}],
    gating_mode=["gated", "blended"],
    secondary_activation=["Sigmoid", {"type": "LeakyHardtanh", "min_val": 0.0, "max_slope": 0.1}],
    head={"out_channels": 1, "kernel_size": 3, "bias": True, "head_dilation": 2},
    layer1x1={"active": True, "groups": 2},
    head1x1={"active": True, "out_channels": 4, "groups": 2},
    groups_input=2,
    groups_input_mixin=2,
    conv_pre_film=film(),
    conv_post_film=film(groups=2),
    input_mixin_pre_film=film(groups=3, shift=False),
    input_mixin_post_film=film(),
    activation_pre_film=film(shift=False),
    activation_post_film=film(groups=2),
    layer1x1_post_film=film(),
    head1x1_post_film=film(shift=False, groups=2),
    slimmable=None,
)
CONFIGS = {
    "classic": TWO,
    "classic, gated": {"layers": [classic(3, [1, 2], 1, gated=True)], "head_scale": 1},
    "kernel sizes": {
        "layers": [later(3, [1, 5, 2], 1, kernel_sizes=[6, 1, 4], head=dict(out_channels=1, kernel_size=4, bias=True))],
        "head_scale": 0.01,
    },
    "no layer1x1": {
        "layers": [later(3, [1, 2], 1, layer1x1={"active": False, "groups": 1}, activation="Softsign")],
        "head_scale": 1.0,
    },
    "everything": {
        "layers": [MODULATED],
        "head": {"channels": 3, "out_channels": 1, "kernel_sizes": [2, 3], "activation": {"type": "LeakyReLU"}},
        "head_scale": 0.02,
        "in_channels": 1,
        "condition_dsp": random_nam({"layers": [classic(3, [2], 6)], "head_scale": 1.0}, seed=1),
    },
}
ACTIVATIONS = [
    *["Tanh", "Hardtanh", "ReLU", "LeakyReLU", "PReLU", "Sigmoid", "SiLU", "Hardswish", "LeakyHardtanh", "Softsign"],
    {"type": "Hardtanh", "min_val": -0.2, "max_val": 0.3},
    {"type": "LeakyReLU", "negative_slope": 0.3},
    {"type": "PReLU", "negative_slope": 0.3},
    {"type": "PReLU", "negative_slopes": [0.3, -0.1, 2.0]},
    {"type": "LeakyHardtanh", "min_val": -0.1, "max_val": 0.2, "min_slope": 0.5, "max_slope": 0.25},
]


def write(nam, folder, name="model.nam"):
    path = folder / name
    path.write_text(json.dumps(nam))
    return path


def check_against_reference(nam, model, waveform, process=None):
    expected = nam_reference.process(nam, waveform)
    ours = np.asarray((process or model)(waveform[None]))[0]
    scale = np.abs(expected).max()
    np.testing.assert_allclose(ours, expected, atol=1e-5 * max(scale, 1.0))


@pytest.mark.parametrize("name", CONFIGS)
def test_equals_numpy_from_the_first_sample_on(rng, tmp_path, name):
    nam = random_nam(CONFIGS[name])
    model = read_nam(write(nam, tmp_path))
    waveform = rng.uniform(-1, 1, 60).astype("float32")
    assert model.receptive_field - 1 <= nam_reference.lookback(nam)
    check_against_reference(nam, model, waveform)


@pytest.mark.parametrize("activation", ACTIVATIONS, ids=str)
def test_every_activation_equals_numpy(rng, tmp_path, activation):
    nam = random_nam({"layers": [later(3, [1], 1, activation=activation)], "head_scale": 1.0})
    model = read_nam(write(nam, tmp_path))

    def process(waveform):  # streams may be louder than what `call` takes for scaled
        return model.prime(waveform, model.get_initial_state(1))[0]

    check_against_reference(nam, model, rng.uniform(-4, 4, 40).astype("float32"), process)


def same_weights(model, again):
    for a, b in zip(model.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert model.head_scale == again.head_scale


@pytest.mark.parametrize("name", CONFIGS)
def test_round_trip_is_exact(rng, tmp_path, name):
    nam = random_nam(CONFIGS[name], sample_rate=None, metadata={"name": "Ä", "training": {"validation_esr": 0.01}})
    model = read_nam(write(nam, tmp_path))
    write_nam(model, tmp_path / "again.nam")
    written = json.loads((tmp_path / "again.nam").read_text())
    assert written["weights"] == nam["weights"]
    assert written["metadata"] == nam["metadata"] and "sample_rate" not in written
    assert written["version"] == ("0.5.4" if name.startswith("classic") else "0.7.0")
    again = read_nam(tmp_path / "again.nam")
    same_weights(model, again)
    waveform = rng.uniform(-1, 1, (1, 50)).astype("float32")
    np.testing.assert_array_equal(model(waveform), again(waveform))
    check_against_reference(written, again, waveform[0])
    write_nam(again, tmp_path / "third.nam")
    assert (tmp_path / "third.nam").read_bytes() == (tmp_path / "again.nam").read_bytes()


def test_a_classic_file_is_written_as_it_was(tmp_path):
    nam = random_nam(TWO, version="0.5.4", metadata={"name": "amp"}, sample_rate=48000.0)
    nam["config"]["head_scale"] = nam["weights"][-1]
    write_nam(read_nam(write(nam, tmp_path)), tmp_path / "again.nam")
    assert json.loads((tmp_path / "again.nam").read_text()) == nam


@pytest.mark.large
@pytest.mark.parametrize("preset", ["nano", "a2_lite"])
def test_presets_are_written_with_the_published_number_of_weights(tmp_path, preset):
    model = NamWaveNet.from_preset(preset, sample_rate=48000)
    with pytest.raises(ValueError, match="Expected .* to be built before it is written"):
        write_nam(model, tmp_path / "model.nam")
    model.build()
    write_nam(model, tmp_path / "model.nam")
    written = json.loads((tmp_path / "model.nam").read_text())
    assert (len(written["weights"]), written["sample_rate"]) == ({"nano": 842, "a2_lite": 1871}[preset], 48000)
    same_weights(model, read_nam(tmp_path / "model.nam"))


def test_a_model_that_returns_its_input(rng, tmp_path):
    # relu(x) - relu(-x) in the first layer; the later ones add nothing to the head.
    layer = classic(2, [1, 2, 4], 1, activation="ReLU")
    conv, mixin, layer1x1 = [0.0] * 14, [1.0, -1.0], [0.3, 0.1, -0.2, 0.4, 0.0, 0.0]
    silent = [*([0.0] * 14), 0.0, 0.0, *layer1x1]
    weights = [1.0, -1.0, *conv, *mixin, *layer1x1, *silent, *silent, 50.0, -50.0, 0.02]
    model = read_nam(write(random_nam({"layers": [layer], "head_scale": 0.02}) | {"weights": weights}, tmp_path))
    waveform = rng.uniform(-1, 1, (2, 100)).astype("float32")
    np.testing.assert_allclose(model(waveform), waveform, atol=1e-6)


def container(model, **rest):
    small = {"version": "0.5.4", "architecture": "LSTM", "config": {}, "weights": []}
    submodels = [{"max_value": 0.5, "model": small}, {"max_value": 1.0, "model": model}]
    config = {"submodels": submodels}
    return {"version": "0.7.0", "architecture": "SlimmableContainer", "config": config, "weights": [], **rest}


@pytest.mark.parametrize(
    ("inner", "outer", "expected"),
    [
        ({"name": "large"}, None, {"name": "large"}),
        (None, {"name": "all"}, {"name": "all"}),
        ({}, {"input_level_dbu": 14.5}, {"input_level_dbu": 14.5}),
        (
            {"name": "large", "loudness": -20.0, "gain": 0.4},
            {"name": "all", "loudness": None, "input_level_dbu": 14.5, "training": {"validation_esr": 0.1}},
            {
                "name": "all",
                "loudness": -20.0,
                "gain": 0.4,
                "input_level_dbu": 14.5,
                "training": {"validation_esr": 0.1},
            },
        ),
    ],
)
def test_reads_the_largest_of_a_container_with_all_metadata(tmp_path, inner, outer, expected):
    nam = container(random_nam(TWO, metadata=inner), metadata=outer, sample_rate=44100)
    model = read_nam(write(nam, tmp_path))
    assert (model.metadata, model.sample_rate) == (expected, 44100)
    write_nam(model, tmp_path / "again.nam")
    written = json.loads((tmp_path / "again.nam").read_text())
    assert (written["metadata"], written["sample_rate"]) == (expected, 44100)


def test_rates_of_a_container_and_its_model_agree(tmp_path):
    assert read_nam(write(container(random_nam(TWO, sample_rate=44100)), tmp_path)).sample_rate == 44100
    nam = container(random_nam(TWO, sample_rate=44100), sample_rate=48000)
    with pytest.raises(ValueError, match="Expected submodel to have sample_rate=48000, the file's. Received: 44100"):
        read_nam(write(nam, tmp_path))


@pytest.mark.parametrize(("inner", "outer"), [(None, 44100), (44100, None), (44100, 44100)])
def test_a_condition_has_the_rate_of_its_model(tmp_path, inner, outer):
    config = copy.deepcopy(CONFIGS["everything"])
    config["condition_dsp"]["sample_rate"] = inner
    model = read_nam(write(random_nam(config, sample_rate=outer), tmp_path))
    assert model.sample_rate == model.condition_dsp.sample_rate == 44100


def test_metadata_that_are_not_finite_are_unknown(tmp_path):
    metadata = {"loudness": math.nan, "training": {"validation_esr": math.inf, "delays": [1, -math.inf]}, "name": "x"}
    model = read_nam(write(random_nam(TWO, metadata=metadata), tmp_path))
    unknown = {"loudness": None, "training": {"validation_esr": None, "delays": [1, None]}, "name": "x"}
    assert model.metadata == unknown
    write_nam(model, tmp_path / "again.nam")
    assert json.loads((tmp_path / "again.nam").read_text())["metadata"] == unknown


def test_numbers_of_numpy_are_numbers(tmp_path):
    model = read_nam(write(random_nam(TWO), tmp_path))
    model.metadata = {"loudness": np.float32(-20.5), "training": {"delays": (np.int64(3),)}}
    write_nam(model, tmp_path / "again.nam")
    assert read_nam(tmp_path / "again.nam").metadata == {"loudness": -20.5, "training": {"delays": [3]}}


@pytest.mark.parametrize(
    ("metadata", "message"),
    [
        ({"loudness": math.nan}, "Expected loudness in metadata to be finite. Received: loudness=nan"),
        ({"training": {"validation_esr": math.inf}}, "Expected training.validation_esr in metadata to be finite"),
        ({"input_level_dbu": "12"}, "Expected input_level_dbu in metadata to be a number. Received: .*='12'"),
        ({"gain": True}, "Expected gain in metadata to be a number. Received: gain=True"),
        ({"name": {1, 2}}, "Expected name in metadata to be text, number, list or dict"),
        ("amp", "Expected metadata to be a dict. Received: metadata='amp'"),
    ],
)
def test_does_not_write_metadata_that_plugins_cannot_read(tmp_path, metadata, message):
    model = read_nam(write(random_nam(TWO), tmp_path))
    model.metadata = metadata
    with pytest.raises(ValueError, match=message):
        write_nam(model, tmp_path / "again.nam")
    assert not (tmp_path / "again.nam").exists()


def changed(*path, to):
    """Returns an edit of a file: the value at `path` replaced, or its key removed where `to` is None."""

    def edit(nam):
        place = nam
        for key in path[:-1]:
            place = place[key]
        if to is None:
            del place[path[-1]]
        else:
            place[path[-1]] = to

    return edit


FIRST = ("config", "layers", 0)


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (changed("version", to="0.4.9"), "Expected version 0.5.0 to 0.7. Received: version='0.4.9'"),
        (changed("version", to="0.8.0"), "Received: version='0.8.0'"),
        (changed("version", to="1.5.0"), "Received: version='1.5.0'"),
        (changed("version", to=7), "Expected version to be like '0.5.4'. Received: version=7"),
        (changed("architecture", to="LSTM"), "Expected architecture 'WaveNet'. Received: architecture='LSTM'"),
        (changed("architecture", to=[]), r"Received: architecture=\[\]"),
        (changed("architecture", to="SlimmableContainer"), "Expected config to have the key 'submodels'"),
        (changed("weights", to=None), "Expected file to have the key 'weights'"),
        (changed("weights", to=[0.0] * 3), "Expected 198 weights. Received: 3 weights"),
        (changed("weights", to=[0.0] * 199), "Expected 198 weights. Received: 199 weights"),
        (changed("weights", to=[]), r"Expected weights to be a list of numbers. Received: weights=\[\]"),
        (changed("weights", to={"a": 1}), "Expected weights to be a list of numbers"),
        (changed("weights", 5, to=math.nan), r"Expected finite weights. Received: weights\[5\]=nan"),
        (changed("weights", 5, to=1e39), r"Received: weights\[5\]=1e\+39"),
        (changed("weights", 5, to="x"), "Expected weights to be a list of numbers"),
        (changed("weights", 5, to=10**400), "too large"),
        (changed("config", to=[]), "Expected config to be an object"),
        (changed("config", "layers", to={}), "Expected layers to be a list"),
        (changed("config", "layers", to=[]), "Expected at least 1 array"),
        (changed("config", "in_channels", to=2), "Expected in_channels 1. Received: in_channels=2"),
        (changed("config", "tail", to=1), "Expected config to have no key 'tail'"),
        (changed("metadata", to="x"), "Expected metadata to be an object"),
        (changed("sample_rate", to="x"), "Received: sample_rate='x'"),
        (changed("sample_rate", to=0), "Expected sample_rate to be positive"),
        (changed(*FIRST, to=5), "Expected layers to be an object. Received: layers=5"),
        (changed(*FIRST, "channels", to=None), "Expected layers to have the key 'channels'"),
        (changed(*FIRST, "channels", to=1 << 40), r"Expected input_size of layers\[1\] to be 1099511627776"),
        (changed("config", "layers", 1, "bottleneck", to=1 << 40), "Expected head_channels of array 0"),
        (changed(*FIRST, "kernel_size", to=1 << 40), "Expected [0-9]+ weights. Received: 198 weights"),
        (changed(*FIRST, "kernel_sizes", to=[3, 3]), "Expected either kernel_size or kernel_sizes"),
        (changed(*FIRST, "head_size", to=None), "Expected layers to have the key 'head_size'"),
        (changed(*FIRST, "head_bias", to=0), "Expected bias to be true or false. Received: bias=0"),
        (changed(*FIRST, "gated", to="yes"), "Received: gated='yes'"),
        (changed(*FIRST, "gating_mode", to="all"), "Received: gating_mode='all'"),
        (changed(*FIRST, "activation", to="Gelu"), "Received: activation='Gelu'"),
        (changed(*FIRST, "dilations", to=[1, "2"]), "Expected dilations to be positive ints"),
        (changed(*FIRST, "input_size", to=2), r"Expected input_size of layers\[0\] to be 1. Received: input_size=2"),
        (changed(*FIRST, "condition_size", to=3), r"Expected condition_size of layers\[0\] to be 1"),
        (changed(*FIRST, "dropout", to=0.1), "Expected layers to have no key 'dropout'"),
        (changed(*FIRST, "conv_pre_film", to={"scale": 1}), "Expected conv_pre_film to have no key 'scale'"),
        (changed(*FIRST, "conv_pre_film", to={"shift": 1}), "Received: shift=1"),
        (changed(*FIRST, "layer1x1", to={"active": True}), "Expected layer1x1 to have the key 'groups'"),
        (changed("config", "head", to={"channels": 1}), "Expected head to have the key 'activation'"),
    ],
)
def test_refuses_in_one_line_that_names_the_file_and_the_key(tmp_path, edit, message):
    nam = copy.deepcopy(random_nam(TWO))
    edit(nam)
    path = write(nam, tmp_path)
    with pytest.raises(ValueError, match=message) as error:
        read_nam(path)
    assert str(error.value).startswith(f"{path}: ") and "\n" not in str(error.value)


@pytest.mark.parametrize("text", ["", "[", "[]", "\xff", "{" * 2000, "[" * 200_000, "3", "null"])
def test_refuses_what_is_not_json_of_an_object(tmp_path, text):
    path = tmp_path / "model.nam"
    path.write_bytes(text.encode("latin1"))
    with pytest.raises(ValueError, match=r"model\.nam: "):
        read_nam(path)


def test_does_not_write_weights_that_are_not_finite(tmp_path):
    model = NamWaveNet([{"channels": 2, "dilations": (1,)}])
    model.build()
    model.weights[0].assign(np.full(model.weights[0].shape, np.nan))
    with pytest.raises(ValueError, match=r"Expected finite weights. Received: weights\[0\]=nan"):
        write_nam(model, tmp_path / "model.nam")
    assert not (tmp_path / "model.nam").exists()


def test_does_not_find_what_is_not_there(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_nam(tmp_path / "model.nam")


def wavenets(nam):
    """The WaveNets in a `.nam` dict, those of a container each."""
    if nam["architecture"] == "SlimmableContainer":
        return [model for each in nam["config"]["submodels"] for model in wavenets(each["model"])]
    return [nam] if nam["architecture"] == "WaveNet" else []


# NAM_EXAMPLES: a folder with .nam files, such as the checkouts of NeuralAmpModelerCore and neural-amp-modeler.
EXAMPLES = [
    pytest.param(nam, id=f"{path.name}-{i}")
    for path in sorted(pathlib.Path(os.environ.get("NAM_EXAMPLES", "/nowhere")).rglob("*.nam"))
    for i, nam in enumerate(wavenets(json.loads(path.read_text())))
]


@pytest.mark.skipif(not EXAMPLES, reason="NAM_EXAMPLES names no folder with .nam files")
@pytest.mark.parametrize("nam", EXAMPLES)
def test_examples_equal_numpy_and_make_the_round_trip(rng, tmp_path, nam):
    model = read_nam(write(nam, tmp_path))
    waveform = (0.5 * rng.standard_normal(600)).clip(-1, 1).astype("float32")
    check_against_reference(nam, model, waveform)
    write_nam(model, tmp_path / "again.nam")
    again = read_nam(tmp_path / "again.nam")
    same_weights(model, again)
    np.testing.assert_array_equal(model(waveform[None]), again(waveform[None]))


def without(config, key):
    return {**config, "layers": [{k: v for k, v in layer.items() if k != key} for layer in config["layers"]]}


# NAM_RENDER: the program `render` of NeuralAmpModelerCore. It applies layer1x1_post_film where the gating mode is
# "blended" only, otherwise than NAM's trainer (and its own documentation).
@pytest.mark.skipif("NAM_RENDER" not in os.environ, reason="NAM_RENDER names no program")
@pytest.mark.parametrize("name", [*CONFIGS, "standard", "a2"])
def test_the_core_plays_what_is_written(rng, tmp_path, name):
    soundfile = pytest.importorskip("soundfile")
    if name in CONFIGS:
        config = without(CONFIGS[name], "layer1x1_post_film")
        if "condition_dsp" in config:
            config["condition_dsp"] = {**config["condition_dsp"], "sample_rate": 48000}
        model = read_nam(write(random_nam(config, sample_rate=48000), tmp_path))
    else:
        model = NamWaveNet.from_preset(name, sample_rate=48000, head_scale=1.0)
        model.build()
        for weight in model.weights:
            weight.assign(rng.normal(0, 0.2, weight.shape))
    write_nam(model, tmp_path / "written.nam")
    waveform = rng.uniform(-1, 1, 700).astype("float32")
    soundfile.write(tmp_path / "in.wav", waveform, 48000, subtype="FLOAT")
    files = [str(tmp_path / file) for file in ("written.nam", "in.wav", "out.wav")]
    subprocess.run([os.environ["NAM_RENDER"], *files], check=True, capture_output=True)
    core, _ = soundfile.read(tmp_path / "out.wav", dtype="float32")
    np.testing.assert_allclose(model(waveform[None])[0], core, atol=1e-5 * max(np.abs(core).max(), 1.0))
