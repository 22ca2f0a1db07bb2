"""The whale: counts events, and answers totals, plotpoints, subdimensions and rankings.

Every method works on an instance, ``Whale('redis://db').count_now(...)``, and on the class,
``Whale.count_now(...)``, where it uses one default instance made from the settings.

``metric`` and ``metrics``, ``dimension`` and ``dimensions``, ``period`` and ``periods`` mean the same wherever one
of them is accepted.  A pk is a name or a list of names; dimensions are a name, a list of names (a path), or nested
dicts.  In results a dimension is ``'_'`` (overall), a name, or the JSON text of a longer path: ``'["geo", "UK"]'``.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from hailwhale import parts, ranks
from hailwhale.annotations import Annotation, annotate, annotated, forget
from hailwhale.answers import Answers, Cache, Question
from hailwhale.arguments import checked_share, either, metric_list, metrics_to_clear, natural, one_metric, one_node
from hailwhale.choices import (
    BAD_IDEA,
    TEST_IDEA,
    Deciding,
    Decision,
    Reason,
    Reasons,
    checked_threshold,
    chosen_from,
    sorted_out,
)
from hailwhale.counter import Counted, Counter, Read, read_event
from hailwhale.errors import InvalidInput
from hailwhale.kept import AGREE_SECONDS, Kept, agreed, with_zones
from hailwhale.metrics import metric_name
from hailwhale.paths import pk_path, question_nodes
from hailwhale.points import Shape
from hailwhale.ranks import Row
from hailwhale.reader import Reader
from hailwhale.settings import Settings, hide_secrets
from hailwhale.shared import HasDefault, shared
from hailwhale.storage import Bounds, Storage, connect

Number = int | float
Totals = dict[str, dict[str, dict[str, Number]]]


class _Parts(NamedTuple):
    """What a whale is made of, once it is connected."""

    storage: Storage
    kept: Kept
    counter: Counter
    answers: Answers
    counting: bool  #: whether the store knows what our settings want counted
    agreed: float  #: when that was looked at


class Whale(HasDefault):
    """Counters on one engine.  Safe for threads, greenlets and forks.

    ``url``       where the engine is (``redis://``, ``unix://``, ``redis+cluster://``, ``embedded://PATH``); '' or
    nothing: the
                  setting HAILWHALE_URL, and without one the bundled engine
    ``settings``  all other settings; by default from the environment
    ``clock``     answers epoch seconds
    ``deciding``, ``results``  the parts that decide and compare; servers have their own

    The engine is connected at the first use.

    ::

        whale = Whale()
        whale.count_now(['Product', 42], {'country': 'US'}, {'revenue': 5.25})
        whale.totals(['Product', 42], metrics=['revenue/hits'], period='today')
        # {'today': {'_': {'revenue/hits': 5.25}}}
    """

    def __init__(
        self,
        url: str | None = None,
        *,
        settings: Settings | None = None,
        clock: Callable[[], float] = time.time,
        deciding: str = 'deciding',
        results: str = 'results',
    ) -> None:
        self.settings = settings or Settings.load()
        self.url = self.settings.url if url is None else url
        self.clock = clock
        self.limits = self.settings.limits  #: of one event
        self._lock = threading.RLock()
        self._parts: _Parts | None = None
        self._cache = Cache(self.settings.cache_seconds, clock)
        self._deciding: Deciding | None = None
        self._deciding_part, self._results_part = deciding, results

    def __repr__(self) -> str:
        return f'Whale({hide_secrets(self.url)!r})'

    def close(self) -> None:
        """Hang up.  An embedded engine that this process runs ends cleanly; the next use starts it again."""
        with self._lock:
            parts, self._parts = self._parts, None
        if parts:
            parts.storage.close()

    def __enter__(self) -> Whale:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _open(self, *, counting: bool = False) -> _Parts:
        """What this whale is made of.  ``counting``: the store is told what our settings want counted."""
        parts, now = self._parts, self.clock()
        if parts and (parts.counting or not counting) and abs(now - parts.agreed) < AGREE_SECONDS:
            return parts
        with self._lock:
            self._parts = self._agree(self._parts, int(now), counting=counting)
            return self._parts

    def _agree(self, before: _Parts | None, now: int, *, counting: bool) -> _Parts:
        settings = self.settings
        storage = (
            before.storage
            if before
            else connect(self.url, home=settings.home, timeout=settings.timeout, bounds=_bounds(settings))
        )
        counting = counting or (before is not None and before.counting)
        kept = agreed(storage, with_zones(settings.keep, settings.zones), now, register=counting)
        if before and before.kept.agreement == kept.agreement:
            return before._replace(counting=counting, agreed=now)
        # What was counted for less time has to last as long as the longest-kept counters that it names.
        if counting and before and kept.longest > before.kept.longest:
            storage.extend(kept.longest)
        storage.longest = kept.longest
        answers = Answers(Reader(storage, kept), kept, settings, self.clock)
        return _Parts(storage, kept, Counter(storage, kept), answers, counting, now)

    @property
    def storage(self) -> Storage:
        """The engine behind, connected."""
        return self._open().storage

    @property
    def kept(self) -> Kept:
        """What is counted and kept there."""
        return self._open(counting=True).kept

    @property
    def counter(self) -> Counter:
        """What counts into it."""
        return self._open(counting=True).counter

    # -- counting ----------------------------------------------------------------------------------------------------

    @shared
    def count_now(
        self,
        pk: object = None,
        dimensions: object = None,
        metrics: object = None,
        at: object = None,
        *,
        id: str | None = None,
        dimension: object = None,
        metric: object = None,
    ) -> bool:
        """Count one event, now: under every prefix of ``pk``, every node of ``dimensions``, in every kept interval.

        ``metrics`` are amounts by name (exact decimals with up to six digits after the point, negative ones too), or
        names that count 1 each; ``hits: 1`` is added unless given.  ``at`` is when it happened, by default now.  One
        round trip, all or nothing.  With an ``id``, repeating the call counts once: False says that it was counted
        within the last 48 hours.  Raises `InvalidInput` and `StorageError`; nothing was counted then, but for a
        `StorageUnavailable` whose connection broke on the way back.
        """
        now = self.clock()
        dimensions, metrics = either('dimension', dimension, dimensions), either('metric', metric, metrics)
        return self.counter.count(self.read(pk, dimensions, metrics, at, id, now=now), now=int(now))

    def read(self, pk: object, dimensions: object, metrics: object, at: object, id: object, *, now: float) -> Read:
        """An event, checked against the limits of the settings.  Raises `InvalidInput`."""
        return read_event(pk, dimensions, metrics, at, id, now=now, limits=self.limits)

    @shared
    def count_many(self, events: Iterable[object]) -> Counted:
        """Count many events with few commits; each is a mapping with the arguments of `count_now`, or a sequence of
        them.

        An event that cannot be read is refused with its place and reason, and stops none of the others.  Each event
        is counted whole or not at all.  When a `StorageError` ends the call, some of them are counted and some are
        not: give each an ``id``, and the whole call can be repeated.
        """
        return self.counter.count_many(events, now=self.clock(), limits=self.limits)

    @shared
    def update_count_to(
        self,
        pk: object = None,
        dimensions: object = None,
        metrics: object = None,
        at: object = None,
        *,
        dimension: object = None,
        metric: object = None,
    ) -> None:
        """Set the current bucket of every interval instead of adding to it: a level, such as members or stock.

        ``dimensions`` name one path.  Its last node is set; the nodes above it, and the pk's prefixes, move by the
        same difference, so that children sum to their parents.  Read a level back with ``stock:last``.  No ``hits``
        are added.  One round trip, all or nothing.
        """
        now = self.clock()
        given = either('metric', metric, metrics)
        if not isinstance(given, Mapping) or not given:
            raise InvalidInput(f'not levels to set: {given!r:.80} (a mapping of names to amounts)', field='metrics')
        event = self.read(pk, either('dimension', dimension, dimensions), given, at, None, now=now)
        amounts = {name: event.amounts[name] for name in map(metric_name, given)}
        self.counter.set_level(event.subject, event.at, amounts, now=int(now))

    @shared
    def reset(
        self,
        pk: object = None,
        dimensions: object = None,
        metrics: object = None,
        *,
        dimension: object = None,
        metric: object = None,
    ) -> int:
        """Clear a pk with all longer pks below it, or only some dimensions (with all below them) or some metrics.

        What is counted above stays: the total of ``Product`` still holds what ``['Product', 42]`` had sold.  Answers
        how many nodes were cleared.  An empty list of metrics is refused, since it is not all of them.
        """
        given = either('dimension', dimension, dimensions)
        nodes = question_nodes(given)
        names = metrics_to_clear(either('metric', metric, metrics))
        if isinstance(given, Mapping):
            # Its branches end where an event with these dimensions would; what lies above them is not meant.
            above = {node[:-1] for node in nodes if node}
            nodes = tuple(node for node in nodes if node not in above)
        # Clearing a node clears what is below it, and the overall node all.
        tops = [node for node in nodes if not any(node[:end] in nodes for end in range(len(node)))]
        return self.counter.reset(pk_path(pk), tops, names, now=int(self.clock()))

    # -- annotations -------------------------------------------------------------------------------------------------

    @shared
    def annotate(self, text: str, pk: object = None, at: object = None) -> bool:
        """Let graphs of a pk and of all below it show a word at a moment, by default now; without ``pk`` all graphs.

        Each pk has the latest 500, as long as the longest-kept counters; 200 characters at the most.  The same twice is
        one: False says that it was there, or that 500 later ones are.
        """
        opened = self._open()
        return annotate(opened.storage, pk, at, text, now=self.clock(), kept=opened.kept.longest)

    @shared
    def forget_annotation(self, text: str, pk: object = None, at: object = None) -> int:
        """Take such a word away again, from that moment or, without ``at``, from all; how many there were."""
        return forget(self._open().storage, pk, at, text, now=self.clock())

    @shared
    def annotations(self, pk: object = None, since: object = None, until: object = None) -> list[Annotation]:
        """What the graphs of a pk show: its own, those of the pks above it, and those of all; the earliest first."""
        return annotated(self._open().storage, pk, since, until, now=self.clock())

    # -- asking ------------------------------------------------------------------------------------------------------

    @shared
    def totals(
        self,
        pk: object = None,
        dimensions: object = None,
        metrics: object = None,
        periods: object = None,
        *,
        tz: object = None,
        dimension: object = None,
        metric: object = None,
        period: object = None,
    ) -> Totals:
        """Sums over whole periods: ``{period: {dimension: {metric: number}}}``.

        All default periods when none is named; ``hits`` when no metric is.  A metric may be a formula,
        ``revenue/sales``: the ratio of the sums.  Whole numbers are ints.  Raises `Unanswerable` for what the kept
        counters cannot tell exactly.
        """
        question = self._question(pk, dimensions, dimension, metrics, metric, tz)
        return self._open().answers.totals(question, either('period', period, periods))

    @shared
    def plotpoints(
        self,
        pk: object = None,
        dimensions: object = None,
        metrics: object = None,
        period: object = None,
        *,
        depth: int = 0,
        sort: str | None = None,
        limit: int = 0,
        tz: object = None,
        points: Shape = dict,
        descending: bool = False,
        totals: bool = False,
        dimension: object = None,
        metric: object = None,
        periods: object = None,
    ) -> dict[str, dict[str, Any]]:
        """One value for each bucket of a period, 0 where nothing was counted: ``{dimension: {metric: {start:
        number}}}``.

        ``depth``       also everything so many levels below each dimension
        ``sort``        children by their total of a metric or formula; ``-hits``: the largest first
        ``limit``       at most so many children of each node (the largest of the first metric, without ``sort``)
        ``points``      ``dict``: aware bucket start to value; ``list``: pairs of them; ``'ms'``: pairs with epoch
        milliseconds
        ``descending``  the latest bucket first
        ``totals``      ``{'points': ..., 'total': number}`` for each metric
        """
        question = self._question(pk, dimensions, dimension, metrics, metric, tz)
        asked = either('period', period, periods)
        return self._open().answers.plotpoints(
            question, asked, depth=depth, sort=sort, limit=limit, points=points, descending=descending, totals=totals
        )

    @shared
    def cached_totals(self, /, *args: Any, fresh: bool = False, **kwargs: Any) -> Totals:
        """`totals`, remembered in this process for HAILWHALE_CACHE_SECONDS; ``fresh`` asks anew and remembers
        that."""
        answer: Totals = self._cache.get('totals', args, kwargs, lambda: self.totals(*args, **kwargs), fresh=fresh)
        return answer

    @shared
    def cached_plotpoints(self, /, *args: Any, fresh: bool = False, **kwargs: Any) -> dict[str, dict[str, Any]]:
        """`plotpoints`, remembered in this process for HAILWHALE_CACHE_SECONDS; ``fresh`` asks anew and remembers
        that."""
        answer: dict[str, dict[str, Any]] = self._cache.get(
            'plotpoints', args, kwargs, lambda: self.plotpoints(*args, **kwargs), fresh=fresh
        )
        return answer

    @shared
    def total(
        self,
        pk: object = None,
        metric: object = None,
        dimension: object = None,
        period: object = None,
        *,
        tz: object = None,
        metrics: object = None,
        dimensions: object = None,
        periods: object = None,
    ) -> Number:
        """One number: a metric or formula (``hits``) over a period, by default the last thirty days."""
        name = one_metric(either('metric', metric, metrics))
        node = one_node(either('dimension', dimension, dimensions))
        asked = either('period', period, periods)
        question = Question(pk_path(pk), (node,), (name,), tz)
        answer = self._open().answers.totals(question, ['thirty' if asked is None else asked])
        ((number,),) = (by_metric.values() for by_dimension in answer.values() for by_metric in by_dimension.values())
        return number

    @shared
    def today(
        self,
        pk: object = None,
        metric: object = None,
        dimension: object = None,
        *,
        tz: object = None,
        metrics: object = None,
        dimensions: object = None,
    ) -> Number:
        """One number: a metric or formula since midnight."""
        return self.total(pk, metric, dimension, 'today', tz=tz, metrics=metrics, dimensions=dimensions)

    @shared
    def yesterday(
        self,
        pk: object = None,
        metric: object = None,
        dimension: object = None,
        *,
        tz: object = None,
        metrics: object = None,
        dimensions: object = None,
    ) -> Number:
        """One number: a metric or formula over the day before."""
        return self.total(pk, metric, dimension, 'yesterday', tz=tz, metrics=metrics, dimensions=dimensions)

    @shared
    def rank(
        self,
        pk: object = None,
        metric: object = None,
        dimension: object = None,
        period: object = None,
        *,
        depth: int = 0,
        important: float | None = None,
        limit: int = 0,
        tz: object = None,
        metrics: object = None,
        dimensions: object = None,
        periods: object = None,
    ) -> list[Row]:
        """Rank a node and what lies below it, best first; the node itself is the first row, `'_'` where it is the
        overall one.

        ``depth`` levels, 0 for all.  ``important``: the share of its parent that makes a child important, by default
        the setting.  A parent that matters through one child alone is left out.  `hailwhale.ranks.Row` tells the
        columns.
        """
        name = one_metric(either('metric', metric, metrics))
        node = one_node(either('dimension', dimension, dimensions))
        asked = either('period', period, periods)
        share = self.settings.important if important is None else checked_share(important)
        most = natural(limit, 'limit', 'not a number of rows', '0 for all')
        values = self._open().answers.values(
            pk_path(pk), node, name, 'thirty' if asked is None else asked, depth=depth, tz=tz
        )
        rows = ranks.rank(values, node, ratio='/' in name, important=share)
        return rows[: most + 1] if most else rows

    @shared
    def top(
        self,
        pk: object = None,
        n: int = 10,
        metric: object = None,
        dimension: object = None,
        period: object = None,
        *,
        tz: object = None,
        metrics: object = None,
        dimensions: object = None,
        periods: object = None,
    ) -> list[tuple[str, Number]]:
        """The ``n`` children with the highest value, as (name, value): of a dimension, or without one of the pk
        itself.

        ``top('Product')`` are the best products, ``top('Product', dimension='country')`` the countries they are sold
        in.
        """
        most = natural(n, 'n', 'not a number of rows', '1 or more', least=1)
        name = one_metric(either('metric', metric, metrics))
        given, asked = either('dimension', dimension, dimensions), either('period', period, periods)
        node = None if given is None else one_node(given)
        return self._open().answers.top(pk_path(pk), node, most, name, 'thirty' if asked is None else asked, tz=tz)

    @shared
    def get_subdimensions(
        self, pk: object = None, dimension: object = None, *, dimensions: object = None
    ) -> list[list[str]]:
        """The dimensions directly below one, each as a list of names, in order; below the overall one by default."""
        node = one_node(either('dimension', dimension, dimensions))
        return [list(path) for path in self._open().answers.below(pk_path(pk), node, depth=1)]

    @shared
    def all_subdimensions(
        self, pk: object = None, dimension: object = None, *, dimensions: object = None
    ) -> list[list[str]]:
        """The dimensions below one at every level, each as a list of names, parents before children."""
        node = one_node(either('dimension', dimension, dimensions))
        return [list(path) for path in self._open().answers.below(pk_path(pk), node, depth=0)]

    @shared
    def pks(self, under: object = None) -> list[list[str]]:
        """The pks one segment longer than ``under``, in order; without it, the first segments of all pks."""
        return [list(path) for path in self._open().answers.pks(() if under is None else pk_path(under))]

    @shared
    def metric_names(self, pk: object = None) -> list[str]:
        """The metrics that have been counted under a pk, in order."""
        return self._open().answers.metric_names(pk_path(pk))

    # -- comparing ---------------------------------------------------------------------------------------------------

    @shared
    def results(self, /, pk: object = None, goals: object = None, **asked: Any) -> Any:
        """Which variant of a split test is better, and how sure that is: `hailwhale.experiments.results.Results`.

        The variants are the pks below ``pk``, as `count_decided_now` counts them; ``goals`` are metrics or ratios of
        two, by default all that were counted.  `hailwhale.experiments.results.results` says what else may be asked.
        Needs numpy and scipy: ``pip install 'hailwhale[decide]'``.
        """
        return parts.maker(self._results_part)(self, pk, goals, **asked)

    # -- deciding ----------------------------------------------------------------------------------------------------

    @property
    def deciding(self) -> Deciding:
        """What decides by these counters.  Needs numpy and scipy: ``pip install 'hailwhale[decide]'``."""
        found = self._deciding
        if found is None:
            # Libraries take a while to be imported: nobody waits for the lock meanwhile.
            made = parts.maker(self._deciding_part)(self)
            with self._lock:
                found = self._deciding = self._deciding or made
        return found

    @shared
    def decide(
        self,
        pk_base: object,
        decision_name: object,
        options: object,
        formula: str = 'value/hits',
        known_data: object = None,
        period: object = None,
        goal: str = 'max',
        *,
        visitor: object = None,
        seed: int | None = None,
        holdout: float = 0.0,
        bot: bool = False,
    ) -> str:
        """The option to show to a visitor; `decision` tells more, and what the arguments are."""
        return self.deciding.decision(
            pk_base,
            decision_name,
            options,
            formula,
            known_data,
            period,
            goal,
            visitor=visitor,
            seed=seed,
            holdout=holdout,
            bot=bot,
        ).option

    @shared
    def decision(
        self,
        pk_base: object,
        decision_name: object,
        options: object,
        formula: str = 'value/hits',
        known_data: object = None,
        period: object = None,
        goal: str = 'max',
        *,
        visitor: object = None,
        seed: int | None = None,
        holdout: float = 0.0,
        bot: bool = False,
        explain: bool = False,
    ) -> Decision:
        """Choose an option for a visitor, by what has been counted with `count_decided_now`; one round trip.

        ``pk_base``, ``decision_name``  together the pk of the decision; the name may be None
        ``options``     the names to choose among: new ones are tried, those left out are no longer chosen
        ``formula``     what is compared: ``earned/hits``, ``earned/spent``, or one metric, by hit
        ``known_data``  the visitor's dimensions
        ``period``      what is read; by default hours of the last week and days of the last three months
        ``goal``        ``'min'``: the least is best
        ``visitor``     a name or number of the visitor, who then gets the same option each time, while the weights are
                        about the same
        ``seed``        a number with which the same decision can be had again, as long as nothing is counted
        ``holdout``     the share of visitors that get options by chance alone, for honest statistics
        ``bot``         the same for a visitor who is none; count nothing of it
        ``explain``     with reasons

        What seems odd is told in ``warning``, such as a metric that was never counted.  Raises `InvalidInput`,
        `InvalidFormula` and `StorageError`.
        """
        return self.deciding.decision(
            pk_base,
            decision_name,
            options,
            formula,
            known_data,
            period,
            goal,
            visitor=visitor,
            seed=seed,
            holdout=holdout,
            bot=bot,
            explain=explain,
        )

    @shared
    def decide_many(
        self,
        pk_base: object,
        decision_name: object,
        options: object,
        visitors: Sequence[object],
        formula: str = 'value/hits',
        period: object = None,
        goal: str = 'max',
        *,
        holdout: float = 0.0,
        explain: bool = False,
    ) -> list[Decision]:
        """A decision for each of many visitors: of each its dimensions, or ``{'visitor': name, 'dimensions': ...}``.

        A mapping with one of these two keys may have ``bot`` and ``seed``, too, and no others.  The other arguments are
        those of `decision`, and the same for all; 10,000 visitors at the most, and 200,000 when multiplied by the
        options.
        """
        return self.deciding.decide_many(
            visitors,
            pk_base,
            decision_name,
            options,
            formula=formula,
            period=period,
            goal=goal,
            holdout=holdout,
            explain=explain,
        )

    @shared
    def reasons_for(
        self,
        pk_base: object,
        decision_name: object,
        options: object,
        formula: str = 'value/hits',
        known_data: object = None,
        period: object = None,
        goal: str = 'max',
    ) -> list[Reason]:
        """What is known of each option for such a visitor, best first: sums, what it is thought to be worth, with an
        interval, the chance that it is the best one, and the weight with which it is chosen."""
        return self.deciding.reasons(pk_base, decision_name, options, formula, known_data, period, goal)

    @shared
    def weighted_reasons(
        self,
        pk_base: object,
        decision_name: object,
        options: object,
        formula: str = 'value/hits',
        known_data: object = None,
        period: object = None,
        goal: str = 'max',
        *,
        bad_idea_threshold: float = BAD_IDEA,
        test_idea_threshold: float = TEST_IDEA,
    ) -> Reasons:
        """The reasons for options sorted into ``good``, ``bad`` and ``test``.

        Bad are those that were shown and whose chance to be the best is below ``bad_idea_threshold``.  To be tested are
        others that were never shown to such a visitor, or whose worth is known so badly that its interval of 90 % is
        wider than ``test_idea_threshold`` times their worth.  All others are good.
        """
        bad = checked_threshold(bad_idea_threshold, 'bad_idea_threshold')
        test = checked_threshold(test_idea_threshold, 'test_idea_threshold')
        reasons = self.reasons_for(pk_base, decision_name, options, formula, known_data, period, goal)
        return sorted_out(reasons, bad=bad, test=test)

    @staticmethod
    def decide_from_reasons(
        good: Iterable[Reason], bad: Iterable[Reason] = (), test: Iterable[Reason] = (), *, seed: int | None = None
    ) -> str:
        """An option from reasons, each with its weight beside those of the others given: leave ``bad`` out, and no bad
        one is tried again.  Raises `InvalidInput`."""
        return chosen_from(good, bad, test, seed=seed)

    @shared
    def count_decided_now(
        self,
        pk_base: object,
        decision_name: object,
        option: object,
        dimensions: object = None,
        metrics: object = None,
        at: object = None,
        *,
        id: str | None = None,
        visitor: object = None,
        holdout: float = 0.0,
    ) -> bool:
        """Count what an option did, now, for decisions to learn from; see `count_now`.

        Without ``metrics`` it is an exposure: the option was shown, one hit.  With them it is what that cost or earned,
        at once or later: ``{'earned': 25}``; no hit is added then.  ``dimensions`` are those that the decision was made
        for.  With the decision's ``visitor`` and ``holdout``, visitors of the hold-out are counted apart, too.

        An ``id`` is counted once, whatever is counted with it: that an option was shown needs another one than what
        came of it, such as ``'anna-shown'`` and ``'anna-signup'``.  False: it was counted before.
        """
        event = self.decided_event(
            pk_base, decision_name, option, dimensions, metrics, at, id=id, visitor=visitor, holdout=holdout
        )
        return self.count_now(**event)

    @staticmethod
    def decided_event(
        pk_base: object, decision_name: object, option: object, *args: Any, **more: Any
    ) -> dict[str, Any]:
        """The arguments of `count_now` that count what an option did; those of `count_decided_now`.  No engine is
        asked."""
        found: dict[str, Any] = parts.maker('decided_event')(pk_base, decision_name, option, *args, **more)
        return found

    def _question(
        self, pk: object, dimensions: object, dimension: object, metrics: object, metric: object, tz: object
    ) -> Question:
        return Question(
            pk_path(pk),
            question_nodes(either('dimension', dimension, dimensions)),
            metric_list(either('metric', metric, metrics)) or ('hits',),
            tz,
        )


def _bounds(settings: Settings) -> Bounds:
    return Bounds(
        children=settings.max_children,
        backlog=settings.max_backlog,
        ids_kept=settings.ids_kept,
        ids=settings.max_ids,
        spy=settings.spy,
        spy_kept=settings.spy_kept,
        replicas=settings.replicas,
    )
