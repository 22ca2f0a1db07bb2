"""Reading what was counted of a decision: all of it for a model, and today's sums of one context for a visitor."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import compress
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hailwhale.decisions.attribution import Unattributed, together, unattributed, without
from hailwhale.decisions.contexts import Context
from hailwhale.decisions.counting import CONTEXT, option_pk
from hailwhale.decisions.policies.arrays import Floats
from hailwhale.decisions.policies.tables import ALL_FIELDS, Fields, Moments, Sums, Table
from hailwhale.errors import InvalidFormula, Unanswerable
from hailwhale.formulas import Formula
from hailwhale.intervals import DAY
from hailwhale.kept import Kept, Plan
from hailwhale.metrics import DEFAULT_METRIC, MICROS_PER_UNIT
from hailwhale.paths import Path, escape
from hailwhale.periods import Period
from hailwhale.products import product_of, square_of, times_of
from hailwhale.storage import (
    Chunk,
    Columns,
    GroupRead,
    PreparedSeries,
    SeriesRead,
    Storage,
    chunks,
    group,
    series,
    shard_of,
)

_HOUR = 3_600
#: Hours are read as far back as this, and days before that; the first ones that are kept.
_FINE, _COARSE = ('1h:7d', '1h:2d'), ('1d:90d', '1d:30d', '1d:7d')
_TODAY = ('1d:1d', 'today')
_ALWAYS = _NEVER = 2**62
#: What is read at once, and the time within it that counts.
_Part = tuple[Plan, int, int]


@dataclass(frozen=True, slots=True)
class Asked:
    """A decision as it is read: its options, what is earned, and what that is divided by."""

    pk: Path
    options: tuple[str, ...]
    reward: str
    exposure: str
    period: Period | None = None  #: what is read; None: all that is kept

    @property
    def by_hits(self) -> bool:
        """Whether exposures are hits."""
        return self.exposure == DEFAULT_METRIC

    @property
    def metrics(self) -> tuple[str, ...]:
        """The metrics of a context: the fields of `Sums`."""
        return (self.exposure, self.reward, times_of(self.reward))

    @property
    def squares(self) -> tuple[str, ...]:
        """The metrics beside them that tell the scatter."""
        own = (square_of(self.reward),)
        if self.by_hits:
            return own
        return (*own, square_of(self.exposure), product_of(self.reward, self.exposure), times_of(self.exposure))

    def where(self, context: Context, option: str) -> tuple[Path, Path]:
        """The pk and the node where an option is counted in a context."""
        return option_pk(self.pk, option), (CONTEXT, context.text) if context.text else ()


@dataclass(frozen=True, slots=True)
class Taken:
    """A table, and what of it was counted today."""

    table: Table
    day: int  #: when today began, in epoch seconds
    today: dict[tuple[str, str], Sums]  #: by context and option
    #: Options that earned something and were never shown.  What one earned before it was first shown is in no table.
    unshown: Sequence[str] = ()
    #: Where most was earned in contexts in which hardly anything was shown; in the table these are left out, or joined.
    unattributed: Unattributed | None = None

    @property
    def joined(self) -> bool:
        """Whether all contexts are one in the table: next to nothing says of whom it was earned."""
        return self.unattributed is not None and self.unattributed.joined

    @property
    def aside(self) -> frozenset[str]:
        """The contexts of which nothing is told, whatever is counted there."""
        return self.unattributed.contexts if self.unattributed and not self.joined else frozenset()


def formula_of(text: object) -> tuple[str, str]:
    """The two sides of a formula that options are compared by: a metric, or one over another.  One alone is by hit."""
    if not isinstance(text, str):
        raise InvalidFormula(f'not a formula: {text!r:.80} (such as earned/hits)', field='formula')
    try:
        reward, *others = metrics = Formula.parse(text).metrics or (DEFAULT_METRIC,)
    except InvalidFormula as error:
        error.field = 'formula'
        raise
    exposure = others[0] if others else DEFAULT_METRIC
    if ':' in text or len(metrics) != 1 + ('/' in text) or reward == exposure:
        raise InvalidFormula(
            f'decisions compare a metric, or one over another: {text!r:.80} (such as earned/hits)', field='formula'
        )
    return reward, exposure


def fetch_table(storage: Storage, kept: Kept, asked: Asked, now: int) -> Callable[[], Taken]:
    """All that was counted, in two round trips: what tells it, in whatever thread, for nothing is asked then.

    Of a thousand contexts it takes a quarter of a second to tell.
    """
    plans = _plans(kept, asked.period, now)
    metrics = (*asked.metrics, *asked.squares)
    each = [(option, plan) for plan, *_ in plans for option in range(len(asked.options))]
    pks = [option_pk(asked.pk, option) for option in asked.options]
    wholes = storage.read_series([SeriesRead(series(pks[option], ()), plan.chunks, metrics) for option, plan in each])
    fetched = storage.fetch_groups(
        [
            GroupRead(shard_of(asked.pk), group(pks[option], (CONTEXT,)), plan.chunks, asked.metrics)
            for option, plan in each
        ]
    )
    return lambda: _told(asked, plans, wholes, fetched, now)


def _told(
    asked: Asked,
    plans: Sequence[_Part],
    wholes: Sequence[Columns],
    fetched: Sequence[Callable[[], Mapping[str, Columns]]],
    now: int,
) -> Taken:
    """A table of what was read: of each option in each part of the time, as a whole and by context."""
    sums: list[Counter[str]] = [Counter() for _ in asked.options]
    places: dict[str, int] = {}
    cells = []
    answers = zip(wholes, fetched, strict=True)
    first = _first_shown(asked, plans, wholes)
    unshown: set[str] = set()
    for plan, since, until in plans:
        inside = [since <= start < until for start in plan.starts]
        starts = np.array(plan.starts)[inside]
        for option in range(len(asked.options)):
            whole, tell = next(answers)
            children = tell()
            told = [is_in and start >= first[option] for is_in, start in zip(inside, plan.starts, strict=True)]
            for metric, column in whole.items():
                sums[option][metric] += sum(compress(column, told))
            if first[option] == _NEVER and any(compress(whole[asked.reward], inside)):
                unshown.add(asked.options[option])
            numbers = [places.setdefault(text, len(places)) for text in ('', *children)]
            columns = [_apart(whole, children, metric)[:, inside] for metric in asked.metrics]
            row, start = np.nonzero(np.any([column != 0 for column in columns], axis=0))
            amounts = [column[row, start] / MICROS_PER_UNIT for column in columns]
            cells.append([np.array(numbers)[row], np.full(len(row), option), starts[start], *amounts])
    return _taken(asked, list(places), np.hstack(cells).astype(float), first, sums, sorted(unshown), now)


def _first_shown(asked: Asked, plans: Sequence[_Part], wholes: Sequence[Columns]) -> list[int]:
    """When each option was first shown: nothing tells what it is worth that it earned before.

    ``_NEVER`` for those that never were; the beginning where exposures are no hits: what costs nothing may earn.
    """
    if not asked.by_hits:
        return [0] * len(asked.options)
    found = [_NEVER] * len(asked.options)
    columns = iter(wholes)
    for plan, since, until in plans:
        for option in range(len(asked.options)):
            shown = next(columns)[asked.exposure]
            starts = (start for start, n in zip(plan.starts, shown, strict=True) if n > 0 and since <= start < until)
            found[option] = min(found[option], next(starts, _NEVER))
    return found


def _apart(whole: Columns, children: Mapping[str, Columns], metric: str) -> NDArray[Any]:
    """One metric, [context, bucket]: first of those without dimensions, whom the whole has and no child."""
    rows = [whole[metric], *(columns[metric] for columns in children.values())]
    try:
        found: NDArray[Any] = np.array(rows, np.int64)
    except OverflowError:
        found = np.array(rows, object)
    found[0] -= found[1:].sum(axis=0)
    return found


def _taken(
    asked: Asked,
    texts: Sequence[str],
    cells: Floats,
    first: Sequence[int],
    sums: Sequence[Mapping[str, int]],
    unshown: Sequence[str],
    now: int,
) -> Taken:
    """A table of cells, and what of them is of today; ``sums`` are those of each option, in millionths."""
    used, cells[0] = np.unique(cells[0], return_inverse=True)
    contexts = [Context.read(texts[place]) for place in used.astype(int).tolist()]
    day = now - now % DAY
    today = cells[2] >= day
    told = cells[2] >= np.array(first)[cells[1].astype(int)]
    cells[2] = (now - cells[2]) / _HOUR
    exposure, reward = (_all(sums, metric) for metric in (asked.exposure, asked.reward))
    table = Table(contexts, asked.options, cells.T[told], Moments(exposure, reward, *_scatter(asked, sums)))
    lately = replace(table, cells=cells.T[today])
    # Of a period, what was shown before it may earn.
    mixed = unattributed(table) if asked.by_hits and asked.period is None else None
    if mixed and mixed.joined:
        table, lately = together(table), together(lately)
    elif mixed:
        table = without(table, mixed.contexts)
    return Taken(table, day, lately.sums(), unshown, mixed)


def _scatter(asked: Asked, sums: Sequence[Mapping[str, int]]) -> tuple[float | None, float | None, float | None]:
    """Sums of squares and products; None where they were not counted, or are those of ones."""
    squares = _squares(asked.reward, sums) or None
    if asked.by_hits:
        return squares, None, None
    return squares, _squares(asked.exposure, sums) or None, _all(sums, product_of(asked.reward, asked.exposure))


def _squares(metric: str, sums: Sequence[Mapping[str, int]]) -> float:
    """The sum of squares of a metric.

    Squares of less than half a millionth were rounded away.  But those of some amounts sum to no less than the square
    of their sum over how many there are.
    """
    found = _all(sums, square_of(metric))
    least = sum(one[metric] ** 2 / times for one in sums if (times := one[times_of(metric)]) > 0) / MICROS_PER_UNIT
    # Where amounts are alike these are the same, but for what floats cannot hold.
    return least if least > found * (1 + 1e-9) else found


def _all(sums: Sequence[Mapping[str, int]], metric: str) -> float:
    return sum(one[metric] for one in sums) / MICROS_PER_UNIT


def _plans(kept: Kept, period: Period | None, now: int) -> list[_Part]:
    """What is read, from when and until when: hours of the last days, and days before, as far as they are kept."""
    if period is not None:
        return [(kept.plan(period, now), 0, _ALWAYS)]
    fine, coarse = _first(kept, _FINE, now), _first(kept, _COARSE, now)
    if fine is None or coarse is None:
        found = fine or coarse
        if found is None:
            raise Unanswerable('decisions read hours or days, and neither is kept (see HAILWHALE_KEEP: 1h:7d, 1d:1y)')
        return [(found, 0, _ALWAYS)]
    # The first hours belong to a day of which the others are not read: that day is read whole.
    first = -(-fine.starts[0] // DAY) * DAY
    return [(coarse, 0, first), (fine, first, _ALWAYS)]


def _first(kept: Kept, periods: Sequence[str], now: int) -> Plan | None:
    for text in periods:
        try:
            return kept.plan(Period.parse(text), now)
        except Unanswerable:
            continue
    return None


class Today:
    """Reads what was counted of a decision since midnight (UTC)."""

    def __init__(self, asked: Asked) -> None:
        self._asked = asked
        #: When it was read last, and where the buckets lay then.
        self._last: tuple[int, Kept, tuple[Chunk, ...]] | None = None
        #: The questions for some fields in some buckets of any context.
        self._questions: dict[tuple[Fields, bool], tuple[Storage, tuple[Chunk, ...], PreparedSeries]] = {}

    def read(
        self, storage: Storage, kept: Kept, contexts: Sequence[Context], now: int, fields: Fields = ALL_FIELDS
    ) -> list[dict[str, list[float]]]:
        """By option what was counted in each context, some ``fields`` of `Sums`, in one round trip.

        Of a period only what lies in it; {} where nothing of today does, or is kept.
        """
        where = self._where(kept, now)
        if not where or not contexts:
            return [{} for _ in contexts]
        options = self._asked.options
        if len(contexts) == 1:
            (context,) = contexts
            children = [context.code] * len(options) if context.text else list(map(escape, options))
            found = self._prepared(storage, where, fields, context)(children)
            return [{option: _units(amounts) for option, amounts in zip(options, found, strict=True)}]
        metrics = self._metrics(fields)
        places = [self._asked.where(context, option) for context in contexts for option in options]
        read = storage.read_series([SeriesRead(series(*place), where, metrics) for place in places])
        sums = iter([_units([sum(columns[metric]) for metric in metrics]) for columns in read])
        return [{option: next(sums) for option in options} for _ in contexts]

    def _where(self, kept: Kept, now: int) -> tuple[Chunk, ...]:
        """Where today's buckets lie: the same within a second."""
        last = self._last
        if last is None or last[0] != now or last[1] is not kept:
            self._last = last = now, kept, _today(kept, self._asked.period, now)
        return last[2]

    def _metrics(self, fields: Fields) -> tuple[str, ...]:
        return tuple([self._asked.metrics[field] for field in fields])

    def _prepared(self, storage: Storage, where: tuple[Chunk, ...], fields: Fields, context: Context) -> PreparedSeries:
        """The question for any context that has a name, or for each option as a whole."""
        named, asked = bool(context.text), self._asked
        known = self._questions.get((fields, named))
        # A whale that was closed and is used again has another store.
        if known is None or known[0] is not storage or known[1] != where:
            groups = [series(*asked.where(context, option)).group for option in asked.options]
            question = storage.prepare_series(shard_of(asked.pk), groups, where, self._metrics(fields))
            known = storage, where, question
            # Others may read at the same time.
            still = {of: one for of, one in list(self._questions.items()) if one[0] is storage and one[1] == where}
            self._questions = {**still, (fields, named): known}
        return known[2]


def _units(amounts: Sequence[int]) -> list[float]:
    return [amount / MICROS_PER_UNIT for amount in amounts]


def _today(kept: Kept, period: Period | None, now: int) -> tuple[Chunk, ...]:
    """Where today's buckets lie."""
    if period is None:
        plan = _first(kept, _TODAY, now)
        return plan.chunks if plan else ()
    plan = kept.plan(period, now)
    day = now - now % DAY
    return chunks(plan.source.at(start) for start in plan.starts if start >= day)
