"""From a question to columns: which series, which buckets, one round trip, sums folded to the buckets asked for."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from hailwhale.errors import LimitExceeded
from hailwhale.kept import Kept, Plan
from hailwhale.metrics import Micros
from hailwhale.paths import Path, encode
from hailwhale.storage import GroupRead, SeriesRead, Storage, chunks, group, pk_group, series, shard_of

#: A question about all levels stops here instead of filling the memory.
MAX_SERIES = 100_000
#: Amounts in one answer: more would hold up the engine, and all its other clients, for seconds.
MAX_AMOUNTS = 4_000_000
#: Those of a tree lie together, and cost the engine next to nothing; but they have to fit into the memory.
MAX_AMOUNTS_OF_TREE = 20_000_000

#: By metric, one amount for each bucket of a plan.
Folded = Mapping[str, Sequence[Micros]]


class Reader:
    """Reads the counters of one store."""

    def __init__(self, storage: Storage, kept: Kept) -> None:
        self._storage = storage
        self._kept = kept

    def series(
        self, pk: Path, nodes: Sequence[Path], plans: Sequence[Plan], metrics: tuple[str, ...]
    ) -> list[dict[Path, Folded]]:
        """For each plan, by node, the columns of the metrics; one round trip for all."""
        _check_size(len(nodes) * len(metrics) * sum(len(plan.starts) for plan in plans), MAX_AMOUNTS)
        if len(plans) == 1:
            plan = plans[0]
            reads = [SeriesRead(series(pk, node), plan.chunks, metrics) for node in nodes]
            answers = self._storage.read_series(reads)
            return [{node: plan.fold(columns) for node, columns in zip(nodes, answers, strict=True)}]
        return self._several(pk, nodes, plans, metrics)

    def _several(
        self, pk: Path, nodes: Sequence[Path], plans: Sequence[Plan], metrics: tuple[str, ...]
    ) -> list[dict[Path, Folded]]:
        """Plans with one source overlap (a week lies in a year): what they share is read once."""
        needed: defaultdict[str, set[int]] = defaultdict(set)
        for plan in plans:
            needed[plan.source.name].update(plan.starts)
        sources = {plan.source.name: plan.source for plan in plans}
        places = [(name, sorted(starts)) for name, starts in needed.items()]
        reads = [
            SeriesRead(series(pk, node), chunks(map(sources[name].at, starts)), metrics)
            for node in nodes
            for name, starts in places
        ]
        answers = iter(self._storage.read_series(reads))
        found: list[dict[Path, Folded]] = [{} for _ in plans]
        for node in nodes:
            known = {
                name: (dict(zip(starts, range(len(starts)), strict=True)), next(answers)) for name, starts in places
            }
            for plan, by_node in zip(plans, found, strict=True):
                index, columns = known[plan.source.name]
                by_node[node] = plan.fold(
                    {metric: [column[index[start]] for start in plan.starts] for metric, column in columns.items()}
                )
        return found

    def children(
        self, pk: Path, node: Path, plan: Plan, metrics: tuple[str, ...], *, summed: bool = False
    ) -> dict[Path, Folded]:
        """The children of a node that counted something, with their columns; ``summed``: one amount for all buckets."""
        return self._group(node, GroupRead(shard_of(pk), group(pk, node), plan.chunks, metrics, summed), plan)

    def pks(self, pk: Path, plan: Plan, metrics: tuple[str, ...], *, summed: bool = False) -> dict[Path, Folded]:
        """The pks one segment longer than ``pk`` that counted something, as `children` answers them."""
        return self._group(pk, GroupRead(shard_of(pk), pk_group(pk), plan.chunks, metrics, summed), plan)

    def _group(self, parent: Path, read: GroupRead, plan: Plan) -> dict[Path, Folded]:
        (found,) = self._storage.read_groups([read])
        return {(*parent, child): columns if read.summed else plan.fold(columns) for child, columns in found.items()}

    def tree(self, pk: Path, node: Path, plan: Plan, metrics: tuple[str, ...], depth: int) -> dict[Path, Folded]:
        """Everything below a node down to ``depth`` levels, parents before children; a round trip for each level."""
        found: dict[Path, Folded] = {}
        level = [node]
        for _ in range(depth):
            reads = [GroupRead(shard_of(pk), group(pk, parent), plan.chunks, metrics) for parent in level]
            below: dict[Path, Folded] = {}
            for parent, children in zip(level, self._storage.read_groups(reads), strict=True):
                below.update({(*parent, child): plan.fold(columns) for child, columns in children.items()})
            if not below:
                break
            if len(found) + len(below) > MAX_SERIES:
                raise LimitExceeded(
                    f'more than {MAX_SERIES} series below {list(node)} of {list(pk)} (ask for fewer levels)',
                    field='depth',
                )
            found.update(below)
            _check_size(len(found) * len(metrics) * len(plan.spans), MAX_AMOUNTS_OF_TREE)
            level = list(below)
        return found

    # -- names -------------------------------------------------------------------------------------------------------

    def child_names(self, pk: Path, node: Path, now: int) -> list[str]:
        """The children that a node has had within what is kept, in order."""
        return sorted(self._storage.children(shard_of(pk), group(pk, node), self._kept.eras(now)))

    def pk_names(self, pk: Path, now: int) -> list[str]:
        """The next segments of the pks below ``pk``; below ``()``, of all pks."""
        eras = self._kept.eras(now)
        if pk:
            return sorted(self._storage.children(shard_of(pk), pk_group(pk), eras))
        return sorted(self._storage.top_children(pk_group(()), eras))

    def metric_names(self, pk: Path, now: int) -> list[str]:
        """The metrics counted under a pk, in order."""
        return sorted(self._storage.metric_names(shard_of(pk), encode(pk), self._kept.eras(now)))


def _check_size(amounts: int, limit: int) -> None:
    if amounts > limit:
        raise LimitExceeded(
            f'an answer of {amounts:,} amounts, more than {limit:,} (ask for fewer dimensions, metrics or periods, or '
            'for coarser buckets)'
        )
