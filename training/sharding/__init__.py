"""Writes corpora to shards: ArrayRecord files that training and TensorFlow Datasets read.

May import no other room. Commands import rooms, and no room a command.
"""
