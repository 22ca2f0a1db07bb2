"""The scripts of the package, as engines know them."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.resources import files


@cache
def text(name: str) -> bytes:
    """The text of a script."""
    return (files(__name__) / f'{name}.lua').read_bytes()


@cache
def digest(name: str) -> bytes:
    """The SHA-1 under which an engine that has met the script runs it."""
    return hashlib.sha1(text(name), usedforsecurity=False).hexdigest().encode()
