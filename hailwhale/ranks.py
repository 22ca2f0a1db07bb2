"""Ranking: which nodes matter, by how much, and which only repeat what one of their children says.

For a metric, a node matters by its amount.  For a ratio ``a/b`` it matters by how far it moves the ratio of all: the
ratio as it is, less what it would be without the node.  A high ratio of three events moves nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from hailwhale.paths import Path

Number = int | float


@dataclass(frozen=True, slots=True)
class Value:
    """What one node counted over the whole period."""

    value: Number  #: of the metric, or of the ratio
    weight: Number  #: what shares are measured in: the metric itself, or the denominator of the ratio
    top: Number  #: the numerator; for a metric the metric itself
    count: Number  #: how many events


@dataclass(frozen=True, slots=True)
class Row:
    """One ranked node.

    ``score``       what rows are ordered by: the value, and for a ratio the size of the effect
    ``value``       of the metric or ratio
    ``count``       events (``hits``)
    ``difference``  to the node above it: of a ratio to its ratio, of a metric to the mean of its children
    ``effect``      how much smaller the overall value would be without this node
    ``important``   whether it has the share of the node above it that makes a child important
    """

    dimension: list[str] | str
    score: Number
    value: Number
    count: Number
    difference: Number
    effect: Number
    important: bool

    def to_dict(self) -> dict[str, object]:
        """The row as JSON has it."""
        return {name: getattr(self, name) for name in self.__slots__}


def rank(values: Mapping[Path, Value], root: Path, *, ratio: bool, important: float) -> list[Row]:
    """Rows for ``root`` and everything below it, best first.

    A parent whose share would not be important without its largest child is left out: the child says it already.
    """
    children: defaultdict[Path, list[Path]] = defaultdict(list)
    for path in values:
        if path != root:
            children[path[:-1]].append(path)
    overall = values[root]
    rows = []
    for path, value in values.items():
        if path == root:
            rows.append(
                Row('_' if not path else list(path), value.value, value.value, value.count, 0, value.value, True)
            )
            continue
        parent = values[path[:-1]]
        share = _share(value, parent) >= important
        if share and _repeats(value, [values[child] for child in children[path]], parent, important):
            continue
        siblings = [values[sibling].value for sibling in children[path[:-1]]]
        expected = parent.value if ratio else _divide(sum(siblings), len(siblings))
        effect = _effect(value, overall) if ratio else value.value
        score = abs(effect) if ratio else value.value
        rows.append(Row(list(path), score, value.value, value.count, value.value - expected, effect, share))
    first, rest = rows[0], rows[1:]
    return [first, *sorted(rest, key=lambda row: (-row.score, row.dimension))]


def _share(value: Value, parent: Value) -> float:
    return abs(_divide(value.weight, parent.weight))


def _repeats(value: Value, children: Iterable[Value], parent: Value, important: float) -> bool:
    """Whether a node is important through one child alone, and that child is important too."""
    largest = max(children, key=lambda child: abs(child.weight), default=None)
    if largest is None or _share(largest, value) < important:
        return False
    return abs(_divide(value.weight - largest.weight, parent.weight)) < important


def _effect(value: Value, overall: Value) -> Number:
    """The ratio of all, less the ratio of all others."""
    return overall.value - _divide(overall.top - value.top, overall.weight - value.weight)


def _divide(a: Number, b: Number) -> Number:
    if not b:
        return 0
    return a / b if a % b else a // b
