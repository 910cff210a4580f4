"""Pairs of recordings that an amplifier model learns from, and the configuration of its training."""
