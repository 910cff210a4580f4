"""Layers as values: the same arguments but for some."""

import keras

_OF_LAYERS = ("name", "dtype", "trainable")


def replace(layer, changes) -> keras.layers.Layer:
    """Returns a layer, not built, of the same arguments but for `changes`, a dict; name and dtype are the default's."""
    config = {name: value for name, value in layer.get_config().items() if name not in _OF_LAYERS}
    return type(layer).from_config(config | changes)
