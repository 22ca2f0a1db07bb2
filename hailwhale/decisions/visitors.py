"""Visitors of decisions: who gets the same option each time, and who is left to chance; by their names alone."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b

from hailwhale.errors import InvalidInput
from hailwhale.paths import encode


def in_holdout(decision: Sequence[str], visitor: object, holdout: object) -> bool:
    """Whether a visitor is among the share that gets options by chance alone: the same ones each time.

    Raises `InvalidInput`.
    """
    if not isinstance(holdout, int | float) or isinstance(holdout, bool) or not 0 <= holdout <= 1:
        raise InvalidInput(f'not a share of visitors: {holdout!r:.80} (from 0 to 1, such as 0.1)', field='holdout')
    if not holdout:
        return False
    name = visitor_name(visitor)
    if name is None:
        raise InvalidInput('a hold-out needs to know visitors again (give visitor, such as an id)', field='visitor')
    return number_of(decision, name, 'holdout') < holdout


def visitor_name(visitor: object) -> str | None:
    """The name by which a visitor is known again; None for one who is not.  Raises `InvalidInput`."""
    if visitor is None:
        return None
    if isinstance(visitor, bool) or not isinstance(visitor, str | int) or not 0 < len(str(visitor)) <= 256:
        raise InvalidInput(
            f'not a visitor: {visitor!r:.80} (a text of 1 to 256 characters, or a number)', field='visitor'
        )
    return str(visitor)


def number_of(decision: Sequence[str], visitor: str, purpose: str) -> float:
    """A number from 0 to 1 that is the visitor's own in this decision."""
    text = f'{encode(tuple(decision))}\0{purpose}\0{visitor}'.encode(errors='surrogatepass')
    return int.from_bytes(blake2b(text, digest_size=7).digest()[:7]) / 2**56
