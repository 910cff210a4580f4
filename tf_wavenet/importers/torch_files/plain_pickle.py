"""Pickles read as data: what they would call, import or build is refused, not run.

`pickle.Unpickler` with a `find_class` of one's own is not enough here: its BUILD sets attributes on whatever it is
given, also on the few functions that it may know, and a number in its file can make it allocate any amount of memory.
So the instructions are carried out here, those that plain data need.
"""

import pickletools
from collections.abc import Callable, Mapping
from typing import Any, BinaryIO

_CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
_NUMBERS = {"BININT", "BININT1", "BININT2", "LONG1", "BINFLOAT"}
_VALUES = {*_NUMBERS, "BINUNICODE", "SHORT_BINUNICODE", "BINSTRING", "SHORT_BINSTRING", "BINBYTES", "SHORT_BINBYTES"}
_EMPTY = {"EMPTY_DICT": dict, "EMPTY_LIST": list, "EMPTY_TUPLE": tuple}
_TUPLES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}


class Later:
    """What a global may stand for: a class whose values are made first and get their content afterwards.

    The pickle may hand over any plain data, several times and also when others hold the value: `fill` must check them.
    """

    def fill(self, state: Any) -> None:
        """Takes the content."""
        raise NotImplementedError


def read_pickle(
    stream: BinaryIO, names: Mapping[str, Any], read_persistent: Callable[[tuple], Any] | None = None
) -> Any:
    """Reads one pickle of protocol 2, which is what PyTorch writes, or of a later one.

    Args:
        stream: Read up to the end of the pickle. Its `read` must not allocate more than there is.
        names: What each global, "module.name", stands for; no others are admitted. Functions may be called by the
            pickle, with any plain data: they must check their arguments.
        read_persistent: Returns what a persistent id, a tuple, stands for. None: there may be none.

    Returns:
        Dicts, lists, tuples, numbers, texts, and what `names` and `read_persistent` gave.

    Raises:
        ValueError: For a damaged pickle, or one that wants more than this; it names the global or the instruction.
    """
    machine = _Machine(names, read_persistent)
    for opcode, argument, _ in pickletools.genops(stream):
        try:
            machine.run(opcode.name, argument)
        except (IndexError, KeyError, TypeError) as error:
            raise ValueError(f"damaged at {opcode.name} ({type(error).__name__})") from None
    if not machine.stack:
        raise ValueError("damaged: it holds nothing")
    return machine.stack[-1]


def checked_key(key: Any) -> Any:
    """Returns the key of a dict if it is text or an int; others are not needed, and deep tuples end the process."""
    if not isinstance(key, (str, int)):
        raise ValueError(f"expected text or ints as keys. Received: {type(key).__name__}")
    return key


class _Machine:
    """A stack, the places where marks were set on it, and numbered values to come back to."""

    def __init__(self, names, read_persistent) -> None:
        self.names, self.read_persistent = names, read_persistent
        self.stack, self.marks, self.memo = [], [], {}

    def run(self, name, argument) -> None:
        stack = self.stack
        if name in _CONSTANTS:
            stack.append(_CONSTANTS[name])
        elif name in _VALUES:
            stack.append(argument)
        elif name in _EMPTY:
            stack.append(_EMPTY[name]())
        elif name == "MARK":
            self.marks.append(len(stack))
        elif name == "TUPLE":
            items = self._since_mark()
            stack.append(tuple(items))
        elif name in _TUPLES:
            items = [stack.pop() for _ in range(_TUPLES[name])]
            stack.append(tuple(reversed(items)))
        elif name in ("BINPUT", "LONG_BINPUT"):
            self.memo[argument] = stack[-1]
        elif name in ("BINGET", "LONG_BINGET"):
            stack.append(self.memo[argument])
        elif name in ("APPEND", "APPENDS"):
            items = [stack.pop()] if name == "APPEND" else self._since_mark()
            self._target(list).extend(items)
        elif name in ("SETITEM", "SETITEMS"):
            items = [stack.pop(), stack.pop()][::-1] if name == "SETITEM" else self._since_mark()
            self._target(dict).update((checked_key(k), v) for k, v in zip(items[::2], items[1::2], strict=True))
        elif name == "GLOBAL":
            stack.append(self._named(argument.replace(" ", ".", 1)))
        elif name == "STACK_GLOBAL":
            attribute, module = stack.pop(), stack.pop()
            stack.append(self._named(f"{checked_key(module)}.{checked_key(attribute)}"))
        elif name == "MEMOIZE":
            self.memo[len(self.memo)] = stack[-1]
        elif name == "REDUCE" or (name == "NEWOBJ" and self._is_later(stack[-2])):
            self._call()
        elif name == "BUILD":
            state = stack.pop()
            if isinstance(stack[-1], Later):
                stack[-1].fill(state)
            else:
                self._target(dict)  # attributes of an OrderedDict, such as the version of a state dict, are dropped
        elif name == "BINPERSID" and self.read_persistent is not None:
            stack.append(self.read_persistent(stack.pop()))
        elif name not in ("PROTO", "FRAME", "STOP"):
            raise ValueError(f"wants the instruction {name}, which plain data do not need")

    def _since_mark(self):
        mark = self.marks.pop()
        items = self.stack[mark:]
        del self.stack[mark:]
        return items

    def _target(self, kind):
        if type(self.stack[-1]) is not kind:
            raise ValueError(f"expected a {kind.__name__} to fill. Received: {type(self.stack[-1]).__name__}")
        return self.stack[-1]

    @staticmethod
    def _is_later(value):
        return isinstance(value, type) and issubclass(value, Later)

    def _named(self, name):
        if name not in self.names:
            raise ValueError(f"wants the global {name}, which is not admitted; nothing was run")
        return self.names[name]

    def _call(self):
        arguments, function = self.stack.pop(), self.stack.pop()
        admitted = callable(function) and any(function is known for known in self.names.values())
        if not admitted or type(arguments) is not tuple:
            raise ValueError(f"wants to call a {type(function).__name__}; nothing was run")
        self.stack.append(function(*arguments))
