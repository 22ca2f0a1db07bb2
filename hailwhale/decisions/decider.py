"""The decider: chooses an option for a visitor from what has been counted.

A decision reads what was counted today in the visitor's context, in one round trip, and asks a model for the weights.
The model is made of all that was counted, and made anew behind the requests: once there are 3 % more decisions, or
some time has passed.  Nothing is stored but counters: whoever reads them, and whenever, decides alike.
"""

from __future__ import annotations

import threading
import warnings
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from random import Random
from time import monotonic

from hailwhale.choices import CostWarning, Decision, Reason
from hailwhale.decisions.counting import context_of, decision_pk, option_pk
from hailwhale.decisions.policies import Context, Model, Sums, Table, Tuning, even, fit, picked
from hailwhale.decisions.reading import Asked, Taken, formula_of, read_table, read_today
from hailwhale.errors import InvalidInput, LimitExceeded, StorageError
from hailwhale.intervals import DAY
from hailwhale.paths import encode, path_name
from hailwhale.periods import Period
from hailwhale.whale import Whale

#: Options of one decision, and decisions whose models are remembered.
MOST_OPTIONS = 1_000
_REMEMBERED = 1_000
#: A model is made anew after so many more decisions, and after so many seconds.
_SHARE, _FEWEST, _MOST = 0.03, 20, 2_000
_OLD, _YOUNG = 30.0, 0.5
#: The arithmetic of models takes this share of the time at the most.
_BUSY = 0.01
_COSTS = frozenset({'bounce', 'bounces', 'cost', 'costs', 'errors', 'refunds', 'spend', 'spent', 'unsubscribes'})


@dataclass(slots=True)
class _Known:
    """A model, and how old it is."""

    asked: Asked
    least: bool
    learned: tuple[Taken, Model] | None = None
    made: float = 0.0
    took: float = 0.0  #: seconds
    decisions: int = 0  #: since then
    busy: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock)

    def due(self, now: float) -> bool:
        """Whether it is time for a new model."""
        age = now - self.made
        counted = self.learned[0].table.moments.exposure if self.learned and self.asked.by_hits else 0.0
        if age < max(_YOUNG, self.took / _BUSY):
            return False
        return age > _OLD or (self.decisions >= min(max(_SHARE * counted, _FEWEST), _MOST))


