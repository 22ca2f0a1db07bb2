"""The shapes of results: read by attribute, by name in ``[...]``, or as a dict that is ready for JSON."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields

from hailwhale.experiments.statistics.answers import Interval, NotEnoughData, NoValidMethod
from hailwhale.experiments.statistics.sums import Kind


class Row:
    """A result whose fields make a dict; what is endless, as the end of an interval may be, is None there."""

    __slots__ = ()

    def as_dict(self) -> dict[str, object]:
        """All fields by name, inner ones too."""
        return {field.name: plain(getattr(self, field.name)) for field in fields(self)}  # type: ignore[arg-type]


def plain(value: object) -> object:
    """A value as JSON has it."""
    if isinstance(value, Row):
        return value.as_dict()
    if isinstance(value, NotEnoughData | NoValidMethod):
        return plain(value.as_dict())
    if isinstance(value, Mapping):
        return {name: plain(inner) for name, inner in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [plain(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


@dataclass(frozen=True, slots=True)
class Refusal(Row):
    """Why a goal has no answer, and the way to one.  False."""

    why: str
    way_out: str

    def __bool__(self) -> bool:
        return False

    def __str__(self) -> str:
        return f'{self.why} ({self.way_out})'


@dataclass(frozen=True, slots=True)
class Verdict(Row):
    """A variant against the control, valid however often one looks.

    ``lift`` is relative, ``difference`` absolute; their intervals hold for all comparisons of the table together
    (Bonferroni), at every look.  ``winner`` is the name of the better one, by ``p_adjusted``; None: undecided.
    """

    winner: str | None
    lift: float | None
    lift_ci: Interval | None
    difference: float
    difference_ci: Interval
    p: float
    p_adjusted: float
    method: str
    why: str
    exact: bool


@dataclass(frozen=True, slots=True)
class Once(Row):
    """The same by Welch's test, for one look at an end that was planned: not to be stared at."""

    lift: float | None
    lift_ci: Interval | None
    difference: float
    difference_ci: Interval
    p: float


@dataclass(frozen=True, slots=True)
class Belief(Row):
    """What a Bayesian with a flat prior believes; losses and the credible interval are of the absolute difference."""

    chance_to_win: float
    expected_loss: float
    expected_loss_of_control: float
    difference_ci: Interval


@dataclass(frozen=True, slots=True)
class Outlook(Row):
    """What so many visitors can see, and how many it takes, with the power that was asked for.

    ``detectable_lift`` (and ``detectable_difference``) is the least that is found by now, in one look at the end.
    ``each`` is how many visitors each of the two versions takes until a lift of ``lift`` is found, looking always,
    and ``more`` how many are missing.
    """

    detectable_lift: float | None
    detectable_difference: float | None
    lift: float
    each: int | None
    more: int | None


Headline = Verdict | NotEnoughData | NoValidMethod


@dataclass(frozen=True, slots=True)
class Variant(Row):
    """One variant and one goal: what was counted, and what it shows against the control.

    ``n`` exposures, ``total`` conversions or amount, ``rate`` the conversions or amount of each (of a ratio: the
    ratio), ``ci`` its interval for one look.  ``headline`` and what follows are None for the control; ``belief`` is
    `NotEnoughData` below five visitors with a conversion, or without one, of either version.
    """

    name: str
    n: float
    total: float
    rate: float | None
    ci: Interval | None
    headline: Headline | None = None
    once: Once | None = None
    belief: Belief | NotEnoughData | None = None
    outlook: Outlook | None = None
    cautions: tuple[str, ...] = ()
    reading: str = ''


@dataclass(frozen=True, slots=True)
class GoalResults(Row):
    """One goal: its variants, the control first; or why there is no answer."""

    goal: str
    kind: Kind | None
    better: str
    refusal: Refusal | None
    variants: tuple[Variant, ...]
    reading: str = ''

    def __getitem__(self, name: str) -> Variant:
        return next(variant for variant in self.variants if variant.name == name)


@dataclass(frozen=True, slots=True)
class Shares(Row):
    """Whether visitors were split as planned: ``p`` for every look, ``p_once`` and ``chi2`` for a single one.

    ``mismatch`` is the red flag.  ``missing`` is set where there are too few visitors for ``p_once``.
    """

    counts: Mapping[str, float]
    expected: Mapping[str, float]
    p: float
    p_once: float
    chi2: float
    mismatch: bool
    missing: NotEnoughData | None
    reading: str


@dataclass(frozen=True, slots=True)
class Segment(Row):
    """The goals within one dimension node, its ``path``; empty: overall."""

    path: tuple[str, ...]
    sample_ratio: Shares | None
    goals: tuple[GoalResults, ...]

    def __getitem__(self, goal: str) -> GoalResults:
        return next(found for found in self.goals if found.goal == goal)

    @property
    def readings(self) -> tuple[str, ...]:
        """What it says, a sentence for each goal and variant; first that the split is off, where it is."""
        shares = self.sample_ratio
        found = [shares.reading] if shares is not None and shares.mismatch else []
        for goal in self.goals:
            found += [goal.reading] if goal.reading else [one.reading for one in goal.variants if one.reading]
        return tuple(found)


@dataclass(frozen=True, slots=True)
class Results(Row):
    """A split: what was asked, the answer overall, and by segment.

    ``missing`` is set where there are fewer than two variants; nothing is compared then.  ``allocation`` is
    'adaptive' where what was counted chose who saw what: then ``overall`` is the hold-out, where there is one, and
    ``everyone`` all visitors, by methods that hold for such a split.  ``left_out`` are smaller segments, more than
    were asked for.
    """

    pk: tuple[str, ...]
    period: str
    variants: tuple[str, ...]
    control: str | None
    allocation: str
    alpha: float
    correction: str
    missing: NotEnoughData | None
    overall: Segment
    everyone: Segment | None = None
    segments: tuple[Segment, ...] = ()
    left_out: int = 0
    notes: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return self.missing is None

    def __getitem__(self, goal: str) -> GoalResults:
        return self.overall[goal]

    @property
    def readings(self) -> tuple[str, ...]:
        """All of the answer in plain English, a sentence each: overall, of all visitors, by segment."""
        found = [*self.notes]
        if self.missing is not None:
            found.append(str(self.missing))
        found += self.overall.readings
        if self.everyone is not None:
            found += [f'all visitors: {sentence}' for sentence in self.everyone.readings]
        for segment in self.segments:
            found += [f'{" / ".join(segment.path)}: {sentence}' for sentence in segment.readings]
        if self.left_out:
            found.append(f'{self.left_out:,} smaller segment{"s are" if self.left_out > 1 else " is"} left out')
        return tuple(found)

    def as_dict(self) -> dict[str, object]:
        """All of it, ready for JSON; ``reading`` is a list of sentences."""
        return Row.as_dict(self) | {'reading': list(self.readings)}
