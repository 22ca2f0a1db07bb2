"""``hailwhale simulate``."""

from __future__ import annotations

import json
import sys

import pytest

from hailwhale.cli.playing import OneTest, play
from tests.cli.conftest import Run


def test_each_way_is_a_line_with_what_it_loses_and_a_graph_day_by_day(run: Run) -> None:
    code, out, err = run('simulate', '{blue: 0.1, red: 0.3}', '--days', '4', '--per-day', '200', '--seeds', '2')
    assert (code, err) == (0, '')
    lines = out.splitlines()
    assert lines[0] == '800 visitors, of whom red would convert 240:'
    assert lines[1].split() == ['lost', 'best', 'at', 'the', 'end']
    assert [line[:17].rstrip() for line in lines[2:5]] == ['even split', 'test, then winner', 'decide']
    assert lines[2].endswith('█' * 20)
    assert [line[:17].rstrip() for line in lines[7:]] == ['even split', 'test, then winner', 'decide']
    # Who has found the winner loses nothing any more.
    assert len(lines[8]) < len(lines[7])


def test_the_policy_loses_less_than_a_test_and_a_test_less_than_an_even_split(run: Run) -> None:
    command = ('simulate', '[0.1, 0.12, 0.3]', '--days', '5', '--per-day', '300', '--seeds', '2', '--json')
    found = json.loads(run(*command)[1])
    even, test, decide = (found[name] for name in ('even split', 'test, then winner', 'decide'))
    assert even['lost'] == pytest.approx(1500 * (0.2 + 0.18) / 3, rel=0.1)
    assert decide['lost'] < test['lost'] < even['lost']
    assert even['lost'] == pytest.approx(sum(even['lost_daily']))
    assert even['best_at_the_end'] == pytest.approx(1 / 3, abs=0.1)
    assert test['best_at_the_end'] == 1
    assert decide['best_at_the_end'] > 0.9
    assert json.loads(run(*command)[1]) == found
    assert json.loads(run(*command, '--seed', '9')[1]) != found


def test_nothing_is_lost_where_all_are_alike(run: Run) -> None:
    out = run('simulate', '{a: 0, b: 0}', '--days', '2', '--per-day', '20', '--seeds', '1')[1]
    assert '█' not in out
    assert ' 0 ' in out.splitlines()[2]


def test_a_test_without_a_winner_goes_on_as_an_even_split() -> None:
    test = OneTest(['a', 'b'], 0.05)
    for number in range(400):
        test.learn(test.choose(number % 2 / 2, 0.0), number % 10 < 2, 0.0)
    test.end_day()
    assert (test.winner, test.choose(0.9, 1.0)) == (None, 'b')
    ways = dict(play({'a': 0.2, 'b': 0.2}, days=1, per_day=10, alpha=0.05, seed=1))
    assert {way.lost for way in ways.values()} == {(0.0,)}


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (('{a: 0.5}',), 'not rates of options: '),
        (('a',), "not rates of options: 'a' (two or more: {blue: 0.03, red: 0.036})"),
        (('{a: 0.5, b: 5}',), "not the rate of 'b': 5 (from 0 to 1)"),
        (('{a: 0.5, b: true}',), "not the rate of 'b': True (from 0 to 1)"),
        (('{a: 0.5, b: x}',), "not the rate of 'b': 'x' (from 0 to 1)"),
        (('[0.1, 0.2]', '--alpha', '2'), 'alpha is 2 (use a number between 0 and 1, such as 0.05)'),
        (('[0.1, 0.2]', '--per-day', '9999999'), 'more than 5,000,000 visitors (play fewer of them, days or seeds)'),
    ],
)
def test_what_cannot_be_played_is_told(run: Run, options: tuple[str, ...], message: str) -> None:
    code, out, err = run('simulate', *options)
    assert (code, out) == (2, '')
    assert message in err


def test_without_its_libraries_it_says_what_to_install(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, 'hailwhale.cli.playing', None)
    code, _, err = run('simulate', '[0.1, 0.2]')
    assert code == 1
    assert "pip install 'hailwhale[decide]'" in err
