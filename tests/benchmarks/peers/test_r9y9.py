"""The peer's side of the comparison. Needs torch; one test also a checkout, named by the variable WAVENET_VOCODER."""

import os

import keras
import numpy as np
import pytest

from tests.support.pytorch import import_torch

torch = import_torch()

from benchmarks.peers import r9y9 as peer  # noqa: E402

CHECKOUT = os.environ.get("WAVENET_VOCODER")


def test_refuses_a_folder_without_the_peer(tmp_path):
    with pytest.raises(ValueError, match="Expected checkout to be a work tree of r9y9/wavenet_vocoder"):
        peer.build_network(tmp_path, (1,), 2, 4, 8, 6)


def test_nats_are_those_of_the_shifted_levels():
    network = torch.nn.Conv1d(256, 256, 1)
    levels = np.random.default_rng(0).integers(0, 256, (2, 9))
    scores = peer.nats(network, torch.from_numpy(levels)).detach().numpy()
    kernel, bias = network.weight.detach().numpy()[:, :, 0], network.bias.detach().numpy()
    logits = kernel[:, np.concatenate([np.full((2, 1), 128), levels[:, :-1]], axis=1)] + bias[:, None, None]
    expected = np.log(np.exp(logits).sum(axis=0)) - np.take_along_axis(logits, levels[None], axis=0)[0]
    np.testing.assert_allclose(scores, expected, rtol=1e-5)


@pytest.mark.parametrize("clip", [None, 0.05])
def test_trainer_takes_the_steps_of_the_keras_optimizer(clip):
    random = np.random.default_rng(0)
    levels = random.integers(0, 256, (6, 2, 40))
    weight = random.uniform(size=(6, 2, 40)).astype(np.float32)
    schedule = keras.optimizers.schedules.CosineDecay(0.0, 6, warmup_target=0.1, warmup_steps=2)
    settings = {"learning_rate": schedule, "global_clipnorm": clip, "use_ema": True, "ema_momentum": 0.7}

    network, average = torch.nn.Conv1d(256, 256, 1), torch.nn.Conv1d(256, 256, 1)
    dense = keras.layers.Dense(256)
    dense.build((None, None, 256))
    dense.set_weights([network.weight.detach().numpy()[:, :, 0].T, network.bias.detach().numpy()])
    model = keras.Sequential([dense])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True, reduction="mean_with_sample_weight")
    model.compile(keras.optimizers.Adam(**settings), loss)

    trainer = peer.Trainer(network, average, keras.optimizers.Adam(**settings), momentum=0.7)
    for batch, counts in zip(levels, weight, strict=True):
        trainer.step(torch.from_numpy(batch), torch.from_numpy(counts))
        past = np.concatenate([np.full((2, 1), 128), batch[:, :-1]], axis=1)
        model.train_on_batch(np.eye(256, dtype=np.float32)[past], batch, counts)

    averages = [v.numpy() for v in model.optimizer._model_variables_moving_average]
    for theirs, ours in ((network, dense.get_weights()), (average, averages)):
        np.testing.assert_allclose(theirs.weight.detach().numpy()[:, :, 0].T, ours[0], atol=2e-4)
        np.testing.assert_allclose(theirs.bias.detach().numpy(), ours[1], atol=2e-4)


@pytest.mark.skipif(CHECKOUT is None, reason="no checkout of r9y9/wavenet_vocoder")
def test_network_has_the_dilations_asked_for():
    dilations = (1, 3, 7)
    network = peer.build_network(CHECKOUT, dilations, 2, 4, 8, 6)
    one_hot = torch.zeros(1, 256, 20)
    one_hot[:, 128] = 1.0
    one_hot.requires_grad_()
    network(one_hot)[0, :, 15].sum().backward()
    seen = np.flatnonzero(one_hot.grad.abs().sum(dim=1)[0].numpy())
    reached = {15 - a - b - c for a in (0, 1) for b in (0, 3) for c in (0, 7)}
    assert set(seen.tolist()) == reached
    assert network.receptive_field == 12
