"""Training on several devices or machines: `training.train --strategy`."""

import atexit
import contextlib
import dataclasses
import functools
import json
import os
import re
import sys
from collections.abc import Callable, Iterator
from typing import Any, Literal

import keras

_LOST = re.compile(
    r"Task \S+ heartbeat timeout|Connection (reset|closed) by peer|Socket closed|failed to connect to all addresses"
)

Strategy = Literal["none", "mirrored", "multi_worker"]


@dataclasses.dataclass(frozen=True)
class Distribution:
    """How the steps of a run are shared out.

    Attributes:
        strategy: A `tf.distribute.Strategy`; None for one device, and on JAX, where Keras knows the
            `keras.distribution.DataParallel` of the process.
        worker: Number of this process.
        workers: Processes in all.
        replicas: Parts of a batch, one for each device of each process.
    """

    strategy: Any = None
    worker: int = 0
    workers: int = 1
    replicas: int = 1

    @property
    def is_chief(self) -> bool:
        """Whether this process writes the run folder."""
        return self.worker == 0

    def scope(self) -> contextlib.AbstractContextManager:
        """Where the model is made."""
        return contextlib.nullcontext() if self.strategy is None else self.strategy.scope()

    def divisible(self, rows: int) -> int:
        """Returns the least number of rows, at least `rows`, that devices can share."""
        return -(-rows // self.replicas) * self.replicas

    def batches(self, make: Callable[..., Any]) -> Any:
        """Makes the batches that this process learns from.

        Args:
            make: Function of `shard=(number, count)` to the dataset of one part of each batch, as `window_dataset`
                takes it.

        Returns:
            What `fit` takes. Worker number n reads and decodes its own part of each batch only.
        """
        if self.workers == 1:
            return make()  # Keras divides the batches among the devices
        if self.strategy is None:
            return make(shard=(self.worker, self.workers))
        local = self.replicas // self.workers

        def of_worker(context):
            dataset = make(shard=(context.input_pipeline_id, self.workers))
            if local > 1:
                rows = next(iter(dataset.element_spec[1:])).shape[0]
                dataset = dataset.unbatch().batch(rows // local, drop_remainder=True)
            return dataset

        return self.strategy.distribute_datasets_from_function(of_worker)

    @contextlib.contextmanager
    def lost_workers(self) -> Iterator[None]:
        """Turns the errors of a lost worker into one line; the run goes on from its newest checkpoint.

        Raises:
            OSError: If another worker cannot be reached any more.
        """
        if self.workers == 1:
            yield
            return
        gone = self._errors_of_a_loss()
        try:
            yield
            self._wait_for_all()
        except gone as error:
            found = _LOST.search(str(error))
            if isinstance(error, ValueError) and not found:
                raise
            # Both libraries wait for the lost one when the process ends in the usual way.
            atexit.register(_end_at_once)
            reason = found[0] if found else "an error of their communication"
            message = f"Expected {self.workers} workers. Received: {reason}; start all of them again with --resume"
            raise OSError(message) from error

    def _errors_of_a_loss(self):
        if self.strategy is None:
            import jax

            return jax.errors.JaxRuntimeError, ValueError  # the second where an array is fetched
        import tensorflow as tf

        return tf.errors.UnavailableError, tf.errors.AbortedError, tf.errors.CancelledError, tf.errors.InternalError

    def _wait_for_all(self):
        """No process ends before the others have their last step."""
        if self.strategy is None:
            from jax.experimental import multihost_utils

            multihost_utils.sync_global_devices("the last step")
        else:
            import tensorflow as tf

            self.strategy.reduce("SUM", tf.constant(0.0))


def distribute(strategy: Strategy, batch_size: int) -> Distribution:
    """Prepares a strategy; once in a process, before the backend does anything else.

    Args:
        strategy: "none"; "mirrored" for all GPUs (on JAX all devices) of this machine; "multi_worker" for the processes
            that the environment variable TF_CONFIG names, or those of the Slurm job.
        batch_size: Windows in a training step, which are divided among devices and processes.

    Returns:
        How the steps are shared out.

    Raises:
        ValueError: If the backend is PyTorch, TF_CONFIG does not tell the workers, or the batch cannot be
            divided.
    """
    if strategy == "none":
        return Distribution()
    makers = {"tensorflow": (_mirrored, _multi_worker), "jax": (_data_parallel, _data_parallel_workers)}
    backend = keras.backend.backend()
    if backend not in makers:
        raise ValueError(f"Expected strategy={strategy} with TensorFlow or JAX. Received: {backend}")
    made = makers[backend][strategy == "multi_worker"]()
    if batch_size % made.replicas:
        expected = f"Expected batch_size to be a multiple of {made.replicas}, the number of devices"
        raise ValueError(f"{expected}. Received: batch_size={batch_size}")
    return made


def _end_at_once():
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(2)


@functools.cache
def _mirrored():
    import tensorflow as tf

    strategy = tf.distribute.MirroredStrategy()
    return Distribution(strategy, replicas=strategy.num_replicas_in_sync)


@functools.cache
def _multi_worker():
    import tensorflow as tf

    class MultiWorker(tf.distribute.MultiWorkerMirroredStrategy):
        """With what Keras 3 asks of `reduce` and TensorFlow refuses (issue 20585 of Keras).

        Keras reduces a whole batch, when all that it needs are shapes, and metrics, which are scalars, along axis 0.
        """

        def reduce(self, reduce_op, value, axis=None):
            if isinstance(value, tuple | list | dict):
                return keras.tree.map_structure(lambda part: self.experimental_local_results(part)[0], value)
            first = self.experimental_local_results(value)[0]
            return super().reduce(reduce_op, value, None if first.shape.rank == 0 else axis)

    resolver = _resolver(tf)
    strategy = MultiWorker(cluster_resolver=resolver)
    workers = len(resolver.cluster_spec().as_dict()["worker"])
    return Distribution(strategy, resolver.task_id, workers, strategy.num_replicas_in_sync)


@functools.cache
def _data_parallel():
    keras.distribution.set_distribution(keras.distribution.DataParallel(auto_shard_dataset=False))
    import jax

    return Distribution(None, jax.process_index(), jax.process_count(), jax.device_count())


@functools.cache
def _data_parallel_workers():
    import jax

    if _in_slurm():
        jax.distributed.initialize()
    else:
        workers, index = _tf_config()
        jax.distributed.initialize(workers[0], len(workers), index)
    return _data_parallel()


def _resolver(tf):
    if _in_slurm():
        return tf.distribute.cluster_resolver.SlurmClusterResolver()
    _tf_config()
    return tf.distribute.cluster_resolver.TFConfigClusterResolver()


def _in_slurm():
    return "TF_CONFIG" not in os.environ and "SLURM_JOB_ID" in os.environ


def _tf_config():
    """Returns the workers' addresses and the number of this one."""
    try:
        config = json.loads(os.environ.get("TF_CONFIG", ""))
        workers, index = config["cluster"]["worker"], config["task"]["index"]
        if config["task"]["type"] != "worker" or not 0 <= index < len(workers):
            raise ValueError(f"task {config['task']}")
    except (ValueError, LookupError, TypeError) as error:
        form = '{"cluster": {"worker": ["HOST:PORT", ...]}, "task": {"type": "worker", "index": NUMBER}}'
        expected = f"Expected the environment variable TF_CONFIG to be {form}"
        raise ValueError(f"{expected}. Received: {os.environ.get('TF_CONFIG', 'none')!r} ({error})") from None
    return workers, index
