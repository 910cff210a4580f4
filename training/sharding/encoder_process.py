"""Decodes recordings in a process of its own, so that a file that hangs or crashes its decoder takes nothing along."""

import contextlib
import os
import pickle
import subprocess
import sys
import threading

from tf_wavenet.data import AudioError
from tf_wavenet.data.corpus_listing import Recording
from training.sharding.encode import Encoded


class EncoderProcess:
    """Calls `encode` in another process, which is started anew after a file that it could not bear.

    Args:
        limit_seconds: Time that one recording may take.
    """

    def __init__(self, limit_seconds: float) -> None:
        self.limit_seconds = limit_seconds
        self._process = None

    def encode(self, recording: Recording, sample_rate: int, trim_silence_db: float | None) -> Encoded:
        """As the function `encode`; raises AudioError too where a file hangs or crashes the decoder."""
        if self._process is None:
            self._process = self._start()
        late = threading.Event()
        process = self._process
        timer = threading.Timer(self.limit_seconds, lambda: (late.set(), process.kill()))
        timer.start()
        try:
            pickle.dump((recording, sample_rate, trim_silence_db), process.stdin)
            process.stdin.flush()
            answer = pickle.load(process.stdout)
        except (EOFError, OSError, pickle.UnpicklingError):
            code = process.wait()
            self.close()
            received = f"more than {self.limit_seconds:g} seconds" if late.is_set() else f"exit code {code}"
            raise AudioError(recording.path, f"expected to decode it. Received: {received}.") from None
        finally:
            timer.cancel()
        if isinstance(answer, Encoded):
            return answer
        raise AudioError(recording.path, answer)

    def _start(self):
        environment = os.environ | {"CUDA_VISIBLE_DEVICES": "", "TF_CPP_MIN_LOG_LEVEL": "3"}
        process = subprocess.Popen(
            [sys.executable, "-m", "training.sharding.encoder_main"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
            start_new_session=True,  # Ctrl-C is for the command, which ends this one
        )
        try:
            pickle.load(process.stdout)  # that it has started: imports take time, which is no file's
        except EOFError:
            raise RuntimeError(f"Expected {process.args} to start. Received: exit code {process.wait()}") from None
        return process

    def close(self) -> None:
        """Ends the process."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            for pipe in (self._process.stdin, self._process.stdout):
                with contextlib.suppress(BrokenPipeError):  # of what was not sent
                    pipe.close()
            self._process = None
