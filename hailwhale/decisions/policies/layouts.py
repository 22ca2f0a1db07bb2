"""Layouts: which paths lie above which contexts, as arrays."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.sparse import csr_array

from hailwhale.decisions.contexts import Context, level
from hailwhale.decisions.policies.arrays import Floats, Ints
from hailwhale.paths import Path, encode

Level = tuple[str, int]
Kind = tuple[Level, ...]
ROOT: Level = ('', 0)


class Pairs(NamedTuple):
    """Paths that lie above the same contexts, each with itself and with all others, in both orders."""

    first: Ints  #: [pair]: number of a path
    second: Ints
    below: csr_array[np.float64, tuple[int, int]]  #: [pair, context]: 1 where both lie above it


@dataclass(frozen=True, slots=True)
class Layout:
    """The contexts of a table, and the paths that they share."""

    contexts: Sequence[Context]
    places: dict[str, int]  #: of each context, by its text
    paths: Sequence[Path]  #: those that some contexts share and others do not, and the one above all
    numbers: dict[Path, int]  #: of each of these paths
    above: Ints  #: [context, n]: numbers of the paths above it; -1: no more
    levels: Sequence[Level]  #: of each path
    kinds: Sequence[Kind]  #: of contexts
    kind: Ints  #: [context]: the place of its kind
    below: csr_array[np.float64, tuple[int, int]]  #: [path, context]: 1 where it lies above it

    @classmethod
    def of(cls, contexts: Sequence[Context]) -> Layout:
        """The layout of some contexts."""
        return cls._with(contexts, _shared(contexts))

    @classmethod
    def _with(cls, contexts: Sequence[Context], paths: Sequence[Path]) -> Layout:
        numbers = {path: number for number, path in enumerate(paths)}
        rows = [[numbers[path] for path in context.above if path in numbers] for context in contexts]
        above = np.full((len(contexts), max(map(len, rows), default=0)), -1)
        for place, row in enumerate(rows):
            above[place, : len(row)] = row
        several = any(len(context.paths) > 1 for context in contexts)
        levels = [level(path, several) for path in paths]
        kinds = list(dict.fromkeys(context.kind for context in contexts))
        kind = np.array([kinds.index(context.kind) for context in contexts], int)
        place_of, column = np.nonzero(above >= 0)
        under = _ones(above[place_of, column], place_of, (len(paths), len(contexts)))
        places = {one.text: place for place, one in enumerate(contexts)}
        return cls(contexts, places, paths, numbers, above, levels, kinds, kind, under)

    def narrowed(self, traffic: Floats, most: int) -> Layout:
        """The layout with so many paths, those with most traffic, of [context]: those above are among them first."""
        if len(self.paths) <= most:
            return self
        busy = self.summed(traffic[:, None])[:, 0]
        order = sorted(range(len(busy)), key=lambda number: (-busy[number], len(self.paths[number])))
        return self._with(self.contexts, [self.paths[number] for number in sorted(order[:most])])

    def pairs(self) -> Pairs:
        """All pairs of paths that have contexts in common."""
        context, first, second = np.nonzero((self.above[:, :, None] >= 0) & (self.above[:, None, :] >= 0))
        both = self.above[context, first] * len(self.paths) + self.above[context, second]
        pairs, pair = np.unique(both, return_inverse=True)
        first, second = np.divmod(pairs, max(len(self.paths), 1))
        return Pairs(first, second, _ones(pair, context, (len(pairs), len(self.contexts))))

    def known(self, context: Context) -> list[int]:
        """The numbers of the paths above a context, whether it is one of the table or not."""
        return [self.numbers[path] for path in context.above if path in self.numbers]

    def inside(self, context: Context) -> list[Context]:
        """The contexts of the table that a new one is part of, where no path stands for them."""
        places = [self.places.get(encode(path)) for path in context.above if path not in self.numbers]
        return [self.contexts[place] for place in places if place is not None]

    def summed(self, by_context: Floats) -> Floats:
        """The sums of [context, option] below each path, [path, option]."""
        return np.asarray(self.below @ by_context)


def _shared(contexts: Sequence[Context]) -> list[Path]:
    """Paths that some contexts share and others do not, and the one above all; shorter ones first."""
    below: dict[Path, set[int]] = defaultdict(set)
    for place, context in enumerate(contexts):
        for path in context.above:
            below[path].add(place)
    # A path with the same contexts as one above it says nothing of its own: such as the name of a dimension that
    # all visitors have.
    said: dict[frozenset[int], Path] = {}
    for path in sorted(below, key=len):
        said.setdefault(frozenset(below[path]), path)
    # What is below one path alone is told by its own sums.
    alone = {frozenset({place}): context.whole for place, context in enumerate(contexts)}
    found = [path for inside, path in said.items() if alone.get(inside) != path]
    return sorted(found, key=lambda path: (len(path), path))


def _ones(row: Ints, column: Ints, shape: tuple[int, int]) -> csr_array[np.float64, tuple[int, int]]:
    return csr_array((np.ones(len(row)), (row, column)), shape)
