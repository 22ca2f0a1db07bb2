"""Arguments that have two spellings."""

from __future__ import annotations

from hailwhale.errors import InvalidInput


def either(name: str, one: object, many: object) -> object:
    """The value of ``metric`` or ``metrics``, whichever is given.  Raises `InvalidInput` when both are.

    >>> either('metric', None, ['sales'])
    ['sales']
    """
    if one is not None and many is not None:
        raise InvalidInput(f'both {name} and {name}s are given: they mean the same (give one)', field=f'{name}s')
    return many if one is None else one
