"""Finding the project, its configuration and its statistics; the weights are tested project by project."""

import json
import re

import numpy as np
import pytest

from tests.importers import ibab_reference, r9y9_reference, vocoder_reference
from tests.importers.torch_files import call, write_legacy, write_zip
from tf_wavenet import HiFiGAN, ParallelWaveGAN, WaveNet
from tf_wavenet.importers import CheckpointError, import_weights, read_checkpoint

STATISTICS = np.array([[-2.0, -3.0, -2.5, -2.0, -1.5], [0.5, 0.75, 1.0, 0.5, 0.5]])


def parallel_wavegan(rng):
    params = vocoder_reference.PARALLEL_WAVEGAN["generator_params"]
    shapes, without_bias = vocoder_reference.parallel_wavegan_shapes(params)
    return vocoder_reference.random_state(shapes, rng, without_bias)


def kan_bayashi_hifi_gan(rng):
    config = vocoder_reference.HIFI_GAN
    shapes = vocoder_reference.jik876_shapes(vocoder_reference.as_jik876(config)) | {"conv_pre": (8, 5, 7)}
    shapes = {vocoder_reference.kan_bayashi_name(name): shape for name, shape in shapes.items()}
    return vocoder_reference.random_state(shapes, rng, transposed="upsamples")


def jik876(rng):
    return vocoder_reference.random_state(vocoder_reference.jik876_shapes(vocoder_reference.JIK876), rng)


# A model's class, what is saved around its tensors, these, and the usual name and content of the configuration.
PROJECTS = {
    "r9y9": (
        WaveNet,
        lambda state: {"state_dict": state, "global_step": 7},
        lambda rng: r9y9_reference.random_state(r9y9_reference.HPARAMS, rng),
        "hparams.json",
        r9y9_reference.HPARAMS,
    ),
    "jik876": (HiFiGAN, lambda state: {"generator": state}, jik876, "config.json", vocoder_reference.JIK876),
    "kan-bayashi HiFi-GAN": (
        HiFiGAN,
        lambda state: {"model": {"generator": state, "discriminator": {}}, "steps": 7},
        kan_bayashi_hifi_gan,
        "config.yml",
        vocoder_reference.HIFI_GAN,
    ),
    "kan-bayashi Parallel WaveGAN": (
        ParallelWaveGAN,
        lambda state: {"model": {"generator": state, "discriminator": {}}, "steps": 7},
        parallel_wavegan,
        "config.yml",
        vocoder_reference.PARALLEL_WAVEGAN,
    ),
}
projects = pytest.mark.parametrize("project", PROJECTS)


@pytest.fixture
def files(tmp_path, rng):
    """Function of a project that writes a checkpoint and its configuration, which in JSON is YAML too."""

    def write(project, save=write_zip, wrapped=True):
        _, wrap, tensors, name, settings = PROJECTS[project]
        if name.endswith(".yml"):
            pytest.importorskip("yaml")
        state = tensors(rng)
        (tmp_path / name).write_text(json.dumps(settings))
        return save(tmp_path / "checkpoint", wrap(state) if wrapped else state)

    return write


@projects
@pytest.mark.parametrize("save", [write_zip, write_legacy])
@pytest.mark.parametrize("wrapped", [True, False])
def test_a_project_is_known_by_its_tensors(files, project, save, wrapped):
    model = import_weights(files(project, save, wrapped))
    assert type(model) is PROJECTS[project][0]
    assert all(np.isfinite(weight).all() for weight in model.get_weights())


