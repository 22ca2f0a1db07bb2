"""Which pks a key is for: patterns over paths.

======================  =============================================================================
``Shop``                exactly that pk
``Shop/*``              that pk and everything below it
``*``                   every pk
``Mac%20OS``            ``%XX`` stands for one character, as in keys; a blank may also stay one
``a%2Fb``, ``%2A``      a slash within a name, and a name that is one star
``%``                   the empty name
======================  =============================================================================

A star stands only at the end, after a slash or alone: ``Shop*`` and ``*/42`` are refused.  Names are compared whole and
as they are, upper and lower case apart: ``Shop/*`` is not for ``Shopping``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from hailwhale.errors import InvalidPath
from hailwhale.paths import Path, escape
from hailwhale.times import shown

_ESCAPED = re.compile('%([0-7][0-9A-Fa-f])')
_EMPTY = '%'
_STAR = '*'


@dataclass(frozen=True, slots=True)
class Pattern:
    """A pk; with ``below``, also everything below it.

    >>> Pattern.parse('Shop/*').matches(('Shop', '42')), Pattern.parse('Shop').matches(('Shop', '42'))
    (True, False)
    """

    path: Path
    below: bool

    @classmethod
    def parse(cls, text: str) -> Pattern:
        """Read a pattern.  Raises `InvalidPath` for a text that is none."""
        names = text.split('/')
        below = names[-1] == _STAR
        if below:
            names.pop()
        if not text or any(_STAR in name for name in names):
            raise _not_a_pattern(text)
        return cls(tuple(_name(name, text) for name in names), below)

    def __str__(self) -> str:
        names = [escape(name).replace(_STAR, '%2A') for name in self.path]
        return '/'.join([*names, _STAR] if self.below else names)

    def matches(self, pk: Path, *, below: bool = False) -> bool:
        """Whether the pk is one of those; with ``below``, it and everything below it."""
        if self.below:
            return pk[: len(self.path)] == self.path
        return pk == self.path and not below


class Patterns:
    """Several patterns, together; ``everything`` says that they leave no pk out."""

    def __init__(self, patterns: Iterable[Pattern]) -> None:
        self.all = tuple(patterns)
        self.everything = any(pattern.below and not pattern.path for pattern in self.all)

    def match(self, pk: Path, *, below: bool = False) -> bool:
        """Whether any of them is for the pk; with ``below``, for it and everything below it."""
        return self.everything or any(pattern.matches(pk, below=below) for pattern in self.all)

    def lead_below(self, pk: Path) -> bool:
        """Whether any of them is for a pk below that one.

        >>> shop = Patterns([Pattern.parse('Shop/42')])
        >>> shop.lead_below(()), shop.lead_below(('Shop',)), shop.lead_below(('Shop', '42'))
        (True, True, False)
        """
        return any(
            pattern.matches(pk, below=True) or (pattern.path[: len(pk)] == pk and pattern.path != pk)
            for pattern in self.all
        )

    def topmost(self) -> list[Path]:
        """The pks that they are for, without those below another one of them.

        >>> Patterns(map(Pattern.parse, ['Shop/42', 'Shop', 'Blog', 'Shop/43/*'])).topmost()
        [('Blog',), ('Shop',)]
        """
        found = {pattern.path for pattern in self.all}
        return sorted(path for path in found if not any(path[:end] in found for end in range(len(path))))

    def __str__(self) -> str:
        return ' '.join(map(str, self.all))


def _name(text: str, whole: str) -> str:
    """One name; only an escaped character may begin with ``%``."""
    if text == _EMPTY:
        return ''
    name = _ESCAPED.sub(lambda found: chr(int(found[1], 16)), text)
    if not text or '%' in _ESCAPED.sub('', text):
        raise _not_a_pattern(whole)
    escape(name)  # refuses what has no UTF-8
    return name


def _not_a_pattern(text: str) -> InvalidPath:
    return InvalidPath(
        f"not a pattern of pks: {shown(text)} (try 'Shop' for that pk, 'Shop/*' for it and all below it, '*' for all; "
        'in a name, %2A is a star, %2F a slash, %25 a percent sign)',
        field='pk',
    )
