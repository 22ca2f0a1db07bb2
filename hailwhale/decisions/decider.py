"""The decider: chooses an option for a visitor from what has been counted.

A decision reads what was counted today in the visitor's context, in one round trip, and asks a model for the weights.
The model is made of all that was counted, and made anew behind the requests: once there are 3 % more decisions, or
some time has passed.  Nothing is stored but counters: whoever reads them, and whenever, decides alike.
"""

from __future__ import annotations

import threading
import warnings
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from os import getpid
from time import monotonic
from typing import Literal, NamedTuple

from hailwhale.choices import CostWarning, Decision, Reason, chance
from hailwhale.decisions.counting import context_of, decision_pk, option_pk
from hailwhale.decisions.policies import Context, Model, Sums, Table, Tuning, Weights, even, fit, picked
from hailwhale.decisions.policies.tables import NOTHING
from hailwhale.decisions.reading import Asked, Taken, formula_of, read_table, read_today
from hailwhale.decisions.visitors import in_holdout, number_of, visitor_name
from hailwhale.errors import InvalidInput, LimitExceeded, StorageError
from hailwhale.intervals import DAY
from hailwhale.paths import Path, path_name
from hailwhale.periods import Period
from hailwhale.whale import Whale

#: Options of one decision, and decisions whose models are remembered.
MOST_OPTIONS = 1_000
_REMEMBERED = 1_000
#: A model is made anew after so many more decisions, and after so many seconds.
_SHARE, _FEWEST, _MOST = 0.03, 20, 2_000
_OLD = 30.0
#: Making models takes this share of the time at the most, and a model serves for so many seconds at the least.  Of the
#: first decisions each teaches much: then it may take more.
_BUSY, _YOUNG = 0.01, 0.5
_FIRST, _BUSY_FIRST, _YOUNG_FIRST = 5_000, 0.3, 0.05
#: Contexts whose weights are remembered.
_SEEN = 10_000
_COSTS = frozenset({'bounce', 'bounces', 'cost', 'costs', 'errors', 'refunds', 'spend', 'spent', 'unsubscribes'})


class _Seen(NamedTuple):
    """The weights of options in a context, and the sums that they are of."""

    model: Model
    live: dict[str, Sums] | None
    weights: Weights
    read: float  #: when, on the clock that never goes back


class _Who(NamedTuple):
    """A visitor."""

    context: Context
    name: str | None


@dataclass(slots=True)
class _Known:
    """A model, and how old it is."""

    asked: Asked
    least: bool
    learned: tuple[Taken, Model] | None = None
    made: float = 0.0
    took: float = 0.0  #: seconds
    decisions: int = 0  #: since then
    total: int = 0  #: decisions of this process
    busy: int = 0  #: the process that makes a new one
    seen: dict[tuple[str, tuple[str, ...]], _Seen] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def due(self, now: float) -> bool:
        """Whether it is time for a new model."""
        age = now - self.made
        counted = self.learned[0].table.moments.exposure if self.learned and self.asked.by_hits else 0.0
        first = max(counted, self.total) < _FIRST
        busy, young = (_BUSY_FIRST, _YOUNG_FIRST) if first else (_BUSY, _YOUNG)
        if age < max(young, self.took / busy):
            return False
        return age > _OLD or (self.decisions >= min(max(_SHARE * counted, _FEWEST), _MOST))


