"""Contexts: what is known of a visitor, as paths of dimensions."""

from __future__ import annotations

from functools import cached_property, lru_cache
from hashlib import blake2b

from hailwhale.paths import Path, decode, dimension_nodes, encode, escape

#: Names of more bytes, as they are encoded, are cut to so many characters and a digest.
_LONG, _KEPT = 72, 24


class Context:
    """What is known of a visitor: the ends of all branches of the dimensions, in order.

    >>> context = Context.of({'device': 'phone', 'country': 'US'})
    >>> context.text
    'country/US device/phone'
    >>> context.above
    ((), ('country',), ('country', 'US'), ('device',), ('device', 'phone'))
    >>> Context.read(context.text) == context
    True
    >>> Context.of({'country': {'US': 'Texas'}}).above
    ((), ('country',), ('country', 'US'), ('country', 'US', 'Texas'))
    >>> Context.of(None).above
    ((),)

    Long names are cut, so that a context of many of them is still a name; a digest keeps them apart.

    >>> Context.of({'referrer': 'https://example.org/' + 'x' * 300}).paths
    (('referrer', 'https://example.org/xxxx~0c006bc379196be7'),)
    """

    __slots__ = ('__dict__', 'paths', 'text')

    def __init__(self, paths: tuple[Path, ...]) -> None:
        self.paths = paths
        #: The name under which it is counted: the paths, encoded, with blanks between; '' where nothing is known.
        self.text = ' '.join(map(encode, paths))

    @cached_property
    def code(self) -> str:
        """That name as a field of the engine."""
        return escape(self.text)

    @classmethod
    def of(cls, dimensions: object) -> Context:
        """The context of some dimensions.  Raises `InvalidDimensions`."""
        nodes = [node for node in dimension_nodes(dimensions) if node]
        inner = {node[:-1] for node in nodes}
        return cls(tuple(sorted(tuple(map(_cut, node)) for node in nodes if node not in inner)))

    @staticmethod
    @lru_cache(maxsize=16_384)
    def read(text: str) -> Context:
        """The context of that text."""
        return Context(tuple(map(decode, text.split(' '))) if text else ())

    @cached_property
    def above(self) -> tuple[Path, ...]:
        """The paths that other contexts may share with it, shorter ones before longer ones of the same branch."""
        found = [path[:end] for path in self.paths for end in range(len(path) + 1)]
        return tuple(dict.fromkeys(found or [()]))

    @property
    def whole(self) -> Path | None:
        """The path that is all of it, where it has no other branches."""
        return None if len(self.paths) > 1 else self.paths[0] if self.paths else ()

    @cached_property
    def kind(self) -> tuple[tuple[str, int], ...]:
        """What contexts that tell the same things of a visitor have in common."""
        return tuple(level(path, len(self.paths) > 1) for path in self.paths)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Context) and other.text == self.text

    def __hash__(self) -> int:
        return hash(self.text)

    def __repr__(self) -> str:
        return f'Context({self.text!r})'


#: That of visitors of whom nothing is known.
NOBODY = Context(())


def _cut(name: str) -> str:
    if len(encode((name,)).encode(errors='surrogatepass')) <= _LONG:
        return name
    digest = blake2b(name.encode(errors='surrogatepass'), digest_size=8).hexdigest()
    return f'{name[:_KEPT]}~{digest}'


def level(path: Path, several: bool) -> tuple[str, int]:
    """Paths of one level are about as important as each other: those of the same dimension and length.

    Where a context has one branch only, the first name may be a value as well as a dimension, and says nothing.
    """
    return (path[0] if path and several else '', len(path))
