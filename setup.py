"""Installs the library, `tf_wavenet`, as pyproject.toml says; training/ and benchmarks/ run from a checkout."""

from setuptools import setup

setup()
