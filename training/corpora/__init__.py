"""Corpora of recordings: read, measured and checked before anything is trained on them.

May import no other room. Commands import rooms, and no room a command.
"""
