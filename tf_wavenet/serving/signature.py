"""A signature is a method: its parameters are the inputs, its docstring the documentation; it checks and computes."""

import inspect
from collections.abc import Callable
from typing import Any, NamedTuple

import tensorflow as tf

from tf_wavenet.serving.tensors import CONDITIONS


class Signature(NamedTuple):
    """What a body's parameters and docstring do not say; see `signature`."""

    by_row: tuple
    when: Any


def signature(by_row=(), when=lambda served: True) -> Callable[[Callable], Callable]:
    """Makes a method of a `Served` a signature of the method's name.

    Its parameters are the inputs, by name; `served.inputs` says what they are. One that defaults to None is an input if
    the model has it, `**conditions` are the conditions that the model has.

    Args:
        by_row: Names of the inputs that are one number, or one a row.
        when: Function of the `Served`: whether it has the signature.
    """

    def mark(body):
        body.signature = Signature(tuple(by_row), when)
        return body

    return mark


def bodies(served) -> list[Callable]:
    """Returns the bound methods of a `Served` that are its signatures, those of its own class first."""
    names = [name for kind in type(served).__mro__ for name, value in vars(kind).items() if hasattr(value, "signature")]
    methods = [getattr(served, name) for name in dict.fromkeys(names)]
    return [method for method in methods if method.signature.when(served)]


def specs(served, body) -> dict[str, tf.TensorSpec]:
    """Returns a dict of the `tf.TensorSpec`s of a body's inputs."""
    known, names = served.inputs, []
    for name, parameter in inspect.signature(body).parameters.items():
        if parameter.kind is parameter.VAR_KEYWORD:
            names += [condition for condition in CONDITIONS if condition in known]
        elif parameter.default is parameter.empty or name in known:
            names.append(name)
    return {name: known[name].spec(name, name in body.signature.by_row) for name in names}
