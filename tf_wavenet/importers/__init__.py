"""Models that others have trained, read from their files; nothing in a file is executed."""

from tf_wavenet.importers.nam import read_nam, write_nam

__all__ = ["read_nam", "write_nam"]
