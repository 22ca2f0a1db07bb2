"""The arena: ways to choose meet the same visitors, and what they lose is their score.

The score of a run is 0 for a way that knows every rate and 100 for choosing by chance.  Every seed has other visitors,
other luck, and other rates where those are drawn.
"""

from __future__ import annotations

import os
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from importlib.util import find_spec
from multiprocessing import get_context
from random import Random
from statistics import mean
from typing import NamedTuple

import numpy as np

from hailwhale.decisions.policies import Context
from hailwhale.decisions.simulation import SITUATIONS, Counted, Situation, Way, drawn, play
from tests.benchmarks.references import REFERENCES

OURS = 'decide'
CANCER = 'real_cancer'
#: What can be played.
ALL = (*SITUATIONS, *((CANCER,) if find_spec('sklearn') else ()))
WAYS = (*REFERENCES, OURS)
#: A single run above this has gone wrong.
LOST = 105.0
BEGIN, END = '.. The scores that follow are written by ``t10_decisions --write``', '.. Here they end'

#: By situation and way, a score for each seed.
Scores = Mapping[tuple[str, str], Sequence[float]]


class Task(NamedTuple):
    """One run."""

    situation: str
    way: str
    seed: int
    visitors: int | None = None  #: so many of them; None: all


def played(
    names: Sequence[str],
    ways: Sequence[str],
    seeds: Sequence[int],
    *,
    visitors: int | None = None,
    processes: int | None = None,
) -> Scores:
    """The scores of all; in a process for each core, if not told otherwise."""
    tasks = [Task(name, way, seed, visitors) for seed in seeds for name in names for way in ways]
    found: defaultdict[tuple[str, str], list[float]] = defaultdict(list)
    for task, score in zip(tasks, _each(tasks, processes or os.cpu_count() or 1), strict=True):
        found[task.situation, task.way].append(score)
    return {(name, way): found[name, way] for name in names for way in ways}


def _each(tasks: Sequence[Task], processes: int) -> Iterator[float]:
    if processes == 1:
        yield from _told(map(score_of, tasks), len(tasks))
        return
    # Small matrices: more threads for one of them only get into each other's way.
    os.environ.setdefault('OPENBLAS_NUM_THREADS', '1')
    with ProcessPoolExecutor(processes, get_context('spawn')) as pool:
        yield from _told(pool.map(score_of, tasks), len(tasks))


def _told(scores: Iterator[float], count: int) -> Iterator[float]:
    """The scores, and how far it is."""
    for done, score in enumerate(scores, 1):
        if done % 100 == 0:
            print(f'played {done:,} of {count:,} runs', file=sys.stderr, flush=True)
        yield score


def score_of(task: Task) -> float:
    """The score of one run."""
    situation = situation_of(task.situation, task.seed)
    if task.visitors:
        situation = replace(situation, visitors=task.visitors)
    return play(situation, way_of(task.way, situation, task.seed), task.seed).score


def way_of(name: str, situation: Situation, seed: int) -> Way:
    """A way to choose, with luck of its own."""
    rng = Random(f'{name} {seed}')
    return Counted(rng) if name == OURS else REFERENCES[name](rng, situation)


def situation_of(name: str, seed: int) -> Situation:
    """A situation of the package, or that of real data."""
    return cancer() if name == CANCER else drawn(name, seed)


def cancer() -> Situation:
    """Real data: which of two diagnoses is right for a tumour, of which three measures are known, each as one of four
    steps (Wolberg, Street and Mangasarian, 1995)."""
    from sklearn.datasets import load_breast_cancer

    data = load_breast_cancer()
    columns = [list(data.feature_names).index(f'mean {name}') for name in ('radius', 'texture', 'smoothness')]
    measures = data.data[:, columns]
    steps = [np.searchsorted(np.quantile(column, (0.25, 0.5, 0.75)), column) for column in measures.T]
    contexts = [
        Context.of({'radius': f'{radius}', 'texture': f'{texture}', 'smoothness': f'{smoothness}'})
        for radius, texture, smoothness in zip(*steps, strict=True)
    ]
    rates = tuple((1.0 - right, float(right)) for right in data.target.tolist())
    return Situation(('a', 'b'), (rates,), tuple(contexts), (1.0,) * len(contexts), visitors=10_000)


def ways_of(scores: Scores) -> list[str]:
    """The ways that were played."""
    return list(dict.fromkeys(way for _, way in scores))


def matrix(scores: Scores) -> list[str]:
    """The mean score of each way in each situation, and over all; then single runs of each way."""
    names, ways = list(dict.fromkeys(name for name, _ in scores)), ways_of(scores)
    seeds = len(scores[names[0], ways[0]])
    rows = [['', *ways]]
    rows += [[name, *(f'{mean(scores[name, way]):.1f}' for way in ways)] for name in names]
    runs = {way: [score for name in names for score in scores[name, way]] for way in ways}
    means = {way: [mean(scores[name, way]) for name in names] for way in ways}
    rows.append(['mean', *(f'{mean(means[way]):.1f}' for way in ways)])
    rows.append(['highest', *(f'{max(means[way]):.1f}' for way in ways)])
    rows.append(['highest run', *(f'{max(runs[way]):.1f}' for way in ways)])
    rows.append([f'runs above {LOST:g}', *(f'{100 * mean(score > LOST for score in runs[way]):.1f} %' for way in ways)])
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        '  '.join(
            cell.ljust(width) if not i else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    ]
    return [f'{seeds} seeds', '', *lines]


def page(text: str, scores: Scores, about: str) -> str:
    """A page with these scores in place of those that it has."""
    above, _, rest = text.partition(BEGIN)
    below = rest.partition(END)[2]
    lines = [BEGIN, '', f'{about}, {matrix(scores)[0]}::', '', *(f'    {line}' for line in matrix(scores)[2:]), '', END]
    return above + '\n'.join(lines) + below
