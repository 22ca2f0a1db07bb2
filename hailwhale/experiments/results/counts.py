"""What was counted of each variant, overall and by segment: two pipelines at the most."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hailwhale.errors import InvalidInput, LimitExceeded
from hailwhale.metrics import MICROS_PER_UNIT
from hailwhale.paths import Path
from hailwhale.periods import Period
from hailwhale.storage import GroupRead, SeriesRead, group, pk_group, series, shard_of
from hailwhale.storage.keys import OTHER
from hailwhale.times import zone

if TYPE_CHECKING:
    from hailwhale.kept import Plan
    from hailwhale.whale import Whale

#: Where decisions count, beside the visitor's dimensions: whose options were chosen by chance alone; and all
#: dimensions together.
HOLDOUT, CONTEXT = '__holdout__', '__context__'
#: More variants are no split test.
MOST_VARIANTS = 50

#: By metric, the sum over the period.
Sums = Mapping[str, float]
#: By variant.
Table = Mapping[str, Sums]


@dataclass(frozen=True, slots=True)
class Split:
    """Where the variants lie: the pks below ``pk``, or with ``node`` the children of that dimension node of it."""

    pk: Path
    node: Path | None = None

    def place(self, variant: str, within: Path) -> tuple[Path, Path]:
        """The pk and the dimension node of a variant, or of a segment within it."""
        if self.node is None:
            return (*self.pk, variant), within
        return self.pk, (*self.node, variant, *within)

    @property
    def all(self) -> tuple[int, str]:
        """The group of all variants."""
        return shard_of(self.pk), pk_group(self.pk) if self.node is None else group(self.pk, self.node)


def plan_of(whale: Whale, period: object, tz: object) -> Plan:
    """How the buckets of a period are read.  Raises `Unanswerable` as all questions do."""
    zone_name = 'UTC' if tz is None else zone(tz)
    return whale.kept.plan(Period.parse(period, zone_name, whale.settings.week_start), int(whale.clock()))


class Counts:
    """Reads one split over one period.

    ``overall`` are the sums of each variant: of those named in ``variants``, whether they were counted or not, else
    of all that were counted, and of those in ``also``.
    """

    def __init__(
        self,
        whale: Whale,
        split: Split,
        plan: Plan,
        metrics: Iterable[str],
        variants: Sequence[str] | None,
        also: Iterable[str] = (),
    ) -> None:
        self._storage = whale.storage
        self._split = split
        self._plan = plan
        self._metrics = tuple(dict.fromkeys(metrics))
        found = self._all()
        self.names = tuple(variants or sorted({*found, *also}))
        if len(self.names) > MOST_VARIANTS:
            message = f'{len(self.names)} variants, more than {MOST_VARIANTS} (name those to compare)'
            raise LimitExceeded(message, field='variants')
        self.overall: Table = {name: self._sums(found.get(name)) for name in self.names}

    def _all(self) -> dict[str, Mapping[str, Sequence[int]]]:
        shard, name = self._split.all
        read = GroupRead(shard, name, self._plan.chunks, self._metrics, summed=True)
        (found,) = self._storage.read_groups([read])
        return {name: columns for name, columns in found.items() if name != OTHER}

    def _sums(self, columns: Mapping[str, Sequence[int]] | None) -> Sums:
        return {metric: sum(columns[metric]) / MICROS_PER_UNIT if columns else 0.0 for metric in self._metrics}

    def within(self, *nodes: Path) -> list[Table]:
        """The sums of each variant within dimension nodes: a table for each of them."""
        places = [self._split.place(name, node) for node in nodes for name in self.names]
        reads = [SeriesRead(series(pk, inner), self._plan.chunks, self._metrics) for pk, inner in places]
        found = iter(self._storage.read_series(reads))
        return [{name: self._sums(next(found)) for name in self.names} for _ in nodes]

    def by(self, node: Path) -> dict[str, Table]:
        """The same for each child of a dimension node, by the child's name."""
        places = [self._split.place(name, node) for name in self.names]
        reads = [
            GroupRead(shard_of(pk), group(pk, inner), self._plan.chunks, self._metrics, summed=True)
            for pk, inner in places
        ]
        found = dict(zip(self.names, self._storage.read_groups(reads), strict=True))
        children = {child for of_variant in found.values() for child in of_variant}
        children -= {OTHER} if node else {OTHER, HOLDOUT, CONTEXT}
        return {
            child: {name: self._sums(of_variant.get(child)) for name, of_variant in found.items()} for child in children
        }


def variant_names(given: object, field: str = 'variants') -> tuple[str, ...] | None:
    """The names of variants, as they are given; None for all."""
    if given is None:
        return None
    names = [given] if isinstance(given, str) else given
    if not isinstance(names, Sequence) or not names or not all(isinstance(name, str | int) for name in names):
        raise InvalidInput(f'not variants: {given!r:.80} (a list of names)', field=field)
    return tuple(dict.fromkeys(map(str, names)))
