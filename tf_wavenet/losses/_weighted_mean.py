"""Means over samples that several replicas share."""

import keras
from keras import ops

from tf_wavenet import backend
from tf_wavenet._tensor import Tensor


class WeightedMean(keras.losses.Loss):
    """Base of losses whose reduction "mean_with_sample_weight" is over the samples of all replicas.

    Keras takes the mean on each replica of a `tf.distribute` strategy and then that of the replicas, so that samples
    of a replica with few samples of weight 1 would count more.
    """

    def __call__(self, y_true, y_pred, sample_weight=None) -> Tensor:
        """Returns the reduced loss."""
        loss = super().__call__(y_true, y_pred, sample_weight)
        if sample_weight is None or self.reduction != "mean_with_sample_weight":
            return loss
        return loss * backend.share_of_replicas(ops.sum(ops.cast(sample_weight, loss.dtype)))
