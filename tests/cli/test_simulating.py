"""``hailwhale simulate``."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from random import Random

import pytest

from hailwhale.cli.playing import OneTest, play_all
from hailwhale.decisions.policies import Context
from hailwhale.decisions.simulation import SITUATIONS, Situation
from tests.cli.conftest import Run

ANYBODY = Context.of(None)


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
    assert even['score'] == pytest.approx(100, abs=5)
    assert decide['score'] < test['score'] < even['score']
    assert json.loads(run(*command)[1]) == found
    assert json.loads(run(*command, '--seed', '9')[1]) != found


def test_nothing_is_lost_where_all_are_alike(run: Run) -> None:
    out = run('simulate', '{a: 0, b: 0}', '--days', '2', '--per-day', '20', '--seeds', '1')[1]
    assert '█' not in out
    assert ' 0 ' in out.splitlines()[2]


def test_options_without_names_are_numbered_and_the_first_of_equals_is_the_best(run: Run) -> None:
    out = run('simulate', '[0.1, 0.3, 0.3]', '--days', '1', '--per-day', '100', '--seeds', '1')[1]
    assert out.splitlines()[0] == '100 visitors, of whom 2 would convert 30:'


def test_rates_may_differ_by_context_and_then_only_the_policy_finds_the_best_for_each(run: Run) -> None:
    rates = '{US: {blue: 0.1, red: 0.4}, UK: {red: 0.1, blue: 0.4}}'
    command = ('simulate', rates, '--days', '4', '--per-day', '500', '--seeds', '1')
    out = run(*command)[1]
    assert out.splitlines()[0] == '2,000 visitors, of whom the best options would convert 800:'
    found = json.loads(run(*command, '--json')[1])
    assert found['decide']['best_at_the_end'] > 0.85
    for name in ('even split', 'test, then winner'):
        assert found[name]['best_at_the_end'] == pytest.approx(0.5, abs=0.1)


@pytest.mark.parametrize('name', SITUATIONS)
def test_every_named_situation_can_be_played(run: Run, name: str) -> None:
    code, out, err = run('simulate', '--situation', name, '--days', '2', '--per-day', '60', '--seeds', '1')
    assert (code, err) == (0, '')
    first, second, *_ = out.splitlines()
    assert first == f'{name}: {SITUATIONS[name].__doc__}'
    assert second.startswith('120 visitors, of whom the best options would ')
    assert ('earn' if name.startswith('money') else 'convert') in second


def test_a_situation_has_visitors_and_days_of_its_own(run: Run) -> None:
    out = run('simulate', '--situation', 'five_wide', '--seeds', '1', '--json')[1]
    found = json.loads(out)
    assert len(found['decide']['lost_daily']) == 4
    # By chance 3.6 of 8 % are lost for each of 20,000 visitors.
    assert found['even split']['lost'] == pytest.approx(20_000 * 0.036, rel=0.05)
    out = run('simulate', '--situation', 'five_wide', '--seeds', '1', '--days', '3', '--per-day', '50', '--json')[1]
    assert len(json.loads(out)['decide']['lost_daily']) == 3


def learned(test: OneTest, counts: dict[str, tuple[int, int]], amount: float = 1.0) -> OneTest:
    """A test that was told of so many visitors and successes, a day later."""
    test.choose(ANYBODY, list(counts))
    for option, (visitors, successes) in counts.items():
        for number in range(visitors):
            test.learn(option, ANYBODY, 1, amount * (1 + number % 2) if number < successes else 0)
    test.tick(24.5)
    return test


def shown(test: OneTest, options: Sequence[str]) -> set[str]:
    return {test.choose(ANYBODY, options) for _ in range(50)}


def test_a_test_without_a_winner_goes_on_as_an_even_split() -> None:
    test = OneTest(Random(1), 0.05)
    for number in range(400):
        test.learn(test.choose(ANYBODY, ['a', 'b']), ANYBODY, 1, number % 10 < 2)
    test.tick(24.0)
    assert test.winner is None
    assert shown(test, ['a', 'b']) == {'a', 'b'}
    alike = Situation.of_rates({'': {'a': 0.2, 'b': 0.2}}, visitors=10)
    assert {way.lost for _, way in play_all(alike, 0.05, 1)} == {(0.0,)}


def test_a_test_is_looked_at_when_the_day_is_over() -> None:
    test = OneTest(Random(1), 0.05)
    options = ['a', 'b']
    test.choose(ANYBODY, options)
    for option, successes in (('a', 100), ('b', 300)):
        for number in range(1_000):
            test.learn(option, ANYBODY, 1, number < successes)
    test.tick(23.9)
    assert shown(test, options) == {'a', 'b'}
    test.tick(24.0)
    assert shown(test, options) == {'b'}


def test_a_test_with_a_winner_stays_with_it_until_there_is_another_option() -> None:
    test = learned(OneTest(Random(1), 0.05), {'a': (1_000, 300), 'b': (1_000, 100)})
    assert shown(test, ['a', 'b']) == {'a'}
    test.learn('b', ANYBODY, 1, 1)
    test.tick(48.0)
    assert shown(test, ['a', 'b']) == {'a'}
    assert shown(test, ['a', 'b', 'c']) == {'a', 'b', 'c'}


def test_a_winner_has_to_be_better_than_each_of_the_others() -> None:
    counts = {'a': (1_000, 300), 'b': (1_000, 100), 'c': (1_000, 301)}
    assert learned(OneTest(Random(1), 0.05), counts).winner is None
    assert learned(OneTest(Random(1), 0.05), counts | {'c': (1_000, 500)}).winner == 'c'


def test_a_test_of_amounts_looks_at_what_they_bring() -> None:
    test = learned(OneTest(Random(1), 0.05), {'a': (3_000, 300), 'b': (3_000, 900)}, amount=20.0)
    assert test.winner == 'b'


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (('{a: 0.5}',), 'not rates of options: '),
        (('a',), "not rates of options: 'a' (two or more: {blue: 0.03, red: 0.036})"),
        (('{a: 0.5, b: 5}',), "not the rate of 'b': 5 (from 0 to 1)"),
        (('{a: 0.5, b: true}',), "not the rate of 'b': True (from 0 to 1)"),
        (('{a: 0.5, b: x}',), "not the rate of 'b': 'x' (from 0 to 1)"),
        (('{US: {a: 0.5, b: 0.5}, UK: {a: 0.5, c: 0.5}}',), 'not the same options everywhere: '),
        (('{US: {a: 0.5, b: 0.5}, UK: 0.5}',), "not the rate of 'US': "),
        (('{}',), 'not rates of options: {}'),
        ((), "rates of options, or a situation ('{blue: 0.03, red: 0.036}', or --situation country)"),
        (('[0.1, 0.2]', '--situation', 'flip'), 'rates of options, or a situation'),
        (('--situation', 'x'), "no such situation: 'x' (there are two_small, five_wide, "),
        (('--situation', 'money', '--seeds', '101'), 'more than 5,000,000 visitors'),
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
