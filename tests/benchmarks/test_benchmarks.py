"""The benchmarks themselves: each runs, in its quick form, and compares every answer with the model on the way."""

from __future__ import annotations

import math
import shutil
from pathlib import Path

import pytest

from tests.benchmarks import __main__ as program
from tests.benchmarks import report
from tests.benchmarks.baselines import Model, same
from tests.benchmarks.measure import Bench, Figure, at_least_times, at_most, at_most_above
from tests.benchmarks.workloads import sales, visits

NOW = 1_700_000_000


@pytest.mark.parametrize('target', program.TARGETS)
def test_every_figure_is_measured_and_its_counts_are_those_of_the_model(target: str) -> None:
    figures = program.measure(target, Bench(runs=1, quick=True))
    # T3 needs a client that is faster than ours, and says so where it is not there.
    assert figures or (target == 't3' and shutil.which('wrk') is None)
    for figure in figures:
        # What went wrong may be 0; a baseline is divided by.
        assert all(0 <= value < math.inf for value in figure.ours), figure
        assert all(0 < value < math.inf for value in figure.theirs), figure
        assert bool(figure.theirs) == bool(figure.baseline)
        assert figure.theirs or figure.goal


def test_an_event_of_w1_is_ninety_increments() -> None:
    (event,) = sales(1, NOW)
    assert len(Model().count_all([event]).counted) == 90


def test_a_user_in_every_sale_makes_all_of_them_distinct() -> None:
    events = sales(500, NOW, users=True)
    assert len({event.nodes[-1] for event in events}) == len(events)


def test_the_workloads_are_the_same_in_every_run() -> None:
    assert sales(50, NOW) == sales(50, NOW)
    assert visits(50, NOW) == visits(50, NOW)


def test_an_answer_that_differs_ends_the_benchmark() -> None:
    with pytest.raises(ArithmeticError, match='the total: 1 is not 2'):
        same(1, 2, 'the total')


def test_a_ratio_is_that_of_the_same_runs() -> None:
    # In the second run the machine was ten times slower: that says nothing about us.
    figure = Figure('T1', 'W1', 'rate', '1/s', [100, 10, 90], 'RAW', [200, 20, 180], at_least_times(0.5))
    assert figure.ratio == 0.5
    assert figure.met


def test_a_goal_may_lie_above_the_baseline() -> None:
    assert Figure('T', 'W', 'p99', 'ms', [1.04], 'RTT', [0.05], at_most_above(1, 'ms')).met
    assert not Figure('T', 'W', 'p99', 'ms', [1.06], 'RTT', [0.05], at_most_above(1, 'ms')).met


def test_the_results_replace_the_last_ones_and_leave_what_is_written_by_hand(tmp_path: Path) -> None:
    page = tmp_path / 'page.rst'
    page.write_text('Performance\n===========\n\nBy hand.\n')
    for value in (25.0, 31.0):
        figure = Figure('T5', 'W2', 'memory', 'bytes', [value], goal=at_most(30))
        report.write(['a machine'], [figure], page)
    text = page.read_text()
    assert text.startswith(f'Performance\n===========\n\nBy hand.\n\n{report.MARKER}')
    assert '31.0' in text
    assert 'NO' in text
    assert '25.0' not in text


def test_targets_that_were_not_measured_keep_their_results(tmp_path: Path) -> None:
    page = tmp_path / 'page.rst'
    page.write_text('By hand.\n')
    old, last, new = (Figure(target, 'W', 'how long', 's', [1.0]) for target in ('T9', 'growth', 'T10'))
    report.write(['one machine', 'its engine'], [old, last], page)
    for _ in range(2):
        report.write(['another'], [new], page)
    text = page.read_text()
    order = [text.index(f'* - {target}\n') for target in ('T9', 'T10', 'growth')]
    assert order == sorted(order)
    assert text.count('* - T10\n') == 1
    assert '| one machine\n| its engine\n| T10: another\n\n' in text
    report.write(['a third'], [old, last, new], page)
    assert '| one machine' not in page.read_text()


def test_the_program_prints_a_table_and_says_whether_a_goal_was_missed(capsys: pytest.CaptureFixture[str]) -> None:
    missed = program.main(['t9', '--quick'])
    lines = capsys.readouterr().out.splitlines()
    assert any(line.split()[:3] == ['target', 'workload', 'figure'] for line in lines)
    assert missed == any(line.endswith(' NO') for line in lines)


def test_an_unknown_target_is_bad_usage() -> None:
    with pytest.raises(SystemExit, match='2'):
        program.main(['t99'])
