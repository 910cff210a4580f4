"""Keras's Dense, which `keras.RematScope` can recompute on TensorFlow too."""

import keras

from tf_wavenet._registered import registered
from tf_wavenet.streaming.rematerialized import Rematerialized


@registered
class Dense(Rematerialized, keras.layers.Dense):
    """`keras.layers.Dense`, whose `call` gets `training` as a keyword argument."""
