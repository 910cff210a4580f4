"""The process of an `EncoderProcess`: reads pickled requests from stdin and answers each on stdout."""

import os
import pickle
import sys

from tf_wavenet.data import AudioError
from training.sharding.encode import encode


def main() -> None:
    """Answers requests until there are no more."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints must not come between
    pickle.dump("ready", answers)
    answers.flush()
    while True:
        try:
            request = pickle.load(sys.stdin.buffer)
        except EOFError:
            return
        try:
            answer = encode(*request)
        except AudioError as error:
            answer = error.reason
        except (OSError, MemoryError) as error:
            answer = f"expected to decode it. Received: {' '.join(str(error).split()) or type(error).__name__}."
        pickle.dump(answer, answers)
        answers.flush()


if __name__ == "__main__":
    main()