class Decider:
    """Decides by the counters of one whale.  Safe for threads and greenlets.

    ``behind``   runs what makes a model anew, beside the requests; by default in a thread
    ``compute``  runs the arithmetic of it, which takes up to 150 ms; a server of greenlets gives it to a real thread
    """

    def __init__(
        self,
        whale: Whale,
        *,
        tuning: Tuning | None = None,
        behind: Callable[[Callable[[], None]], object] | None = None,
        compute: Callable[[Callable[[], Model]], Model] | None = None,
    ) -> None:
        self.whale = whale
        self.tuning = tuning or Tuning()
        self.behind = behind or _in_thread
        self.compute = compute or (lambda work: work())
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
        names = checked_options(options)
        context = context_of(known_data)
        name = _visitor(visitor)
        asked = self._asked(pk_base, decision_name, names, formula, period, goal)
        warning = _warned(asked, goal)
        if bot or in_holdout(asked.pk, name, holdout):
            weights = even(names)
            # Bots without a name all get the first option, which costs nobody anything.
            option = picked(weights, _number(asked.pk, name or '', 'option'))
            return Decision(option, weights[option], weights, 'bot' if bot else 'holdout', True, warning=warning)
        known = self._known_of(asked, _least(goal), fresh=explain)
        model, live = self._live(known, context)
        weights = model.weights(context, names, live)
        number = _number(asked.pk, name, 'option') if name is not None and seed is None else Random(seed).random()
        option = picked(weights, number)
        paths = tuple(map(path_name, model.paths(context))) if explain else ()
        reasons = tuple(model.reasons(context, names, live)) if explain else ()
        sticky = name is not None and seed is None
        return Decision(option, weights[option], weights, 'policy', sticky, seed, paths, reasons, warning)

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
        names, context = checked_options(options), context_of(known_data)
        asked = self._asked(pk_base, decision_name, names, formula, period, goal)
        model, live = self._live(self._known_of(asked, _least(goal), fresh=True), context)
        return model.reasons(context, names, live)

    def table(
        self, pk_base: object, decision_name: object, options: object, formula: object, period: object = None
    ) -> Table:
        """All that was counted of a decision."""
        asked = self._asked(pk_base, decision_name, checked_options(options), formula, period, 'max')
        return self._taken(asked).table

    def _asked(
        self,
        pk_base: object,
        decision_name: object,
        names: Sequence[str],
        formula: object,
        period: object,
        goal: object,
    ) -> Asked:
        reward, exposure = formula_of(formula)
        _least(goal)
        pk = decision_pk(pk_base, decision_name)
        for name in names:
            option_pk(pk, name)
        return Asked(pk, tuple(sorted(names)), reward, exposure, None if period is None else Period.parse(period))

    # -- models ------------------------------------------------------------------------------------------------------

    def _known_of(self, asked: Asked, least: bool, *, fresh: bool = False) -> _Known:
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
        known.decisions += 1
        if known.due(monotonic()) and not known.busy:
            known.busy = True
            self.behind(lambda: self._renew(known))
        return known

    def _renew(self, known: _Known) -> None:
        try:
            with known.lock:
                self._make(known)
        except StorageError:
            # The next decision meets the same error itself, and says so; until then the old model serves.
            known.made = monotonic()
        finally:
            known.busy = False

    def _make(self, known: _Known) -> None:
        taken = self._taken(known.asked)
        known.decisions, began = 0, monotonic()
        model = self.compute(
            lambda: fit(taken.table, least=known.least, by_hits=known.asked.by_hits, tuning=self.tuning)
        )
        known.learned, known.made = (taken, model), monotonic()
        known.took = known.made - began

    def _taken(self, asked: Asked) -> Taken:
        return read_table(self.whale.storage, self.whale.kept, asked, int(self.whale.clock()))

    def _live(self, known: _Known, context: Context) -> tuple[Model, dict[str, Sums] | None]:
        """The model, and the sums of each option in a context by now: those of the table, and what came since."""
        assert known.learned
        taken, model = known.learned
        if not context.text and any(other.text for other in taken.table.contexts):
            # Who is known nothing of is counted among all others.
            return model, None
        now = int(self.whale.clock())
        today = read_today(self.whale.storage, self.whale.kept, known.asked, context, now)
        live = {}
        for option, (exposure, reward) in today.items():
            key = context.text, option
            before = taken.today.get(key, (0.0, 0.0)) if now - taken.day < DAY else (0.0, 0.0)
            whole = model.whole.get(key, (0.0, 0.0))
            live[option] = whole[0] + exposure - before[0], whole[1] + reward - before[1]
        return model, live


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


def in_holdout(decision: Sequence[str], visitor: object, holdout: object) -> bool:
    """Whether a visitor is among the share that gets options by chance alone: the same ones each time."""
    if not isinstance(holdout, int | float) or isinstance(holdout, bool) or not 0 <= holdout <= 1:
        raise InvalidInput(f'not a share of visitors: {holdout!r:.80} (from 0 to 1, such as 0.1)', field='holdout')
    if not holdout:
        return False
    name = _visitor(visitor)
    if name is None:
        raise InvalidInput('a hold-out needs to know visitors again (give visitor, such as an id)', field='visitor')
    return _number(decision, name, 'holdout') < holdout


def _visitor(visitor: object) -> str | None:
    if visitor is None:
        return None
    if isinstance(visitor, bool) or not isinstance(visitor, str | int) or not 0 < len(str(visitor)) <= 256:
        raise InvalidInput(
            f'not a visitor: {visitor!r:.80} (a text of 1 to 256 characters, or a number)', field='visitor'
        )
    return str(visitor)


def _number(decision: Sequence[str], visitor: str, purpose: str) -> float:
    """A number from 0 to 1 that is the visitor's own in this decision."""
    text = f'{encode(tuple(decision))}\0{purpose}\0{visitor}'.encode(errors='surrogatepass')
    return int.from_bytes(blake2b(text, digest_size=7).digest()[:7]) / 2**56


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
