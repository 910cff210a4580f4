"""Several replicas give the loss and the weights that one gives."""

import json
import subprocess
import sys

import pytest

pytest.importorskip("tensorflow", reason="tf.distribute is TensorFlow's")

# Two devices exist only if they are asked for before TensorFlow begins.
SCRIPT = """
import json, sys
import keras
import numpy as np
import tensorflow as tf

cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
from tf_wavenet import NamWaveNet, WaveNet
from tf_wavenet import EffectLoss

rng = np.random.default_rng(0)
x = rng.uniform(-0.5, 0.5, (4, 30)).astype("float32")
weight = np.ones((4, 30), "float32")
weight[2:, 3:] = 0.0  # the second replica has little to learn from


def fit(kind, strategy):
    with strategy.scope():
        keras.utils.set_random_seed(1)
        if kind == "wavenet":
            model = WaveNet((1, 2), residual_channels=4, skip_channels=4, mu=15)
            model.compile(keras.optimizers.SGD(0.1), jit_compile=False)
        else:
            model = NamWaveNet([{"channels": 2, "dilations": (1, 2)}], head_scale=1.0)
            model.compile(keras.optimizers.SGD(0.1), EffectLoss(1.0), jit_compile=False)
    data = tf.data.Dataset.from_tensors((x, 0.5 * x, weight)).unbatch().batch(4)
    loss = model.fit(data, verbose=0).history["loss"][0]
    return loss, [float(np.sum(np.abs(np.array(w)))) for w in model.trainable_weights]


strategies = tf.distribute.get_strategy(), tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
print(json.dumps([fit(sys.argv[1], strategy) for strategy in strategies]))
"""


@pytest.mark.large
@pytest.mark.parametrize("kind", ["wavenet", "nam"])
def test_uneven_weights_count_the_same_on_two_replicas(kind):
    command = [sys.executable, "-c", SCRIPT, kind]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    (loss, weights), (shared_loss, shared_weights) = json.loads(done.stdout.splitlines()[-1])
    assert shared_loss == pytest.approx(loss, rel=1e-5)
    assert shared_weights == pytest.approx(weights, rel=1e-5)
