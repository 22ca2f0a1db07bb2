"""Reading what was counted of a decision: all of it for a model, and today's sums of one context for a visitor."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from hailwhale.decisions.counting import CONTEXT, option_pk
from hailwhale.decisions.policies.contexts import Context
from hailwhale.decisions.policies.models import Sums
from hailwhale.decisions.policies.tables import Cell, Moments, Table
from hailwhale.errors import InvalidFormula, Unanswerable
from hailwhale.formulas import Formula
from hailwhale.intervals import DAY
from hailwhale.kept import Kept, Plan
from hailwhale.metrics import DEFAULT_METRIC, MICROS_PER_UNIT
from hailwhale.paths import Path
from hailwhale.periods import Period
from hailwhale.products import product_of, square_of
from hailwhale.storage import GroupRead, SeriesRead, Storage, group, series, shard_of

_HOUR = 3_600
#: Hours are read as far back as this, and days before that; the first ones that are kept.
_FINE, _COARSE = ('1h:7d', '1h:2d'), ('1d:90d', '1d:30d', '1d:7d')
_TODAY = ('1d:1d', 'today')
_ALWAYS = 2**62


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
        """The metrics of a context."""
        return tuple(dict.fromkeys((self.exposure, self.reward)))

    @property
    def squares(self) -> tuple[str, ...]:
        """The metrics beside them that tell the scatter."""
        own = (square_of(self.reward),)
        return own if self.by_hits else (*own, square_of(self.exposure), product_of(self.reward, self.exposure))

    def where(self, context: Context, option: str) -> tuple[Path, Path]:
        """The pk and the node where an option is counted in a context."""
        return option_pk(self.pk, option), (CONTEXT, context.text) if context.text else ()


@dataclass(frozen=True, slots=True)
class Taken:
    """A table, and what of it was counted today."""

    table: Table
    day: int  #: when today began, in epoch seconds
    today: dict[tuple[str, str], Sums]  #: by context and option


def formula_of(text: object) -> tuple[str, str]:
    """The two sides of a formula that options are compared by: a metric, or one over another.  One alone is by hit."""
    if not isinstance(text, str):
        raise InvalidFormula(f'not a formula: {text!r:.80} (such as earned/hits)', field='formula')
    formula = Formula.parse(text)
    if (
        any(character in text for character in ':')
        or len(formula.metrics) == 0
        or len(formula.metrics) != 1 + ('/' in text)
    ):
        raise InvalidFormula(
            f'decisions compare a metric, or one over another: {text!r:.80} (such as earned/hits)', field='formula'
        )
    return formula.metrics[0], (formula.metrics[1] if len(formula.metrics) > 1 else DEFAULT_METRIC)


def read_table(storage: Storage, kept: Kept, asked: Asked, now: int) -> Taken:
    """All that was counted, in one round trip for each option and one for all of them."""
    plans = _plans(kept, asked.period, now)
    today = now - now % DAY
    metrics = (*asked.metrics, *asked.squares)
    wholes = storage.read_series(
        [
            SeriesRead(series(option_pk(asked.pk, option), ()), plan.chunks, metrics)
            for option in asked.options
            for plan, *_ in plans
        ]
    )
    groups = storage.read_groups(
        [
            GroupRead(shard_of(asked.pk), group(option_pk(asked.pk, option), (CONTEXT,)), plan.chunks, asked.metrics)
            for option in asked.options
            for plan, *_ in plans
        ]
    )
    rows: list[tuple[str, int, int, float, float]] = []  # context, option, start, exposure, reward
    sums: defaultdict[str, int] = defaultdict(int)
    each = zip(wholes, groups, strict=True)
    for place in range(len(asked.options)):
        for plan, since, until in plans:
            whole, children = next(each)
            kept_here = [since <= start < until for start in plan.starts]
            for metric in metrics:
                sums[metric] += sum(amount for amount, inside in zip(whole[metric], kept_here, strict=True) if inside)
            rest = [list(whole[asked.exposure]), list(whole[asked.reward])]
            for text, columns in children.items():
                for side, metric in enumerate((asked.exposure, asked.reward)):
                    rest[side] = [all - own for all, own in zip(rest[side], columns[metric], strict=True)]
                rows += _rows(text, place, plan, since, until, columns[asked.exposure], columns[asked.reward])
            rows += _rows('', place, plan, since, until, *rest)
    return _taken(asked, rows, sums, now, today)


def _rows(
    text: str, place: int, plan: Plan, since: int, until: int, exposure: Sequence[int], reward: Sequence[int]
) -> Iterator[tuple[str, int, int, float, float]]:
    for start, shown, earned in zip(plan.starts, exposure, reward, strict=True):
        if since <= start < until and (shown or earned):
            yield text, place, start, shown / MICROS_PER_UNIT, earned / MICROS_PER_UNIT


def _taken(
    asked: Asked, rows: Sequence[tuple[str, int, int, float, float]], sums: defaultdict[str, int], now: int, today: int
) -> Taken:
    texts = {text: place for place, text in enumerate(dict.fromkeys(row[0] for row in rows))}
    cells, of_today = [], dict[tuple[str, str], Sums]()
    for text, place, start, exposure, reward in rows:
        cells.append(Cell(texts[text], place, (now - start) / _HOUR, exposure, reward))
        if start >= today:
            key = text, asked.options[place]
            before = of_today.get(key, (0.0, 0.0))
            of_today[key] = before[0] + exposure, before[1] + reward
    contexts = [Context.read(text) for text in texts]
    exposure, reward = (sums[metric] / MICROS_PER_UNIT for metric in (asked.exposure, asked.reward))
    squares, exposures, products = _scatter(asked, sums)
    moments = Moments(exposure, reward, squares, exposures, products)
    return Taken(Table(contexts, asked.options, cells, moments), today, of_today)


def _scatter(asked: Asked, sums: defaultdict[str, int]) -> tuple[float | None, float | None, float | None]:
    """Sums of squares and products; None where they were not counted, or are those of ones."""
    found = [sums[metric] / MICROS_PER_UNIT for metric in asked.squares]
    squares = found[0] or None
    if asked.by_hits:
        return squares, None, None
    return squares, found[1] or None, found[2]


def _plans(kept: Kept, period: Period | None, now: int) -> list[tuple[Plan, int, int]]:
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


def read_today(storage: Storage, kept: Kept, asked: Asked, context: Context, now: int) -> dict[str, Sums]:
    """What was counted of each option in a context since midnight (UTC), in one round trip; {} where not kept."""
    plan = _first(kept, _TODAY, now)
    if plan is None:
        return {}
    reads = []
    for option in asked.options:
        pk, node = asked.where(context, option)
        reads.append(SeriesRead(series(pk, node), plan.chunks, asked.metrics))
    return {
        option: tuple(sum(columns[metric]) / MICROS_PER_UNIT for metric in (asked.exposure, asked.reward))  # type: ignore[misc]
        for option, columns in zip(asked.options, storage.read_series(reads), strict=True)
    }
