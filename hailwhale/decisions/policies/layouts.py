"""Layouts: which paths lie above which contexts, as arrays."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hailwhale.decisions.contexts import Context, level
from hailwhale.decisions.policies.arrays import Floats, Ints
from hailwhale.paths import Path

Level = tuple[str, int]
ROOT: Level = ('', 0)


@dataclass(frozen=True, slots=True)
class Layout:
    """The contexts of a table, and the paths that they share."""

    contexts: Sequence[Context]
    places: dict[str, int]  #: of each context, by its text
    paths: Sequence[Path]  #: those that some contexts share and others do not, and the one above all
    numbers: dict[Path, int]  #: of each of these paths
    above: Ints  #: [context, n]: numbers of the paths above it; -1: no more
    levels: Sequence[Level]  #: of each path

    @classmethod
    def of(cls, contexts: Sequence[Context]) -> Layout:
        """The layout of some contexts."""
        below: dict[Path, set[int]] = defaultdict(set)
        for place, context in enumerate(contexts):
            for path in context.above:
                below[path].add(place)
        # A path with the same contexts as one above it says nothing of its own: such as the name of a dimension that
        # all visitors have.
        said: dict[frozenset[int], Path] = {}
        for path in sorted(below, key=len):
            said.setdefault(frozenset(below[path]), path)
        paths = sorted(said.values(), key=lambda path: (len(path), path))
        numbers = {path: number for number, path in enumerate(paths)}
        rows = [[numbers[path] for path in context.above if path in numbers] for context in contexts]
        above = np.full((len(contexts), max(map(len, rows), default=0)), -1)
        for place, row in enumerate(rows):
            above[place, : len(row)] = row
        several = any(len(context.paths) > 1 for context in contexts)
        levels = [level(path, several) for path in paths]
        return cls(contexts, {one.text: place for place, one in enumerate(contexts)}, paths, numbers, above, levels)

    def known(self, context: Context) -> list[int]:
        """The numbers of the paths above a context, whether it is one of the table or not.

        Above who is known nothing of is what is above all.
        """
        return [self.numbers[path] for path in context.above or ((),) if path in self.numbers]

    def summed(self, by_context: Floats) -> Floats:
        """The sums of [context, option] below each path, [path, option]."""
        found = np.zeros((len(self.paths), by_context.shape[1]))
        for column in self.above.T:
            inside = column >= 0
            np.add.at(found, column[inside], by_context[inside])
        return found
