import pytest

from tf_wavenet.importers.find_generator import find_generator

TENSORS = {"conv_pre.weight": 1, "ups.0.bias": 2}


def prefixed(prefix, **others):
    return {f"{prefix}{name}": value for name, value in TENSORS.items()} | others


@pytest.mark.parametrize(
    "checkpoint",
    [
        TENSORS,
        {"state_dict": TENSORS},
        {"generator": TENSORS, "steps": 7},
        {"model": {"generator": TENSORS, "discriminator": {"conv_pre.weight": 3}}},
        {"generator": {"model": TENSORS, "optimizer": {}}, "discriminator": {"model": {}}},
        {"model_g": TENSORS, "model_d": {}, "hp_str": "audio:"},
        {"state_dict": {"model_gen": TENSORS, "model_disc": {}}},
        {"generator": TENSORS, "gen_ema": None, "config": {"resblock": "1"}},
        prefixed("module."),
        prefixed("_orig_mod."),
        prefixed("generator.", **{"discriminator.conv_pre.weight": 3}),
        {"model": prefixed("model_g.", **{"model_d.conv_pre.weight": 3})},
        {"state_dict": prefixed("net_g.", **{"net_period_d.0.weight": 3, "audio_pipeline.window": 4})},
        {"state_dict": prefixed("generator._orig_mod.module."), "hyper_parameters": {}},
        {"state_dict": prefixed("module.model_gen.", **{"module.model_disc.0.weight": 3})},
    ],
)
def test_finds_the_tensors_of_the_generator(checkpoint):
    assert find_generator(checkpoint) == TENSORS


@pytest.mark.parametrize("checkpoint", [[1], {"generator": 3}, {3: 4}, {"generator": {}}, {"mpd": {"a": 1}}, {}])
def test_leaves_the_rest_to_others(checkpoint):
    assert find_generator(checkpoint) == (checkpoint if checkpoint != {"generator": {}} else {})


def test_ends_where_a_checkpoint_holds_itself():
    endless = {}
    endless["model"] = endless
    assert find_generator(endless) is endless
    assert find_generator({"module." * 10**5 + "a": 1}) == {"module." * (10**5 - 4) + "a": 1}
