"""The error's message and parts."""

import pickle

from tf_wavenet.data import AudioError


def test_message_is_subject_and_reason():
    error = AudioError("clip.wav", "expected at least 1 sample. Received: 0 samples.")
    assert isinstance(error, ValueError)
    assert str(error) == "clip.wav: expected at least 1 sample. Received: 0 samples."
    assert str(pickle.loads(pickle.dumps(error))) == str(error)
