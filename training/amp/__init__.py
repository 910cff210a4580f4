"""Pairs of recordings that an amplifier model learns from, and the configuration of its training.

May import cli. Commands import rooms, and no room a command.
"""
