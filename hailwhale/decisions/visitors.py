"""Visitors of decisions: who gets the same option each time, and who is left to chance; by their names alone."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import NamedTuple

from hailwhale.errors import InvalidInput
from hailwhale.metrics import shown
from hailwhale.paths import encode

#: What may be said of a visitor of many.
_KEYS = ('visitor', 'dimensions', 'bot', 'seed')
#: Characters of a name.
_LONGEST = 256
_SURROGATE = re.compile('[\ud800-\udfff]')


class Visitor(NamedTuple):
    """A visitor, as callers describe one."""

    dimensions: object = None
    name: object = None
    bot: bool = False
    seed: object = None


def read_visitor(given: object) -> Visitor:
    """A visitor of many: dimensions, or a mapping with the key ``visitor`` or ``dimensions`` and of those of `_KEYS`.

    Raises `InvalidInput`.
    """
    if not isinstance(given, Mapping) or not ('visitor' in given or 'dimensions' in given):
        return Visitor(given)
    odd = next((name for name in given if name not in _KEYS), None)
    if odd is not None:
        raise InvalidInput(
            f'{odd!r:.80} beside visitor or dimensions (there are {", ".join(_KEYS)}; all that is known of a visitor '
            'goes into dimensions)',
            field='visitors',
        )
    bot = given.get('bot', False)
    if not isinstance(bot, bool):
        raise InvalidInput(f'neither yes nor no: {bot!r:.80} (bot is true or false)', field='visitors')
    return Visitor(given.get('dimensions'), given.get('visitor'), bot, given.get('seed'))


def checked_share(holdout: object) -> float:
    """The share of visitors in a hold-out.  Raises `InvalidInput`."""
    if not isinstance(holdout, int | float) or isinstance(holdout, bool) or not 0 <= holdout <= 1:
        raise InvalidInput(f'not a share of visitors: {holdout!r:.80} (from 0 to 1, such as 0.1)', field='holdout')
    return holdout


def in_holdout(decision: Sequence[str], visitor: object, holdout: object) -> bool:
    """Whether a visitor is among the share that gets options by chance alone: the same ones each time.

    Raises `InvalidInput`.
    """
    share = checked_share(holdout)
    if not share:
        return False
    name = visitor_name(visitor)
    if name is None:
        raise InvalidInput('a hold-out needs to know visitors again (give visitor, such as an id)', field='visitor')
    return number_of(decision, name, 'holdout') < share


def visitor_name(visitor: object) -> str | None:
    """The name by which a visitor is known again; None for one who is not.  Raises `InvalidInput`."""
    if visitor is None:
        return None
    if isinstance(visitor, bool) or not isinstance(visitor, str | int) or not 0 < _length(visitor) <= _LONGEST:
        raise InvalidInput(
            f'not a visitor: {shown(visitor)} (a text of 1 to {_LONGEST} characters, or a number)', field='visitor'
        )
    name = str(visitor)
    if _SURROGATE.search(name):
        # There is no UTF-8 for one, by which the visitor could be known again elsewhere.
        raise InvalidInput(
            f'not a visitor: {visitor!r:.80} (half a surrogate pair; decode it as UTF-8 first)', field='visitor'
        )
    return name


def _length(visitor: str | int) -> int:
    # Python writes no number with thousands of digits.
    return len(visitor) if isinstance(visitor, str) else len(str(visitor)) if visitor.bit_length() < 1_024 else 1_024


def number_of(decision: Sequence[str], visitor: str, purpose: str) -> float:
    """A number from 0 to 1 that is the visitor's own in this decision."""
    text = f'{encode(tuple(decision))}\0{purpose}\0{visitor}'.encode()
    return int.from_bytes(blake2b(text, digest_size=7).digest()[:7]) / 2**56
