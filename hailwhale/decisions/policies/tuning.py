"""What the policy can be tuned by.  The defaults are measured: docs/design/decisions.rst."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Tuning:
    """Constants of the policy.  Spreads of lifts are shares of the base rate: 0.3 is 30 %."""

    draws: int = 128  #: of the joint posterior; an even number
    floor: float = 0.005  #: share of decisions that is spread evenly over the options
    #: Share of decisions that an option that comes new is sure of at first, and all that do twice that.
    floor_new: float = 0.1
    proven: float = 40.0  #: successes that are to be expected of it until it is sure of no more than others
    spread: float = 0.75  #: standard deviations of the posterior are multiplied by this
    spread_of_money: float = 0.5  #: the same where rewards differ in size
    between_options: float = 0.3  #: spread of options, before anything is known
    between_new: float = 0.5  #: how far one that comes new may be from the others, however alike they are
    between_paths: float = 0.1  #: spread of an option over the paths of a level, before anything is known
    between_contexts: float = 0.2  #: spread of an option over contexts, beside its paths
    expected_options: float = 0.5  #: how far options may spread: the mean of what is expected
    expected_paths: float = 0.15
    expected_contexts: float = 0.4
    worth_learning: float = 2.0  #: how many times the traffic of a context so far is expected of its future; 0: endless
    windows: tuple[float, ...] = (3, 6, 12, 24, 48, 96)  #: hours that are compared with all before, for drift
    drift: float = 1e-3  #: chance of one false alarm in one fit; 0: never looked at
    fewest: float = 10.0  #: expected successes on both sides of such a comparison
    half_life: float | None = None  #: hours after which what was counted says half as much; None: it does not age
    most_contexts: int = 2_000  #: those with fewer decisions are together one of whom nothing is known


def renewed_after(counted: float) -> float:
    """How many more decisions make a new model worth while, after so many: 3 %, but at least 20 and at most 400.

    >>> renewed_after(100), renewed_after(10_000), renewed_after(1e6)
    (20, 300.0, 400)
    """
    return min(max(0.03 * counted, 20), 400)