class Decider:
    """Decides by the counters of one whale.  Safe for threads and greenlets.

    ``behind``   runs what makes a model anew, beside the requests; by default in a thread
    ``compute``  runs the arithmetic of it, which takes up to 150 ms; a server of greenlets gives it to a real thread
    ``reuse``    seconds for which the weights of a context serve again; 0: every decision reads the counters
    """

    def __init__(
        self,
        whale: Whale,
        *,
        tuning: Tuning | None = None,
        behind: Callable[[Callable[[], None]], object] | None = None,
        compute: Callable[[Callable[[], Model]], Model] | None = None,
        reuse: float = 0.0,
    ) -> None:
        self.whale = whale
        self.tuning = tuning or Tuning()
        self.behind = behind or _in_thread
        self.compute = compute or (lambda work: work())
        self.reuse = reuse
        self._lock = threading.Lock()
        self._known: OrderedDict[tuple[object, ...], _Known] = OrderedDict()

    def decide(
        self,
        pk_base: object,
        decision_name: object,
        options: object,
        formula: object = 'value/hits',
        known_data: object = None,
        period: object = None,
        goal: object = 'max',
        *,
        visitor: object = None,
        seed: int | None = None,
        holdout: object = 0.0,
        bot: bool = False,
        explain: bool = False,
    ) -> Decision:
        """One decision; `Whale.decision` says what its arguments are."""
        names, asked = self._asked(pk_base, decision_name, options, formula, period, goal)
        who = _Who(context_of(known_data), visitor_name(visitor))
        warning = _warned(asked, goal)
        if bot or in_holdout(asked.pk, who.name, holdout):
            return _by_chance(asked, names, who, 'bot' if bot else 'holdout', warning)
        known = self._known_of(asked, _least(goal), fresh=explain)
        (seen,) = self._weighed(known, [who.context], names)
        return _chosen(asked, names, who, seen, seed, explain, warning)

    def decide_many(
        self,
        visitors: Sequence[tuple[object, object]],
        pk_base: object,
        decision_name: object,
        options: object,
        formula: object = 'value/hits',
        period: object = None,
        goal: object = 'max',
        *,
        holdout: object = 0.0,
        explain: bool = False,
    ) -> list[Decision]:
        """A decision for each of many visitors, of each its dimensions and name; in one round trip."""
        names, asked = self._asked(pk_base, decision_name, options, formula, period, goal)
        everybody = [_Who(context_of(dimensions), visitor_name(name)) for dimensions, name in visitors]
        warning = _warned(asked, goal)
        apart = [in_holdout(asked.pk, who.name, holdout) for who in everybody]
        known = self._known_of(asked, _least(goal), fresh=explain, decisions=len(everybody))
        contexts = list(dict.fromkeys(who.context for who, kept in zip(everybody, apart, strict=True) if not kept))
        seen = dict(zip(contexts, self._weighed(known, contexts, names), strict=True))
        return [
            _by_chance(asked, names, who, 'holdout', warning)
            if kept
            else _chosen(asked, names, who, seen[who.context], None, explain, warning)
            for who, kept in zip(everybody, apart, strict=True)
        ]

    def reasons(
        self,
        pk_base: object,
        decision_name: object,
        options: object,
        formula: object = 'value/hits',
        known_data: object = None,
        period: object = None,
        goal: object = 'max',
    ) -> list[Reason]:
        """What is known of each option in a context, best first."""
        names, asked = self._asked(pk_base, decision_name, options, formula, period, goal)
        context = context_of(known_data)
        (found,) = self._weighed(self._known_of(asked, _least(goal), fresh=True), [context], names)
        return found.model.reasons(context, names, found.live)

    def table(
        self, pk_base: object, decision_name: object, options: object, formula: object, period: object = None
    ) -> Table:
        """All that was counted of a decision."""
        _, asked = self._asked(pk_base, decision_name, options, formula, period, 'max')
        return self._taken(asked).table

    def _asked(
        self,
        pk_base: object,
        decision_name: object,
        options: object,
        formula: object,
        period: object,
        goal: object,
    ) -> tuple[Sequence[str], Asked]:
        """The options in the order given, and the decision."""
        _least(goal)
        pk = decision_pk(pk_base, decision_name)
        given = tuple(options) if isinstance(options, list) else None
        if given is None or not all(type(text) is str for text in (*given, formula)):
            return _read(pk, options, formula, period)
        # The same few come again and again.
        return _read_texts(pk, given, formula, None if period is None else Period.parse(period))

    # -- models ------------------------------------------------------------------------------------------------------

    def _known_of(self, asked: Asked, least: bool, *, fresh: bool = False, decisions: int = 1) -> _Known:
        """What is known of a decision; ``fresh``: by a model that is made now."""
        key = (asked, least)
        with self._lock:
            known = self._known.get(key)
            if known is None:
                known = self._known[key] = _Known(asked, least)
            self._known.move_to_end(key)
            while len(self._known) > _REMEMBERED:
                self._known.popitem(last=False)
        if known.learned is None or fresh:
            asked_at = monotonic()
            with known.lock:
                # Whoever waited for the lock is served by what was made meanwhile.
                if known.learned is None or known.made < asked_at:
                    self._make(known)
        known.decisions += decisions
        known.total += decisions
        if known.due(monotonic()) and known.busy != getpid():
            known.busy = getpid()
            self.behind(lambda: self._renew(known))
        return known

    def _renew(self, known: _Known) -> None:
        try:
            with known.lock:
                self._make(known)
        except StorageError:
            # The next decision meets the same error itself, and says so; until then the old model serves.
            pass
        finally:
            # What failed is not tried again at once.
            known.made, known.busy = monotonic(), 0

    def _make(self, known: _Known) -> None:
        began = monotonic()
        taken, known.decisions = self._taken(known.asked), 0
        model = self.compute(
            lambda: fit(taken.table, least=known.least, by_hits=known.asked.by_hits, tuning=self.tuning)
        )
        known.learned, known.seen, known.made = (taken, model), {}, monotonic()
        known.took = known.made - began

    def _taken(self, asked: Asked) -> Taken:
        return read_table(self.whale.storage, self.whale.kept, asked, int(self.whale.clock()))

    def _weighed(self, known: _Known, contexts: Sequence[Context], names: Sequence[str]) -> list[_Seen]:
        """The weights of options by now, in each of some contexts."""
        assert known.learned
        (taken, model), seen, now, options = known.learned, known.seen, monotonic(), tuple(names)
        if len(seen) + len(contexts) > _SEEN:
            seen.clear()
        known_before = [seen.get((context.text, options)) for context in contexts]
        found = [
            last if last and last.model is model and now - last.read < self.reuse else None for last in known_before
        ]
        missing = [place for place, last in enumerate(found) if last is None]
        if not missing:
            return [one for one in found if one]
        lives = self._live(taken, model, known.asked, [contexts[place] for place in missing])
        for place, live in zip(missing, lives, strict=True):
            context, last = contexts[place], known_before[place]
            same = last is not None and last.model is model and last.live == live
            weights = last.weights if last and same else model.weights(context, names, live)
            found[place] = seen[context.text, options] = _Seen(model, live, weights, now)
        return [one for one in found if one]

    def _live(
        self, taken: Taken, model: Model, asked: Asked, contexts: Sequence[Context]
    ) -> list[dict[str, Sums] | None]:
        """The sums of each option in some contexts by now: those of the table, and what came since.

        None for those of whom nothing is known, where of others something is: they are counted among all.
        """
        named = any(context.text for context in taken.table.contexts)
        read = [context for context in contexts if context.text or not named]
        now = int(self.whale.clock())
        today = iter(read_today(self.whale.storage, self.whale.kept, asked, read, now) if read else ())
        fresh = now - taken.day < DAY
        return [
            {
                option: _since(sums, (context.text, option), taken.today if fresh else {}, model.whole)
                for option, sums in next(today).items()
            }
            if context.text or not named
            else None
            for context in contexts
        ]


