"""Fitting: what changes a model, and what does not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hailwhale.decisions.policies import Cell, Context, Moments, Sums, Table, Tuning, Turn, Weights, fit
from hailwhale.decisions.policies.effects import Rows
from tests.decisions.policies.counted import ANYBODY, by_hour, of_contexts, reordered, scaled, table

few = settings(max_examples=15)
OPTIONS = ['a', 'b', 'c']
PLACES = [
    Context.of({'country': country, 'device': device}) for country in ('US', 'UK', 'DE') for device in ('pc', 'tv')
]
ASKED = [*PLACES, ANYBODY, Context.of({'country': 'US', 'device': 'watch'})]
#: One of 128 draws.
DRAW = 1 / 128
counts = st.integers(0, 2_000).flatmap(lambda shown: st.tuples(st.just(shown), st.integers(0, shown)))
often = counts.filter(lambda row: row[0] >= 10 and row[1])
sizes = st.lists(counts, min_size=len(PLACES) * 3, max_size=len(PLACES) * 3)


def everywhere(rows: list[tuple[int, int]], squares: float | None = None) -> Table:
    each = iter(rows)
    return of_contexts({context: {option: next(each) for option in OPTIONS} for context in PLACES}, squares)


def asked(source: Table, *, least: bool = False) -> list[Weights]:
    model = fit(source, least=least)
    return [model.weights(context, OPTIONS) for context in ASKED]


def money(seed: int, places: int = len(PLACES)) -> Table:
    """Orders of very different worth; how often they come is counted too."""
    rng = np.random.default_rng(seed)
    rows, squares = [], 0.0
    for place in range(places):
        for option, rate in zip(OPTIONS, (0.04, 0.06, 0.05), strict=True):
            orders = rng.lognormal(3.5, 1.0, rng.binomial(1_000, rate)).round(2)
            squares += float(orders @ orders)
            rows.append((1.0, PLACES[place] if places > 1 else ANYBODY, option, (1_000, orders.sum(), len(orders))))
    return by_hour(rows, squares)


# -- what changes nothing --------------------------------------------------------------------------------------------


@few
@given(sizes, st.permutations(range(6)), st.permutations(range(3)), st.integers(0, 1000), st.booleans())
def test_the_order_of_contexts_options_and_cells_changes_no_weight(
    rows: list[tuple[int, int]], contexts: list[int], options: list[int], seed: int, least: bool
) -> None:
    source = everywhere(rows)
    other = reordered(source, contexts=contexts, options=options, seed=seed)
    for one, two in zip(asked(source, least=least), asked(other, least=least), strict=True):
        assert two == pytest.approx(one, abs=1e-9)


@few
@given(st.integers(0, 10_000), st.sampled_from([0.01, 100.0, 1_000.0]), st.sampled_from([1, 6]), st.booleans())
def test_rewards_in_another_currency_change_no_weight(seed: int, by: float, places: int, least: bool) -> None:
    source = money(seed, places)
    for one, two in zip(asked(source, least=least), asked(scaled(source, by), least=least), strict=True):
        assert two == pytest.approx(one, abs=1e-9)


@pytest.mark.parametrize('by', [0.01, 1_000.0])
@pytest.mark.parametrize('least', [False, True])
def test_costs_in_another_currency_change_no_weight(by: float, least: bool) -> None:
    source = money(1)
    exposure, reward, squares, *_ = source.moments
    spent = replace(source, moments=Moments(exposure, reward, squares, 2 * exposure, 1.2 * reward))
    weights = [fit(one, by_hits=False, least=least).weights(PLACES[0], OPTIONS) for one in (spent, scaled(spent, by))]
    assert weights[1] == pytest.approx(weights[0], abs=1e-9)


def test_hours_that_are_split_change_no_weight() -> None:
    source = everywhere([(500, 30), (500, 50), (500, 40)] * 6)
    halves = np.repeat(source.columns().T, 2, axis=0)
    halves[:, 3:] /= 2
    for one, two in zip(asked(source), asked(replace(source, cells=halves)), strict=True):
        assert two == pytest.approx(one, abs=1e-9)


def test_a_table_of_rows_and_one_of_columns_are_the_same() -> None:
    source = money(1)
    assert asked(source) == asked(replace(source, cells=source.columns().T))


# -- successes -------------------------------------------------------------------------------------------------------


@few
@given(st.lists(often, min_size=3, max_size=3), st.integers(0, 2), st.integers(1, 500))
def test_successes_of_an_option_never_lower_its_weight(rows: list[tuple[int, int]], place: int, more: int) -> None:
    """Once each was shown ten times: of who was hardly shown more is expected where others are worth more."""
    given = dict(zip(OPTIONS, rows, strict=True))
    shown, earned = rows[place]
    better = given | {OPTIONS[place]: (shown, min(earned + more, shown))}
    before, after = (fit(table(one)).weights(ANYBODY, OPTIONS)[OPTIONS[place]] for one in (given, better))
    assert after >= before - 1e-9


def test_the_goal_of_the_least_is_the_other_end() -> None:
    source = table({'a': (1_000, 20), 'b': (1_000, 60), 'c': (1_000, 100)})
    most, least = (fit(source, least=least).weights(ANYBODY, OPTIONS) for least in (False, True))
    assert most['c'] > 0.9 > 0.1 > most['a']
    assert least['a'] > 0.9 > 0.1 > least['c']


@pytest.mark.parametrize('least', [False, True])
def test_losses_are_compared_as_gains_are(least: bool) -> None:
    rows = {'a': (1_000, -500.0), 'b': (1_000, -100.0), 'c': (1_000, 200.0)}
    model = fit(table(rows, squares=3_000.0), least=least)
    assert model.turn.shift > 0
    assert model.weights(ANYBODY, OPTIONS)['a' if least else 'c'] > 0.9


def test_a_country_that_brings_losses_does_not_stop_the_others_from_being_learned_of() -> None:
    rows = {}
    for context in PLACES:
        loses = 'DE' in context.text
        rows[context] = (
            {'a': (100, -1_000.0), 'b': (100, -1_000.0)} if loses else {'a': (9_000, 9_000.0), 'b': (9_000, 13_000.0)}
        )
    model = fit(of_contexts(rows, squares=150_000.0))
    assert model.weights(PLACES[0], ['a', 'b'])['b'] > 0.9


# -- how often, and how much -----------------------------------------------------------------------------------------


def heavy(seed: int, *, times: bool = True) -> Table:
    """Orders with heavy tails that are worth the same whatever was shown; b sells twice as often as a."""
    rng = np.random.default_rng(seed)
    rows, squares = {}, 0.0
    for option, rate in (('a', 0.02), ('b', 0.04)):
        orders = rng.lognormal(3, 1.6, rng.binomial(6_000, rate)).round(2)
        rows[option] = (6_000, float(orders.sum()), len(orders) * times)
        squares += float(orders @ orders)
    return table(rows, squares)


def test_where_orders_are_alike_weights_follow_how_often_they_come() -> None:
    found = [fit(heavy(seed)).weights(ANYBODY, ['a', 'b'])['b'] for seed in range(20)]
    assert min(found) > 0.5
    assert np.mean(found) > 0.9


def test_to_know_how_often_helps_where_orders_have_heavy_tails() -> None:
    apart, together = (
        [fit(heavy(seed, times=times)).weights(ANYBODY, ['a', 'b'])['b'] for seed in range(20)]
        for times in (True, False)
    )
    assert np.mean(apart) > np.mean(together)


def test_without_how_often_there_is_one_estimate() -> None:
    assert fit(heavy(1)).size is not None
    model = fit(heavy(1, times=False))
    assert model.often is not None
    assert model.size is None


def test_what_orders_are_worth_counts_as_well() -> None:
    rng = np.random.default_rng(1)
    orders = {'a': rng.lognormal(3, 0.5, 500), 'b': rng.lognormal(4, 0.5, 500)}
    rows = {option: (10_000, float(each.sum()), len(each)) for option, each in orders.items()}
    squares = sum(float(each @ each) for each in orders.values())
    assert fit(table(rows, squares)).weights(ANYBODY, ['a', 'b'])['b'] > 0.95


def test_one_jackpot_does_not_lock_the_policy() -> None:
    rng = np.random.default_rng(1)
    orders = {'a': rng.lognormal(3, 0.5, 400), 'b': np.append(rng.lognormal(3, 0.5, 400), 9_000.0)}
    rows = {option: (10_000, float(each.sum()), len(each)) for option, each in orders.items()}
    squares = sum(float(each @ each) for each in orders.values())
    for counted in (rows, {option: row[:2] for option, row in rows.items()}):
        weights = fit(table(counted, squares)).weights(ANYBODY, ['a', 'b'])
        assert weights['a'] > 0.1


# -- tuning ----------------------------------------------------------------------------------------------------------


def test_with_a_half_life_what_is_old_says_less() -> None:
    rows = [(300.0, ANYBODY, 'a', (3_000, 300)), (300.0, ANYBODY, 'b', (3_000, 150))]
    rows += [(1.0, ANYBODY, 'a', (500, 25)), (1.0, ANYBODY, 'b', (500, 50))]
    source, plain = by_hour(rows), Tuning(drift=0)
    assert fit(source, tuning=plain).weights(ANYBODY, ['a', 'b'])['a'] > 0.9
    assert fit(source, tuning=replace(plain, half_life=24.0)).weights(ANYBODY, ['a', 'b'])['b'] > 0.9


def test_contexts_beyond_the_most_are_together_one_of_whom_nothing_is_known() -> None:
    source = everywhere([(900, 30), (900, 120), (900, 30)] * 5 + [(50, 20), (50, 2), (50, 2)])
    model = fit(source, tuning=Tuning(most_contexts=5))
    assert model.often
    assert model.often.layout.contexts == [*PLACES[:4], ANYBODY]
    assert model.often.of.exposure[4].tolist() == [950, 950, 950]
    assert model.weights(PLACES[5], OPTIONS)['b'] > 0.5
    assert fit(source).often.layout.contexts == PLACES  # type: ignore[union-attr]
    # What was counted of them is still known, so that what comes since can be told.
    assert model.whole[PLACES[5].text, 'a'] == (50, 20, 0)
    since = {'b': Sums(2_050, 22), 'c': Sums(2_050, 202)}
    assert model.weights(PLACES[5], OPTIONS, since)['c'] > 0.75


def test_options_keep_their_own_sums_in_whatever_order_they_come() -> None:
    model = fit(table({'z': (100, 10), 'a': (200, 50)}))
    assert model.options == ['a', 'z']
    assert model.often
    assert model.often.of.exposure.tolist() == [[200, 100]]
    assert {name: tuple(sums) for name, sums in model.whole.items()} == {
        ('', 'z'): (100, 10, 0),
        ('', 'a'): (200, 50, 0),
    }


@pytest.mark.parametrize(
    'source',
    [
        Table([], [], [], Moments(0, 0)),
        Table([ANYBODY], ['a', 'b'], [], Moments(0, 0)),
        table({'a': (0, 10), 'b': (0, 5)}),
        table({'a': (10, 0), 'b': (10, 0)}),
        # So little was shown that no number can hold the rate.
        table({'a': (0, 0), 'b': (1e-320, 5)}),
        # The moments speak of what is in no cell.
        Table([ANYBODY], ['a', 'b'], [], Moments(100, 10)),
        Table([ANYBODY], ['a', 'b'], [Cell(0, 0, 1, 0, 5)], Moments(100, 10)),
    ],
)
def test_a_table_that_says_nothing_gives_even_weights(source: Table) -> None:
    for least in (False, True):
        for by_hits in (False, True):
            model = fit(source, least=least, by_hits=by_hits)
            assert sum(model.weights(ANYBODY, OPTIONS).values()) == pytest.approx(1)
    assert set(fit(source).weights(ANYBODY, OPTIONS).values()) == {1 / 3}


def test_only_what_is_compared_otherwise_is_turned() -> None:
    assert fit(money(1)).turn == Turn()
    assert fit(money(1), least=True, by_hits=False).turn == Turn(swap=True)


# -- bounds ----------------------------------------------------------------------------------------------------------


def crowded(countries: int, devices: int, options: int, visitors: int) -> Table:
    """Visitors of many contexts, and one option that is better everywhere."""
    rng = np.random.default_rng(1)
    places = [Context.of({'country': f'{i}', 'device': f'{j}'}) for i in range(countries) for j in range(devices)]
    option = rng.integers(0, options, visitors)
    won = (rng.random(visitors) < np.where(option == 0, 0.5, 0.05)).astype(float)
    place, hour = rng.integers(0, len(places), visitors), rng.integers(0, 168, visitors)
    columns = place, option, hour, np.ones(visitors), won, won
    moments = Moments(visitors, won.sum(), won.sum())
    return Table(places, [f'{number}' for number in range(options)], np.column_stack(columns), moments)


@pytest.mark.parametrize(
    ('countries', 'devices', 'options', 'paths', 'contexts'),
    [(500, 2, 5, 180, 1_000), (50, 2, 100, 9, 100), (50, 2, 1_000, 1, 4), (60, 40, 2, 102, 2_000)],
)
def test_many_contexts_and_options_are_bounded_and_the_best_one_is_found(
    countries: int, devices: int, options: int, paths: int, contexts: int
) -> None:
    source = crowded(countries, devices, options, 20_000 if options < 1_000 else 200_000)
    model = fit(source)
    assert model.often
    assert (len(model.often.layout.paths), len(model.often.layout.contexts)) == (paths, contexts)
    weights = model.weights(source.contexts[0], source.options)
    assert max(weights, key=weights.__getitem__) == '0'


def test_of_many_options_spreads_are_learned_from_those_that_were_shown_most() -> None:
    rows = Rows.of(np.array([[9.0, 0.0, 5.0, 7.0]]), np.array([[1.0, 0.0, 2.0, 1.0]]), np.array([0.1]), 1.0, True)
    few, options = rows.among(2, 4)
    assert options == 2
    assert few.option.tolist() == [0, 1]
    assert few.expected.tolist() == pytest.approx([0.9, 0.7])
    assert rows.among(4, 4) == (rows, 4)
