"""A slow, obvious whale: every event under every name, in a dict.  What the real one answers is held against it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from fractions import Fraction

Path = tuple[str, ...]


class DictWhale:
    """Counts in a dict from (pk, node, metric) to the amounts and their moments."""

    def __init__(self) -> None:
        self.counted: defaultdict[tuple[Path, Path, str], list[tuple[int, Fraction]]] = defaultdict(list)
        self.ids: set[str] = set()

    def count(
        self, pk: Path, nodes: Sequence[Path], metrics: Mapping[str, Fraction], at: int, id: str | None = None
    ) -> bool:
        if id is not None:
            if id in self.ids:
                return False
            self.ids.add(id)
        for end in range(1, len(pk) + 1):
            for node in nodes:
                for metric, amount in {'hits': Fraction(1), **metrics}.items():
                    self.counted[pk[:end], node, metric].append((at, amount))
        return True

    def total(self, pk: Path, node: Path, metric: str, start: int, end: int) -> Fraction:
        return sum((amount for at, amount in self.counted[pk, node, metric] if start <= at < end), Fraction(0))

    def children(self, pk: Path, node: Path) -> set[str]:
        """Every name ever counted directly below a node."""
        return {path[-1] for known, path, _ in list(self.counted) if known == pk and path[:-1] == node and path}

    def reset(self, pk: Path, node: Path) -> None:
        for place in list(self.counted):
            known, path, _ = place
            below = known[: len(pk)] == pk if not node else known == pk and path[: len(node)] == node
            if below:
                del self.counted[place]


def as_number(amount: Fraction) -> int | float:
    """The amount as answers have it."""
    return int(amount) if amount.denominator == 1 else float(amount)
