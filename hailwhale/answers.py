"""From a question to its answer: plans, columns, formulas, shapes."""

from __future__ import annotations

import threading
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

from hailwhale.arguments import natural
from hailwhale.errors import InvalidInput, LimitExceeded
from hailwhale.formulas import Formula
from hailwhale.kept import Kept, Plan
from hailwhale.metrics import DEFAULT_METRIC, number
from hailwhale.paths import Path, path_name
from hailwhale.periods import Period
from hailwhale.points import Shape, Shaper
from hailwhale.ranks import Value
from hailwhale.reader import Folded, Reader
from hailwhale.settings import Settings
from hailwhale.times import zone

T = TypeVar('T')
Number = int | float
#: What ``depth`` may ask for at the most; a path is no longer.
MAX_DEPTH = 16
_CACHED = 1_024


class Question(NamedTuple):
    """What is asked of one pk: nodes, metrics or formulas, and the zone of its days."""

    pk: Path
    nodes: tuple[Path, ...]
    metrics: tuple[str, ...]
    tz: object


class Answers:
    """Answers questions about one store."""

    def __init__(self, reader: Reader, kept: Kept, settings: Settings, clock: Callable[[], float]) -> None:
        self._reader = reader
        self._kept = kept
        self._settings = settings
        self._clock = clock

    def _now(self) -> int:
        return int(self._clock())

    def _period(self, period: object, tz: object) -> Period:
        zone_name = 'UTC' if tz is None else zone(tz)
        return Period.parse(period, zone=zone_name, week_start=self._settings.week_start)

    def totals(self, question: Question, periods: object) -> dict[str, dict[str, dict[str, Number]]]:
        """Sums: by period, dimension and metric."""
        wanted = self._settings.periods if periods is None else _several(periods)
        now = self._now()
        plans = [self._kept.plan(self._period(period, question.tz), now) for period in wanted]
        formulas = [Formula.parse(name) for name in question.metrics]
        found = self._reader.series(question.pk, question.nodes, plans, _needed(formulas))
        return {
            str(plan.period): {
                path_name(node): {formula.text: formula.total(by_node[node], plan.spans) for formula in formulas}
                for node in question.nodes
            }
            for plan, by_node in zip(plans, found, strict=True)
        }

    def plotpoints(
        self,
        question: Question,
        period: object,
        *,
        depth: int,
        sort: str | None,
        limit: int,
        points: Shape,
        descending: bool,
        totals: bool,
    ) -> dict[str, dict[str, Any]]:
        """One value a bucket: by dimension and metric."""
        plan = self._kept.plan(self._period('thirty' if period is None else period, question.tz), self._now())
        formulas = [Formula.parse(name) for name in question.metrics]
        order = _Order(sort, limit, formulas[0])
        needed = _needed([*formulas, order.formula])
        columns = self._columns(question, plan, needed, _checked_depth(depth))
        chosen = order.choose(columns, question.nodes, plan)
        shaper = Shaper(plan.spans, points, plan.period.interval.zone, descending=descending)
        answer: dict[str, dict[str, Any]] = {}
        for node in chosen:
            of_node = answer[path_name(node)] = {}
            for formula in formulas:
                drawn: Any = shaper.shape(formula.points(columns[node], plan.spans))
                if totals:
                    drawn = {'points': drawn, 'total': formula.total(columns[node], plan.spans)}
                of_node[formula.text] = drawn
        return answer

    def _columns(self, question: Question, plan: Plan, metrics: tuple[str, ...], depth: int) -> dict[Path, Folded]:
        (columns,) = self._reader.series(question.pk, question.nodes, [plan], metrics)
        if depth:
            for node in question.nodes:
                columns.update(self._reader.tree(question.pk, node, plan, metrics, depth))
        return columns

    def values(self, pk: Path, node: Path, metric: str, period: object, *, depth: int, tz: object) -> dict[Path, Value]:
        """What a node and everything below it counted over a period, parents before children."""
        plan = self._kept.plan(self._period(period, tz), self._now())
        formula = Formula.parse(metric)
        question = Question(pk, (node,), (metric,), tz)
        columns = self._columns(
            question, plan, _needed([formula, Formula.parse(DEFAULT_METRIC)]), _checked_depth(depth) or MAX_DEPTH
        )
        return {path: _value(formula, folded, plan) for path, folded in columns.items()}

    def top(
        self, pk: Path, node: Path | None, n: int, metric: str, period: object, *, tz: object
    ) -> list[tuple[str, Number]]:
        """The best children of a node, or of the pk: name and value."""
        plan = self._kept.plan(self._period(period, tz), self._now())
        formula = Formula.parse(metric)
        needed = _needed([formula])
        reader = self._reader
        summed = not formula.ordered
        if node is None:
            children = reader.pks(pk, plan, needed, summed=summed)
        else:
            children = reader.children(pk, node, plan, needed, summed=summed)
        values = [(path[-1], formula.total(columns, plan.spans)) for path, columns in children.items()]
        values.sort(key=lambda value: (-value[1], value[0]))
        return values[:n]

    # -- names -------------------------------------------------------------------------------------------------------

    def below(self, pk: Path, node: Path, *, depth: int) -> list[Path]:
        """The dimensions below one that were counted within what is kept; ``depth`` levels, 0 for all."""
        now = self._now()
        found: list[Path] = []
        level = [node]
        for _ in range(depth or MAX_DEPTH):
            level = [(*parent, name) for parent in level for name in self._reader.child_names(pk, parent, now)]
            if not level:
                break
            found += level
        return found

    def pks(self, under: Path) -> list[Path]:
        """The pks one segment longer."""
        return [(*under, name) for name in self._reader.pk_names(under, self._now())]

    def metric_names(self, pk: Path) -> list[str]:
        """The metrics counted under a pk."""
        return self._reader.metric_names(pk, self._now())


