"""Mean and scale of features, as other projects keep them."""

import os

import numpy as np

from tf_wavenet.importers.checkpoint_error import CheckpointError


def read_statistics(path: str | os.PathLike) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Reads the statistics that features are standardised with, for `MelSpec`'s `normalization`.

    Args:
        path: What kan-bayashi/ParallelWaveGAN writes: `stats.npy`, an array `[2, channels]` of mean and scale, or
            `stats.h5` with the data sets `mean` and `scale`. r9y9/wavenet_vocoder has `meanvar.joblib`, a pickle of
            scikit-learn, which is not opened here: `np.save("stats.npy", [scaler.mean_, scaler.scale_])` where
            scikit-learn is.

    Returns:
        `(mean, scale)`, tuples of floats.

    Raises:
        CheckpointError: If the file is missing or holds something else.

    Example:
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     np.save(f"{folder}/stats.npy", [[-2.0, -3.0], [0.5, 1.0]])
    ...     read_statistics(f"{folder}/stats.npy")
    ((-2.0, -3.0), (0.5, 1.0))
    """
    try:
        with open(path, "rb") as file:
            is_hdf5 = file.read(8) == b"\x89HDF\r\n\x1a\n"
            file.seek(0)
            pair = _read_hdf5(path) if is_hdf5 else np.load(file, allow_pickle=False)
        pair = np.asarray(pair, np.float64)
    except OSError as error:
        raise CheckpointError(path, error.strerror or str(error)) from None
    except (ValueError, TypeError, KeyError, EOFError) as error:
        raise CheckpointError(path, f"expected stats.npy or stats.h5. Received: {error}") from None
    if pair.ndim != 2 or len(pair) != 2 or not np.all(np.isfinite(pair)) or not np.all(pair[1] > 0.0):
        expected = "expected finite means and positive scales [2, channels]"
        raise CheckpointError(path, f"{expected}. Received: {pair.dtype} {list(pair.shape)}")
    return tuple(pair[0].tolist()), tuple(pair[1].tolist())


def _read_hdf5(path):
    import h5py  # Keras needs it too

    with h5py.File(path, "r") as file:
        return [file[name][()] for name in ("mean", "scale")]
