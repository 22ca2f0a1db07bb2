"""The decider: chooses an option for a visitor from what has been counted.

A decision reads what was counted today in the visitor's context, in one round trip, and asks a model for the weights.
The model is made of all that was counted, and made anew behind the requests: once there are 3 % more decisions, or
some time has passed.  Who asks after a pause waits for a new one, where that is soon made.  Nothing is stored but
counters: whoever reads them, and whenever, decides alike.
"""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import compress
from os import getpid
from time import monotonic
from typing import Protocol, TypeVar

from hailwhale.choices import MOST_WEIGHTS, Decision, Reason, Weights
from hailwhale.decisions.asking import asked_of, is_least
from hailwhale.decisions.choosing import Apart, Who, apart_of, by_chance, chosen, read_many
from hailwhale.decisions.contexts import NOBODY
from hailwhale.decisions.counting import context_of
from hailwhale.decisions.known import Known, Lock, Seen
from hailwhale.decisions.policies import Context, Model, Moments, Sums, Table, Tuning, Turn, fit
from hailwhale.decisions.policies.tables import ALL_FIELDS, NOTHING, Fields
from hailwhale.decisions.reading import Asked, Taken, Today, fetch_table
from hailwhale.decisions.visitors import checked_share, visitor_name
from hailwhale.decisions.warned import cost_warning, missing
from hailwhale.errors import HailWhaleError, LimitExceeded
from hailwhale.intervals import DAY
from hailwhale.paths import MAX_NAME_BYTES, path_name
from hailwhale.whale import Whale

#: Decisions whose models are remembered.
_REMEMBERED = 1_000
#: Weights of a decision that are remembered, and contexts that they are of at the least; and sums and weights of all
#: decisions together, of which those that were not asked for longest go first.
_WEIGHTS, _CONTEXTS, _HELD = 50_000, 16, 300_000
#: Sums that are read in one round trip: the replies of more are slow to be told apart.  And how many visitors or
#: contexts take long enough for others to mind.
_TOGETHER, _SEVERAL = 1_000, 100
#: Seconds that a decision waits while another one has a model made anew, before it takes the old one.
_PATIENCE = 1.0

_log = logging.getLogger(__name__)


Given = TypeVar('Given')
Found = TypeVar('Found')


class Compute(Protocol):
    """Runs what takes a while, and asks no engine."""

    def __call__(self, work: Callable[[], Found], /) -> Found:
        """What the work answers."""


