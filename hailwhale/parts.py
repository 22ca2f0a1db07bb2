"""Parts of higher floors to which methods of lower ones hand on: ``Whale.decide`` is a method of `Whale`, and the code
behind it is made of counters and lies above them.

The assembly says by name where each part is made; it is imported when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from hailwhale.errors import MissingLibrary

_homes: dict[str, str] = {}


def register(name: str, home: str) -> None:
    """Say where a part is made: ``package.module:maker``."""
    _homes[name] = home


def maker(name: str) -> Any:
    """What makes the part of that name.  Raises `MissingLibrary`."""
    module, _, attribute = _homes[name].partition(':')
    try:
        return getattr(import_module(module), attribute)
    except ImportError as error:
        raise MissingLibrary(
            f"{name} needs libraries that are not installed: pip install 'hailwhale[decide]' ({error})"
        ) from error