def _since(
    sums: Sums, key: tuple[str, str], before: Mapping[tuple[str, str], Sums], whole: Mapping[tuple[str, str], Sums]
) -> Sums:
    """All sums of an option: those of a table, and those of today without what the table had of today."""
    return Sums(*map(lambda all, new, old: all + new - old, whole.get(key, NOTHING), sums, before.get(key, NOTHING)))


def _by_chance(
    asked: Asked, names: Sequence[str], who: _Who, by: Literal['bot', 'holdout'], warning: str | None
) -> Decision:
    weights = even(names)
    # Bots without a name all get the same option, which costs nobody anything.
    option = picked(weights, number_of(asked.pk, who.name or '', 'option'))
    return Decision(option, weights[option], weights, by, True, warning=warning)


def _chosen(
    asked: Asked, names: Sequence[str], who: _Who, seen: _Seen, seed: int | None, explain: bool, warning: str | None
) -> Decision:
    sticky = who.name is not None and seed is None
    number = number_of(asked.pk, who.name, 'option') if who.name is not None and seed is None else chance(seed)
    option, model = picked(seen.weights, number), seen.model
    found = Decision(option, seen.weights[option], dict(seen.weights), 'policy', sticky, seed, warning=warning)
    if not explain:
        return found
    return replace(
        found,
        paths=tuple(map(path_name, dict.fromkeys([*model.paths(who.context), *who.context.paths]))),
        reasons=tuple(model.reasons(who.context, names, seen.live)),
    )


def _read(pk: Path, options: object, formula: object, period: object) -> tuple[Sequence[str], Asked]:
    reward, exposure = formula_of(formula)
    names = checked_options(options)
    for name in names:
        option_pk(pk, name)
    return names, Asked(pk, tuple(sorted(names)), reward, exposure, None if period is None else Period.parse(period))


_read_texts = lru_cache(maxsize=4_096)(_read)


def checked_options(options: object) -> list[str]:
    """The names of options, in the order given.  Raises `InvalidInput`."""
    if isinstance(options, str) or not isinstance(options, Sequence) or not options:
        raise InvalidInput(f'not options to choose among: {options!r:.80} (a list of names)', field='options')
    if len(options) > MOST_OPTIONS:
        raise LimitExceeded(f'{len(options)} options, more than {MOST_OPTIONS}', field='options')
    names = [option_pk((), option)[0] for option in options]
    twice = next((name for place, name in enumerate(names) if name in names[:place]), None)
    if twice is not None:
        raise InvalidInput(f'the option {twice!r:.80} is there twice (give it once)', field='options')
    return names


def _least(goal: object) -> bool:
    if goal not in ('max', 'min'):
        raise InvalidInput(f"not a goal: {goal!r:.80} ('max' or 'min')", field='goal')
    return goal == 'min'


def _warned(asked: Asked, goal: object) -> str | None:
    """A warning where what is to be large has the name of a cost."""
    if goal != 'max' or asked.reward not in _COSTS:
        return None
    message = (
        f"the option with the most {asked.reward} is chosen, which sounds like a cost: say goal='min' for the least"
    )
    warnings.warn(message, CostWarning, stacklevel=5)
    return message


def _in_thread(work: Callable[[], None]) -> None:
    threading.Thread(target=work, name='hailwhale-decisions', daemon=True).start()