class Decider:
    """Decides by the counters of one whale.  Safe for threads and greenlets.

    ``behind``   runs what makes a model anew, beside the requests; by default in a thread
    ``compute``  runs the arithmetic of it, up to a second, and that of many visitors; a server of greenlets
                 gives it to a real thread
    ``reuse``    seconds for which the weights of a context serve again; 0: every decision reads the counters
    """

    def __init__(
        self,
        whale: Whale,
        *,
        tuning: Tuning | None = None,
        behind: Callable[[Callable[[], None]], object] | None = None,
        compute: Compute | None = None,
        reuse: float = 0.0,
    ) -> None:
        self.whale = whale
        self.tuning = tuning or Tuning()
        self.behind = behind or _in_thread
        self.compute: Compute = compute or _here
        self.reuse = reuse
        #: Bytes of a context: counting has it as a name, which its settings may want shorter.
        self._most = min(whale.limits.name, MAX_NAME_BYTES)
        self._lock = Lock()
        self._known: OrderedDict[tuple[object, ...], Known] = OrderedDict()

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
        names, asked = asked_of(pk_base, decision_name, options, formula, period, goal)
        who = Who(self._context(known_data), visitor_name(visitor), bot, seed)
        warning = cost_warning(asked, goal)
        apart = apart_of(asked, who, holdout)
        if apart:
            return by_chance(asked, names, who, apart, warning)
        known = self._known_of(asked, is_least(goal), fresh=explain)
        (seen,) = self._weighed(known, [who.context], fresh=explain)
        return chosen(asked, names, who, seen, explain, _both(warning, known.missing))

    def decide_many(
        self,
        visitors: Sequence[object],
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
        """A decision for each of many visitors, as `read_visitor` reads them; in one round trip for many contexts."""
        names, asked = asked_of(pk_base, decision_name, options, formula, period, goal)
        if len(visitors) * len(names) > MOST_WEIGHTS:
            raise LimitExceeded(
                f'{len(visitors):,} visitors of {len(names):,} options are more than {MOST_WEIGHTS:,} weights '
                f'(ask for {MOST_WEIGHTS // len(names):,} visitors at a time)',
                field='visitors',
            )
        warning = cost_warning(asked, goal)
        checked_share(holdout)
        everybody = self._at_once(list(enumerate(visitors)), partial(read_many, asked, holdout, self._most))
        known = self._known_of(asked, is_least(goal), fresh=explain, decisions=len(everybody))
        contexts = list(dict.fromkeys(who.context for who, apart in everybody if not apart))
        seen = dict(zip(contexts, self._weighed(known, contexts, fresh=explain), strict=True))
        both = _both(warning, known.missing)

        def decided(some: Sequence[tuple[Who, Apart]]) -> list[Decision]:
            return [
                by_chance(asked, names, who, apart, warning)
                if apart
                else chosen(asked, names, who, seen[who.context], explain, both)
                for who, apart in some
            ]

        return self._at_once(everybody, decided)

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
        _, asked = asked_of(pk_base, decision_name, options, formula, period, goal)
        context = self._context(known_data)
        known = self._known_of(asked, is_least(goal), fresh=True)
        (found,) = self._weighed(known, [context], fresh=True)
        return found.model.reasons(found.context, asked.options, found.live)

    def table(
        self, pk_base: object, decision_name: object, options: object, formula: object, period: object = None
    ) -> Table:
        """All that was counted of a decision, but for what is left aside; see `hailwhale.decisions.attribution`."""
        _, asked = asked_of(pk_base, decision_name, options, formula, period, 'max')
        return self.compute(self._fetched(asked)).table

    def _context(self, known_data: object) -> Context:
        return context_of(known_data, most=self._most)

    # -- models ------------------------------------------------------------------------------------------------------

    def _known_of(self, asked: Asked, least: bool, *, fresh: bool = False, decisions: int = 1) -> Known:
        """What is known of a decision; ``fresh``: by a model of about now."""
        key = (asked, least)
        with self._lock.own():
            known = self._known.get(key)
            if known is None:
                known = self._known[key] = Known(asked, least, Today(asked))
                self._forget()
            self._known.move_to_end(key)
        now = monotonic()
        if known.learned is None or (fresh and known.stale(now)):
            with known.lock.own():
                # Whoever waited for the lock is served by what was made meanwhile.
                if known.learned is None or known.made < now:
                    self._make(known)
        elif known.overdue(now):
            self._renew(known, now)
        known.decisions += decisions
        known.total += decisions
        if known.due(now) and known.busy != getpid():
            self._begin(known, now)
        return known

    def _forget(self) -> None:
        """Forget the decisions that were not asked for longest, where all together hold too much."""
        held = sum(known.size for known in self._known.values())
        while len(self._known) > 1 and (len(self._known) > _REMEMBERED or held > _HELD):
            _, oldest = self._known.popitem(last=False)
            held -= oldest.size

    def _begin(self, known: Known, now: float) -> None:
        """Have a model made behind; the old one serves where that cannot even begin."""
        known.busy = getpid()
        try:
            self.behind(lambda: self._renew_behind(known, now))
        except RuntimeError:
            # No more threads can be started, for now or at the end of the process.
            known.busy = 0
            if not known.stuck:
                _log.exception('no thread makes a model of %s; it is tried again', path_name(known.asked.pk))
            known.stuck = True
        else:
            known.stuck = False

    def _renew_behind(self, known: Known, asked_at: float) -> None:
        try:
            self._renew(known, asked_at)
        finally:
            known.busy = 0

    def _renew(self, known: Known, asked_at: float) -> None:
        """Make a model anew, unless another one was made meanwhile; the old one serves where that fails."""
        lock = known.lock.own()
        if not lock.acquire(timeout=_PATIENCE):
            known.made = monotonic()
            return
        try:
            if known.made < asked_at:
                self._make(known)
        except HailWhaleError:
            # The decision meets the same error itself, and says so.  What failed is not tried again at once.
            known.made = monotonic()
        finally:
            lock.release()

    def _make(self, known: Known) -> None:
        began = monotonic()
        known.decisions, known.counted, known.stirred = 0, 0.0, False
        try:
            learned = self._learned(known)
        except HailWhaleError:
            raise
        except Exception:
            if not known.failed:
                _log.exception('no model of %s could be made; it is tried again later', path_name(known.asked.pk))
            known.failed, learned = True, known.learned or self._nothing(known.asked)
        else:
            known.failed = False
        now = monotonic()
        known.renewed(learned, now, now - began)

    def _learned(self, known: Known) -> tuple[Taken, Model]:
        tell = self._fetched(known.asked)

        def learn() -> tuple[Taken, Model]:
            taken = tell()
            model = fit(taken.table, least=known.least, by_hits=known.asked.by_hits, tuning=self.tuning)
            model.prepare(known.asked.options)
            return taken, model

        taken, model = self.compute(learn)
        known.missing = missing(self.whale, known.asked, taken)
        return taken, model

    def _nothing(self, asked: Asked) -> tuple[Taken, Model]:
        """What is known of a decision where nothing could be learned: all options are alike."""
        now = int(self.whale.clock())
        taken = Taken(Table([], asked.options, [], Moments(0.0, 0.0)), now - now % DAY, {})
        return taken, Model(asked.options, self.tuning, Turn(), {})

    def _fetched(self, asked: Asked) -> Callable[[], Taken]:
        return fetch_table(self.whale.storage, self.whale.kept, asked, int(self.whale.clock()))

    def _weighed(self, known: Known, contexts: Sequence[Context], *, fresh: bool) -> list[Seen]:
        """The weights of options by now, in each of some contexts; ``fresh``: not by a model of before all rewards."""
        now = monotonic()
        found = self._found(known, contexts, fresh)
        if known.stirred and ((fresh and not known.failed) or known.overdue(now)):
            self._renew(known, now)
            found = self._found(known, contexts, fresh)
        return found

    def _found(self, known: Known, contexts: Sequence[Context], fresh: bool) -> list[Seen]:
        """The same by the model that is there: as they were read a moment ago, or read now; ``fresh``: all sums now."""
        learned, now = known.learned, monotonic()
        assert learned
        taken, model = learned
        asked = [NOBODY] if taken.joined and contexts else contexts
        reuse = 0.0 if fresh else self.reuse
        found: list[Seen | None] = []
        missing: list[tuple[Context, Seen | None]] = []
        for context in asked:
            seen = known.seen.get(context.text)
            # Another thread may have put in one of the model after this one.
            last = seen if seen and seen.model is model else None
            if last and now - last.read < reuse:
                found.append(last)
            else:
                found.append(None)
                missing.append((context, last))
        fields = ALL_FIELDS if fresh else model.fields
        looked = iter(self._looked(known, learned, missing, fields, now) if missing else ())
        everyone = [one or next(looked) for one in found]
        return everyone * len(contexts) if taken.joined else everyone

    def _looked(
        self,
        known: Known,
        learned: tuple[Taken, Model],
        missing: Sequence[tuple[Context, Seen | None]],
        fields: Fields,
        now: float,
    ) -> list[Seen]:
        """Those of contexts, each with what was seen of it before, by some fields of the sums that are read now."""
        # Of whatever order the options are given in, the weights are the same.
        (taken, model), seen, options = learned, known.seen, known.asked.options
        room = max(_CONTEXTS, _WEIGHTS // len(options))
        if len(seen) + sum(context.text not in seen for context, _ in missing) > room:
            seen.clear()
        most = max(1, _TOGETHER // len(options))
        found = []
        for start in range(0, len(missing), most):
            some = missing[start : start + most]
            lives = self._live(known, taken, model, [context for context, _ in some], fields)
            triples = [(context, live, last) for (context, last), live in zip(some, lives, strict=True)]
            weights = self._at_once(triples, partial(_weights, model, options))
            for (context, live, last), by_option in zip(triples, weights, strict=True):
                if live is not None:
                    known.saw(live, (last and last.live) or model.counted(context, options))
                one = Seen(model, context, live, by_option, now)
                found.append(one)
                if len(seen) < room or context.text in seen:
                    seen[context.text] = one
        return found

    def _at_once(self, given: Sequence[Given], work: Callable[[Sequence[Given]], list[Found]]) -> list[Found]:
        """What is worked out of each of some things: of many as a model is."""
        return self.compute(lambda: work(given)) if len(given) > _SEVERAL else work(given)

    def _live(
        self, known: Known, taken: Taken, model: Model, contexts: Sequence[Context], fields: Fields
    ) -> list[dict[str, Sums] | None]:
        """The sums of each option in some contexts by now: those of the table, and in some fields what came since.

        None for those of whom nothing is known, where of others something is: they are counted among all.  And for
        those of which nothing is told, whatever is counted there.
        """
        # Read as a whole, those of whom nothing is known would have what is left aside counted with them.
        aside = taken.aside
        named = any(aside) or any(context.text for context in taken.table.contexts)
        told = [(context.text or not named) and context.text not in aside for context in contexts]
        now = int(self.whale.clock())
        read = list(compress(contexts, told))
        today = iter(known.today.read(self.whale.storage, self.whale.kept, read, now, fields))
        before = taken.today if now - taken.day < DAY else {}
        by_hits = known.asked.by_hits
        return [
            _since(context.text, fields, next(today), before, model.whole, by_hits) if is_told else None
            for context, is_told in zip(contexts, told, strict=True)
        ]


def _since(
    text: str,
    fields: Fields,
    today: Mapping[str, Sequence[float]],
    before: Mapping[tuple[str, str], Sums],
    whole: Mapping[tuple[str, str], Sums],
    by_hits: bool,
) -> dict[str, Sums]:
    """All sums of each option in a context: those of a table, and in some fields those of today without what the table
    had of today.

    What was earned where nothing was shown by now tells nothing.
    """
    live = {}
    for option, amounts in today.items():
        key = text, option
        all, old = whole.get(key, NOTHING), before.get(key, NOTHING)
        found = list(all)
        for field, amount in zip(fields, amounts, strict=True):
            found[field] = all[field] + amount - old[field]
        live[option] = all if by_hits and found[0] <= 0 else Sums(*found)
    return live


def _weights(
    model: Model, options: Sequence[str], some: Sequence[tuple[Context, dict[str, Sums] | None, Seen | None]]
) -> list[Weights]:
    """The weights in each of some contexts, by the sums there and what they were before."""
    return [
        last.weights if last and last.live == live else model.weights(context, options, live)
        for context, live, last in some
    ]


def _both(one: str | None, other: str | None) -> str | None:
    return f'{one}; {other}' if one and other else one or other


def _here(work: Callable[[], Found]) -> Found:
    return work()


def _in_thread(work: Callable[[], None]) -> None:
    threading.Thread(target=work, name='hailwhale-decisions', daemon=True).start()
