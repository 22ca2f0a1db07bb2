"""Tables of what was counted, short to write."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from hailwhale.decisions.policies import Cell, Context, Moments, Table
from hailwhale.decisions.policies.arrays import Floats

#: Exposure, reward, and how often something was earned where that was counted.
Row = Sequence[float]
ANYBODY = Context.of(None)


def table(rows: Mapping[str, Row], squares: float | None = None, *, age: float = 1.0) -> Table:
    """One hour without contexts: the sums of each option."""
    return of_contexts({ANYBODY: rows}, squares, age=age)


def of_contexts(rows: Mapping[Context, Mapping[str, Row]], squares: float | None = None, *, age: float = 1.0) -> Table:
    """One hour: the sums of each option by context."""
    return by_hour(
        [(age, context, option, row) for context, some in rows.items() for option, row in some.items()], squares
    )


def by_hour(rows: Iterable[tuple[float, Context, str, Row]], squares: float | None = None) -> Table:
    """Sums by age in hours, context and option."""
    rows = list(rows)
    contexts = list(dict.fromkeys(context for _, context, _, _ in rows))
    options = list(dict.fromkeys(option for _, _, option, _ in rows))
    places = {context: place for place, context in enumerate(contexts)}
    cells = [Cell(places[context], options.index(option), age, *row) for age, context, option, row in rows]
    moments = Moments(sum(cell.exposure for cell in cells), sum(cell.reward for cell in cells), squares)
    return Table(contexts, options, cells, moments)


def reordered(given: Table, *, contexts: Sequence[int] = (), options: Sequence[int] = (), seed: int = 0) -> Table:
    """The same table with its contexts and options at other places, and its cells in another order."""
    contexts, options = contexts or range(len(given.contexts)), options or range(len(given.options))
    cells = given.columns().T.copy()
    cells[:, 0] = np.argsort(contexts)[cells[:, 0].astype(int)]
    cells[:, 1] = np.argsort(options)[cells[:, 1].astype(int)]
    return Table(
        [given.contexts[place] for place in contexts],
        [given.options[place] for place in options],
        cells[np.random.default_rng(seed).permutation(len(cells))],
        given.moments,
    )


def scaled(given: Table, by: float) -> Table:
    """The same table with all rewards worth so many times as much."""
    cells, (exposure, reward, squares, exposures, products) = given.columns().T.copy(), given.moments
    cells[:, 4] *= by
    squares = reward if squares is None else squares
    products = None if products is None else products * by
    return replace(given, cells=cells, moments=Moments(exposure, reward * by, squares * by * by, exposures, products))


def late(lag: float, seed: int, *, hours: int = 120, rates: Sequence[float] = (0.05, 0.08)) -> tuple[Floats, ...]:
    """Age, option, exposure and reward by hour, where each success comes an exponential time after its visitor."""
    rng = np.random.default_rng(seed)
    found = []
    for option, rate in enumerate(rates):
        per_hour = rng.integers(20, 120, hours)
        begin = np.repeat(np.arange(hours), per_hour) + rng.random(per_hour.sum())
        come = begin[rng.random(len(begin)) < rate]
        come = come + (rng.exponential(lag, len(come)) if lag else 0.0)
        earned = np.bincount(come[come < hours].astype(int), minlength=hours)
        age = hours - np.arange(hours) - 0.5
        found.append(np.array([age, np.full(hours, option), per_hour, earned], float))
    return tuple(np.concatenate(found, axis=1))


def late_table(lag: float, seed: int, *, rates: Sequence[float] = (0.05, 0.08)) -> Table:
    """The same as a table of options a, b ..."""
    columns = zip(*(column.tolist() for column in late(lag, seed, rates=rates)), strict=True)
    return by_hour([(age, ANYBODY, 'abcdef'[int(option)], row) for age, option, *row in columns])
