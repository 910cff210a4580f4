"""Keeps what decoders written in C print out of the progress bar."""

import contextlib
import ctypes
import platform
import sys
import threading
from collections.abc import Iterator

_lock = threading.Lock()
_users = 0
_held = None
_nowhere = None


@contextlib.contextmanager
def silenced() -> Iterator[None]:
    """Inside of it, C's `stderr` goes nowhere, in all threads. Python's goes on: it writes to the file itself.

    libmpg123 prints notes on MP3 files that every player plays. Where the C library has no such variable (Windows,
    musl), they stay.
    """
    global _users, _held, _nowhere
    stream = _stream()
    if stream is None:
        yield
        return
    with _lock:
        if _nowhere is None:
            _nowhere = _open_nowhere()
        if not _users and _nowhere:
            _held, stream.value = stream.value, _nowhere
        _users += 1
    try:
        yield
    finally:
        with _lock:
            _users -= 1
            if not _users and _nowhere:
                stream.value = _held


def _stream():
    name = "__stderrp" if sys.platform == "darwin" else "stderr" if platform.libc_ver()[0] == "glibc" else None
    return name and ctypes.c_void_p.in_dll(ctypes.CDLL(None), name)


def _open_nowhere():
    open_file = ctypes.CDLL(None).fopen
    open_file.restype = ctypes.c_void_p
    return open_file(b"/dev/null", b"w")