class _Order:
    """Which children are answered, and in what order: every parent's best ``limit``, each followed by its own."""

    def __init__(self, sort: str | None, limit: int, default: Formula) -> None:
        if sort is not None and not isinstance(sort, str):
            raise InvalidInput(f'not what to sort by: {sort!r:.80} (a metric; -hits: the largest first)', field='sort')
        self._limit = natural(limit, 'limit', 'not a number of children', '0 for all')
        self._sorts = bool(sort or limit)
        self._sign = -1 if sort is None or sort.startswith('-') else 1
        self.formula = Formula.parse(sort.lstrip('-+')) if sort else default

    def choose(self, columns: Mapping[Path, Folded], roots: Sequence[Path], plan: Plan) -> list[Path]:
        children: defaultdict[Path, list[Path]] = defaultdict(list)
        for path in columns:
            if path:
                children[path[:-1]].append(path)
        chosen: dict[Path, None] = {}
        waiting = list(reversed(roots))
        while waiting:
            path = waiting.pop()
            if path in chosen:
                continue
            chosen[path] = None
            waiting += reversed(self._best(children[path], columns, plan))
        return list(chosen)

    def _best(self, siblings: list[Path], columns: Mapping[Path, Folded], plan: Plan) -> list[Path]:
        if not self._sorts:
            return sorted(siblings)
        totals = {path: self._sign * self.formula.total(columns[path], plan.spans) for path in siblings}
        best = sorted(siblings, key=lambda path: (totals[path], path))
        return best[: self._limit] if self._limit else best


class Cache:
    """Answers of this process, for a stated time."""

    def __init__(self, seconds: float, clock: Callable[[], float]) -> None:
        self._seconds = seconds
        self._clock = clock
        self._lock = threading.Lock()
        self._known: OrderedDict[str, tuple[float, object]] = OrderedDict()

    def get(
        self, name: str, args: tuple[object, ...], kwargs: Mapping[str, object], ask: Callable[[], T], *, fresh: bool
    ) -> T:
        """The remembered answer to a question, or a new one; a copy, which its owner may change."""
        key = repr((name, args, sorted(kwargs.items())))
        with self._lock:
            known = self._known.get(key)
        if known and not fresh and self._clock() < known[0]:
            return _copy(known[1])  # type: ignore[return-value]
        answer = ask()
        with self._lock:
            self._known[key] = (self._clock() + self._seconds, answer)
            self._known.move_to_end(key)
            while len(self._known) > _CACHED:
                self._known.popitem(last=False)
        return _copy(answer)


def _copy(answer: T) -> T:
    """The same dicts and lists, anew."""
    copy: Any = answer
    if isinstance(answer, dict):
        copy = {name: _copy(below) for name, below in answer.items()}
    elif isinstance(answer, list):
        copy = list(map(_copy, answer))
    return copy  # type: ignore[no-any-return]


def _needed(formulas: Iterable[Formula]) -> tuple[str, ...]:
    """The metrics that formulas read, each once."""
    return tuple(dict.fromkeys(name for formula in formulas for name in formula.metrics))


def _value(formula: Formula, columns: Folded, plan: Plan) -> Value:
    sides = formula.sides(columns, plan.spans)
    return Value(formula.total(columns, plan.spans), sides[1], sides[0], number(sum(columns[DEFAULT_METRIC])))


def _several(periods: object) -> Sequence[object]:
    if isinstance(periods, list | tuple):
        if not periods:
            raise InvalidInput('no period is named (leave periods out for the default ones)', field='periods')
        return periods
    return [periods]


def _checked_depth(depth: object) -> int:
    levels = natural(depth, 'depth', 'not a number of levels', '0 for the dimension alone')
    if levels > MAX_DEPTH:
        raise LimitExceeded(f'more than {MAX_DEPTH} levels: {levels}', field='depth')
    return levels
