"""Corpora of recordings: read, measured and checked before anything is trained on them."""
