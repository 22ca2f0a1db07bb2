"""The scripts of the package, as engines know them."""

from __future__ import annotations

import hashlib
import re
from functools import cache
from importlib.resources import files

#: A line like ``-- with children.lua`` stands for that file: engines let no script call another.
_PART = re.compile(rb'^-- with (\w+)\.lua$', re.MULTILINE)


@cache
def text(name: str) -> bytes:
    """The text of a script, with the parts that it shares with others."""
    own = (files(__name__) / f'{name}.lua').read_bytes()
    return _PART.sub(lambda part: text(part[1].decode()), own)


@cache
def digest(name: str) -> bytes:
    """The SHA-1 under which an engine that has met the script runs it."""
    return hashlib.sha1(text(name), usedforsecurity=False).hexdigest().encode()
