"""Extension of griffe: reads the docstrings of this package, Google's with Keras's habits, as mkdocstrings shows them.

`Example:` followed by lines that are not indented becomes `Examples:`, and several arguments in one entry
(`a, b: Float.`) become one entry each, as they are in the signature. A list gets the empty line before it that
Python-Markdown asks for.
"""

import re
from typing import Any

import griffe

_EXAMPLE = re.compile(r"^Example:\n((?:(?!\n\n[A-Z][\w ]*:\n)[\s\S])*)", re.M)
_ENTRY = re.compile(r"^( {4})(\w+(?:, \w+)+)(: (?:.*)(?:\n {8}.*)*)$", re.M)
_LIST = re.compile(r"^(?! *- )( *\S.*\n)(?= *- )", re.M)


def rewritten(text: str) -> str:
    """Returns a docstring with its example and its entries as griffe expects them.

    Args:
        text: The docstring, without the indentation of the code around it.

    Returns:
        The docstring.
    """

    def indented(match):
        lines = match[1].splitlines()
        if lines and lines[0].startswith(" "):
            return "Examples:\n" + match[1]
        return "Examples:\n" + "\n".join(f"    {line}" if line else "" for line in lines) + "\n"

    def separate(match):
        return "\n".join(f"{match[1]}{name}{match[3]}" for name in match[2].split(", "))

    text = _ENTRY.sub(separate, _EXAMPLE.sub(indented, text))
    return _LIST.sub(r"\1\n", text).rstrip()


class KerasDocstrings(griffe.Extension):
    """Rewrites the docstring of every object that griffe loads."""

    def on_instance(self, *, obj: griffe.Object, **kwargs: Any) -> None:
        """Rewrites one docstring."""
        if obj.docstring is not None:
            obj.docstring.value = rewritten(obj.docstring.value)