@pytest.mark.parametrize(
    ("project", "wrap"),
    [
        ("kan-bayashi Parallel WaveGAN", lambda state: {f"module.{name}": x for name, x in state.items()}),
        ("r9y9", lambda state: {"state_dict": {f"generator._orig_mod.{name}": x for name, x in state.items()}}),
        ("jik876", lambda state: {"model": {f"model_g.{n}": x for n, x in state.items()} | {"model_d.a": STATISTICS}}),
    ],
)
def test_checkpoints_of_forks_hold_the_same_weights(files, project, wrap):
    path = files(project, wrapped=False)
    expected = import_weights(path).get_weights()
    write_zip(path, wrap(read_checkpoint(path)))
    for a, b in zip(expected, import_weights(path).get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_residual_blocks_may_be_numbered_stage_by_stage(files):
    path, kernels = files("jik876", wrapped=False), len(vocoder_reference.JIK876["resblock_kernel_sizes"])
    expected = import_weights(path).get_weights()
    state = {}
    for name, x in read_checkpoint(path).items():
        parts = name.split(".")
        if parts[0] == "resblocks":
            parts[1:2] = map(str, divmod(int(parts[1]), kernels))
        state[".".join(parts)] = x
    assert "resblocks.1.0.convs1.2.weight_v" in state
    for a, b in zip(expected, import_weights(write_zip(path, {"generator": state})).get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(("project", "encoding"), [("jik876", "utf-8-sig"), ("kan-bayashi HiFi-GAN", "utf-16")])
def test_configurations_of_other_editors(files, tmp_path, project, encoding):
    """With a byte order mark, and numbers as other programs write them."""
    path, name = files(project), PROJECTS[project][3]
    expected = import_weights(path)

    def spelt(value):
        if isinstance(value, dict):
            return {key: spelt(x) for key, x in value.items()}
        if isinstance(value, list):
            return [spelt(x) for x in value]
        if value == "1":
            return 1
        return float(value) if type(value) is int else value

    (tmp_path / name).write_text(json.dumps(spelt(PROJECTS[project][4])), encoding=encoding)
    model = import_weights(path)
    assert model.get_config() | {"name": expected.name} == expected.get_config()
    for a, b in zip(expected.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_names_in_yaml_that_are_no_text_are_named(files, tmp_path):
    """Found by benchmarks.fuzz."""
    path = files("kan-bayashi HiFi-GAN")
    config = tmp_path / "config.yml"
    config.write_text(config.read_text().replace('"channels"', "true", 1))
    with pytest.raises(CheckpointError, match="config.yml: .*True"):
        import_weights(path)


@pytest.mark.parametrize("suffix", ["", ".index", ".data-00000-of-00001"])
def test_a_checkpoint_of_tensorflow_1_is_known_by_its_index(tmp_path, rng, suffix):
    settings = ibab_reference.PARAMETERS
    prefix, _ = ibab_reference.write_checkpoint(tmp_path / "model.ckpt", settings, rng)
    (tmp_path / "wavenet_params.json").write_text(json.dumps(settings))
    model = import_weights(f"{prefix}{suffix}")
    assert type(model) is WaveNet and model.dilations == tuple(settings["dilations"])


@projects
def test_the_configuration_may_lie_elsewhere(files, tmp_path, project):
    path, name = files(project), PROJECTS[project][3]
    (tmp_path / "elsewhere").mkdir()
    config = (tmp_path / name).rename(tmp_path / "elsewhere" / f"my_{name}")
    with pytest.raises(CheckpointError, match=f"{name}: expected the configuration. Received: No such file"):
        import_weights(path)
    assert type(import_weights(path, config)) is PROJECTS[project][0]


@pytest.mark.parametrize("name", ["stats.npy", "stats.h5"])
def test_statistics_are_found_or_given(files, tmp_path, name):
    path = files("kan-bayashi HiFi-GAN")
    assert import_weights(path).mel_spec is None
    other = tmp_path / "other.npy"
    np.save(other, 2.0 * STATISTICS)
    if name.endswith(".npy"):
        np.save(tmp_path / name, STATISTICS)
    else:
        import h5py

        with h5py.File(tmp_path / name, "w") as file:
            file["mean"], file["scale"] = STATISTICS
    as_tuples = tuple(map(tuple, STATISTICS.tolist()))
    assert import_weights(path).mel_spec.normalization == as_tuples
    assert import_weights(path, statistics=other).mel_spec.normalization == tuple(map(tuple, 2.0 * np.array(as_tuples)))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (np.zeros((3, 5)), r"expected finite means and positive scales \[2, channels\]. Received: float64 \[3, 5\]"),
        (-STATISTICS, "positive scales"),
        (STATISTICS * np.nan, "expected finite means"),
        (np.array([["a"], ["b"]]), "expected stats.npy or stats.h5"),
        (STATISTICS[:, :3], "config.yml: Expected normalization to be None or .* of 5 finite numbers"),
    ],
)
def test_refuses_statistics(files, tmp_path, content, message):
    path = files("kan-bayashi HiFi-GAN")
    np.save(tmp_path / "stats.npy", content)
    with pytest.raises(CheckpointError, match=message):
        import_weights(path)


def test_refuses_statistics_that_are_no_such_file_or_not_asked_for(files, tmp_path):
    path = files("kan-bayashi HiFi-GAN")
    for name, content in {"a.npy": b"RIFF", "b.npy": b"", "c.h5": b"\x89HDF\r\n\x1a\n" + bytes(50)}.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(CheckpointError, match=name):
            import_weights(path, statistics=tmp_path / name)
    np.save(tmp_path / "objects.npy", np.array([{}], dtype=object))
    with pytest.raises(CheckpointError, match="objects.npy: expected stats.npy"):
        import_weights(path, statistics=tmp_path / "objects.npy")
    with pytest.raises(CheckpointError, match="expected no statistics for this project"):
        import_weights(files("jik876"), statistics=tmp_path / "a.npy")


def test_refuses_what_is_of_no_project(tmp_path):
    for saved in ({"conv.weight": np.zeros(3, "f4")}, {"state_dict": {}}, {"mpd": {}, "msd": {}}, {3: 4}):
        message = re.escape(f"r9y9/wavenet_vocoder. Received: {list(saved.get('state_dict', saved))}")
        with pytest.raises(CheckpointError, match=f"checkpoint: expected a generator of .* or {message}$"):
            import_weights(write_zip(tmp_path / "checkpoint", saved))
    with pytest.raises(CheckpointError, match="checkpoint: expected a dict of tensors. Received: list"):
        import_weights(write_zip(tmp_path / "checkpoint", [1]))
    with pytest.raises(CheckpointError, match="nothing: No such file or directory"):
        import_weights(tmp_path / "nothing")


@projects
def test_a_hostile_checkpoint_is_refused_and_runs_nothing(files, tmp_path, project):
    path = files(project)
    hostile = call("posix system", f"touch {tmp_path / 'canary'}")
    for value in (PROJECTS[project][1]({"first": hostile}), hostile):
        for save in (write_zip, write_legacy):
            with pytest.raises(CheckpointError, match="wants the global posix.system, which is not admitted"):
                import_weights(save(path, value))
    assert not (tmp_path / "canary").exists()


@pytest.mark.parametrize("tag", ["!!python/object/apply:os.system", "!!python/object/new:os.system"])
def test_a_hostile_configuration_is_refused_and_runs_nothing(files, tmp_path, tag):
    path = files("kan-bayashi HiFi-GAN")
    (tmp_path / "config.yml").write_text(f"generator_type: {tag} ['touch {tmp_path / 'canary'}']\n")
    with pytest.raises(CheckpointError, match="config.yml: expected JSON or YAML. Received: .*os.system"):
        import_weights(path)
    assert not (tmp_path / "canary").exists()


@pytest.mark.parametrize(
    ("project", "text", "message"),
    [
        ("jik876", "{", "expected JSON or YAML"),
        ("jik876", "[" * 100_000, "expected JSON or YAML"),
        ("jik876", "[]", "expected named values. Received: list"),
        ("kan-bayashi HiFi-GAN", "a: [", "expected JSON or YAML"),
        ("kan-bayashi HiFi-GAN", "", "expected named values. Received: NoneType"),
        ("r9y9", json.dumps(r9y9_reference.HPARAMS | {"hop_size": 10}), "Expected upsample_scales whose product is"),
    ],
)
def test_refuses_configurations_and_names_the_file(files, tmp_path, project, text, message):
    path = files(project)
    (tmp_path / PROJECTS[project][3]).write_text(text)
    with pytest.raises(CheckpointError, match=f"{PROJECTS[project][3]}: {message}") as caught:
        import_weights(path)
    assert "\n" not in str(caught.value)
