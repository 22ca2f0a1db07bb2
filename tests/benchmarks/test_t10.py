"""T10 in short: the policy beside well-known ways to choose, those ways, and how scores are held and shown."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from random import Random
from statistics import mean

import numpy as np
import pytest

from hailwhale.decisions.policies import Context
from hailwhale.decisions.simulation import Situation, drawn, play, visits
from tests.benchmarks import t10_decisions as t10
from tests.benchmarks.arena import (
    ALL,
    BEGIN,
    END,
    LOST,
    OURS,
    Scores,
    cancer,
    matrix,
    page,
    played,
    situation_of,
    way_of,
)
from tests.benchmarks.measure import Figure
from tests.benchmarks.references import REFERENCES, LinearThompson, features, properties
from tests.benchmarks.simulated import Policy

CLEAR = Situation.of_rates({'': {'a': 0.1, 'b': 0.15, 'c': 0.5}}, visitors=3_000)
BY_COUNTRY = Situation.of_rates({'US': {'a': 0.1, 'b': 0.4}, 'UK': {'a': 0.4, 'b': 0.1}}, visitors=4_000)


def test_the_policy_loses_less_than_the_others_over_a_few_situations_and_never_much_more() -> None:
    names, others = ('five_wide', 'country', 'flip'), ('epsilon-greedy', 'Thompson', 'Thompson by context')
    # In processes of their own, which nothing slows that looks at lines.
    scores = played(names, (*others, OURS), range(2), visitors=10_000, processes=2)
    ours = {name: mean(scores[name, OURS]) for name in names}
    for way in others:
        assert mean(ours.values()) < mean(mean(scores[name, way]) for name in names), way
        for name in names:
            assert ours[name] <= mean(scores[name, way]) + t10.ABOVE, (name, way)
    assert max(ours.values()) < t10.HIGHEST


@pytest.mark.parametrize('way', [name for name in REFERENCES if name != 'chance'])
def test_every_reference_finds_what_is_clearly_best(way: str) -> None:
    assert play(CLEAR, way_of(way, CLEAR, 1), 1).score < 40


@pytest.mark.parametrize('way', sorted({'Thompson by context', 'LinTS', 'SquareCB'} & set(REFERENCES)))
def test_references_that_know_contexts_find_a_winner_that_differs(way: str) -> None:
    assert play(BY_COUNTRY, way_of(way, BY_COUNTRY, 1), 1).score < 60


@pytest.mark.parametrize('way', sorted({'epsilon-greedy', 'Thompson', 'LinTS', 'SquareCB'} & set(REFERENCES)))
def test_references_learn_from_amounts_too(way: str) -> None:
    situation = replace(CLEAR, amounts=((40.0, 40.0, 40.0),), spread=0.5)
    assert play(situation, way_of(way, situation, 1), 1).score < 50


def test_linear_thompson_sampling_is_a_ridge_regression_for_each_option() -> None:
    situation = replace(drawn('country', 1), visitors=400)
    way = LinearThompson(Random(1), 24)
    seen: list[tuple[int, Context, float]] = []
    for number, visit in enumerate(visits(situation, 1)):
        option = number % 3
        way.learn('abc'[option], situation.contexts[visit.context], 1, visit.rewards[option])
        seen.append((option, situation.contexts[visit.context], visit.rewards[option]))
    names = list(dict.fromkeys(name for _, context, _ in seen for name in features(context)))
    first = [reward for *_, reward in seen[:50]]
    assert any(first)
    unit = np.sqrt(np.mean(np.square(first)))
    for option in range(3):
        rows = [(context, reward) for one, context, reward in seen if one == option]
        design = np.array([[float(name in features(context)) for name in names] for context, _ in rows])
        right = design.T @ [reward / unit for _, reward in rows]
        wanted = dict(zip(names, np.linalg.solve(design.T @ design + np.eye(len(names)), right), strict=True))
        assert {name: pytest.approx(way.weight('abc'[option], name)) for name in names} == wanted


def test_linear_ways_know_each_property_and_all_of_them_together() -> None:
    flat, nested = ({'country': 'US', 'device': 'phone'}, {'country': {'US': {'device': 'phone'}}})
    assert properties(Context.of(flat)) == ['', 'country/US', 'device/phone']
    assert features(Context.of(flat)) == ['', 'country/US', 'device/phone', 'country/US device/phone']
    assert properties(Context.of(nested)) == ['', 'country/US', 'country/US/device/phone']
    assert features(Context.of(nested)) == properties(Context.of(nested))
    assert features(Context.of(None)) == ['']


def test_the_real_data_have_one_right_answer_for_each_tumour() -> None:
    situation = cancer()
    (stage,) = situation.stages()
    assert len(situation.contexts) == 569
    assert len({context.text for context in situation.contexts}) <= 64
    assert all(sorted(row.values()) == [0, 1] for row in stage.values)
    assert Counter(max(row, key=lambda option: row[option]) for row in stage.values) == {'a': 212, 'b': 357}


def test_processes_beside_each_other_find_the_same_scores() -> None:
    names, ways = ('five_wide', 'flip'), ('chance', OURS)
    alone, together = (played(names, ways, [1], visitors=300, processes=count) for count in (1, 2))
    assert alone == together


def test_a_policy_behind_dimensions_and_metrics_is_the_one_that_ships() -> None:
    policy, rng = Policy(1, 'earned/hits'), Random(2)
    visitors: Sequence[dict[str, str]] = [{'country': 'US'}, {'country': 'UK'}]
    best = {'US': 'a', 'UK': 'b'}
    late = Counter[bool]()
    for number in range(2_000):
        visitor = visitors[number % 2] if number % 5 else {'country': 'US'}
        policy.tick(number * 20.0)
        option = policy.choose(visitor, ['a', 'b'])
        policy.reward(option, visitor, {'hits': 1})
        right = option == best[visitor['country']]
        late[right] += number >= 1_000
        if rng.random() < (0.5 if right else 0.1):
            policy.reward(option, visitor, {'earned': 1})
    assert late[True] > 0.9 * late.total()


# -- limits ----------------------------------------------------------------------------------------------------------


def held(scores: Scores, what: str) -> Figure:
    """The figure of that workload, or of that name, with a goal."""
    (found,) = [one for one in t10.figures(scores) if one.goal and what in (one.workload, one.what)]
    return found


def test_ours_may_be_so_far_above_the_best_reference_on_average() -> None:
    scores = {('x', 'one'): [30, 40], ('x', 'other'): [10, 20], ('x', OURS): [20, 39]}
    assert held(scores, 'x').baseline == 'other'
    assert held(scores, 'x').met
    assert not held({**scores, ('x', OURS): [20, 41]}, 'x').met


def test_no_situation_may_be_bad_on_average_and_few_single_runs() -> None:
    scores = {('x', 'one'): [100] * 10, ('x', OURS): [70] * 10, ('y', 'one'): [100] * 10, ('y', OURS): [0] * 9 + [106]}
    assert held(scores, 'highest score of a situation').met
    assert held(scores, f'above {LOST:g}').ours == [0.05]
    assert not held(scores, f'above {LOST:g}').met
    assert held({**scores, ('y', OURS): [0] * 10}, f'above {LOST:g}').met
    assert not held({**scores, ('x', OURS): [76] * 10}, 'highest score of a situation').met


def test_the_mean_is_over_situations_with_all_seeds_of_each() -> None:
    scores = {('x', 'one'): [100, 100], ('x', OURS): [10, 20], ('y', 'one'): [100, 100], ('y', OURS): [40, 60]}
    assert held(scores, '2 situations').ours == [25, 40]
    assert not held(scores, '2 situations').met


def test_ours_is_held_to_the_mean_of_all_its_seeds_and_to_that_of_the_seeds_which_the_others_met_too() -> None:
    few: Scores = {('x', 'one'): [20, 20], ('x', OURS): [38, 38]}
    scores = {**few, ('x', t10.OURS_OF_ALL): [38, 38, 20, 20, 4]}
    means = [one for one in t10.figures(scores) if one.workload == '1 situations' and one.goal]
    assert [one.ours for one in means] == [[38, 38], [38, 38, 20, 20, 4]]
    assert [one.met for one in means] == [False, True]
    assert not held(scores, 'x').met
    assert held(scores, f'above {LOST:g}').workload == '5 runs'
    assert [one.baseline for one in t10.figures(scores) if one.baseline] == ['one', 'one']


def test_further_seeds_are_those_that_come_next() -> None:
    found = t10.all_played(['five_wide'], ['chance', OURS], range(4, 5), 2, visitors=200, processes=1)
    later = played(['five_wide'], [OURS], range(5, 7), visitors=200, processes=1)
    assert found['five_wide', t10.OURS_OF_ALL] == [*found['five_wide', OURS], *later['five_wide', OURS]]
    without = t10.all_played(['five_wide'], ['chance'], range(4, 5), 2, visitors=200, processes=1)
    assert list(without) == [('five_wide', 'chance')]


def test_some_situations_have_limits_of_their_own() -> None:
    scores = {('flip', 'one'): [100], ('flip', OURS): [31]}
    assert [one.met for one in t10.figures(scores) if one.workload == 'flip'] == [True, False]


def test_a_thousandfold_of_all_amounts_changes_no_choice() -> None:
    situation = replace(drawn('money', 1), visitors=400)
    assert t10.chosen(situation) == t10.chosen(situation, 1_000)
    earned = []
    for factor in (1, 1_000):
        way = t10.Watched(Random(1), factor=factor)
        play(situation, way, 1)
        earned.append(way.table().moments.reward)
    assert earned[0] > 100
    assert earned[1] == pytest.approx(1_000 * earned[0], rel=1e-12)


# -- tables ----------------------------------------------------------------------------------------------------------

SCORES: Scores = {('x', 'one'): [10, 20], ('x', OURS): [1, 2], ('y', 'one'): [200, 100], ('y', OURS): [3, 5]}


def test_the_table_has_the_mean_of_each_way_in_each_situation() -> None:
    seeds, _, *rows = matrix(SCORES)
    assert seeds == '2 seeds'
    assert [row.split() for row in rows] == [
        ['one', OURS],
        ['x', '15.0', '1.5'],
        ['y', '150.0', '4.0'],
        ['mean', '82.5', '2.8'],
        ['highest', '150.0', '4.0'],
        ['highest', 'run', '200.0', '5.0'],
        ['runs', 'above', '105', '25.0', '%', '0.0', '%'],
    ]


def test_new_scores_replace_the_last_ones_on_the_page_and_nothing_else() -> None:
    text = f'Before.\n\n{BEGIN}\n\nold::\n\n    1 2 3\n\n{END}\n\nAfter.\n'
    found = page(text, SCORES, 'today')
    assert found.startswith(f'Before.\n\n{BEGIN}\n\ntoday, 2 seeds::\n\n')
    assert found.endswith(f'\n\n{END}\n\nAfter.\n')
    assert '150.0' in found
    assert 'old' not in found
    assert page(found, SCORES, 'today') == found


def test_the_page_has_a_place_for_scores() -> None:
    text = t10.PAGE.read_text('utf-8')
    assert 0 < text.index(BEGIN) < text.index(END)


def test_the_page_names_every_situation_with_its_visitors() -> None:
    rows = re.findall(r'^``(\w+)``  .*?  ([\d,]+)$', t10.PAGE.read_text('utf-8'), re.MULTILINE)
    assert rows == [(name, f'{situation_of(name, 1).visitors:,}') for name in ALL]


def test_some_of_it_can_be_played_alone(capsys: pytest.CaptureFixture[str]) -> None:
    command = ['--situations', 'five_wide', '--seeds', '1', '--processes', '1']
    assert t10.main([*command, '--ways', 'chance,Thompson']) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[3:]] == ['five_wide', 'mean', 'highest', 'highest', 'runs']
    missed = t10.main([*command, '--ways', f'chance,{OURS}', '--first-seed', '7'])
    assert missed == ('missed: T10' in capsys.readouterr().out)
