"""What holds of the weights of any table, however odd."""

from __future__ import annotations

import math
from collections.abc import Mapping

from hypothesis import given, settings
from hypothesis import strategies as st

from hailwhale.decisions.policies import Cell, Context, Moments, Sums, Table, Tuning, fit

few = settings(max_examples=40)
NOT_COUNTED = 'never counted'
CONTEXTS = [
    Context.of(one)
    for one in (
        None,
        {'country': 'US'},
        {'country': 'UK'},
        {'country': {'US': 'Texas'}},
        {'country': 'US', 'device': 'phone'},
        {'country': 'UK', 'device': 'phone'},
    )
]
#: Counts, money, what is next to nothing and next to everything that can be counted.
amounts = st.one_of(st.just(0.0), st.integers(0, 500).map(float), st.floats(1e-6, 1e6), st.sampled_from([1e-6, 1e9]))
signed = st.builds(lambda sign, amount: sign * amount, st.sampled_from([1, 1, 1, -1]), amounts)
#: How often something was earned.
times = st.one_of(st.just(0.0), st.integers(1, 500).map(float))
sums = st.builds(Sums, amounts, signed, times)
ages = st.one_of(st.floats(0, 400), st.integers(0, 30).map(float))


@st.composite
def tables(draw: st.DrawFn) -> Table:
    contexts = draw(st.lists(st.sampled_from(CONTEXTS), min_size=1, max_size=4, unique=True))
    options = draw(st.lists(st.sampled_from('abcd'), min_size=1, max_size=4, unique=True))
    places = st.tuples(st.integers(0, len(contexts) - 1), st.integers(0, len(options) - 1))
    rows = draw(st.lists(st.tuples(places, ages, sums), max_size=12))
    cells = [Cell(*place, age, *row) for place, age, row in rows]
    return Table(contexts, options, cells, draw(moments(cells)))


@st.composite
def moments(draw: st.DrawFn, cells: list[Cell]) -> Moments:
    """As if each cell were one decision, or a few."""
    exposure, reward = (math.fsum(cell[field] for cell in cells) for field in (3, 4))
    few = draw(st.sampled_from([1, 2, 50]))
    squares = math.fsum(cell.reward**2 for cell in cells) / few
    exposures = math.fsum(cell.exposure**2 for cell in cells) / few
    products = math.fsum(cell.exposure * cell.reward for cell in cells) / few
    rest = draw(st.sampled_from([(), (squares,), (squares, exposures), (squares, exposures, products)]))
    return Moments(exposure, reward, *rest)


@few
@given(
    tables(),
    st.lists(st.sampled_from(['a', 'b', 'c', 'd', NOT_COUNTED, '']), min_size=1, max_size=6, unique=True),
    st.sampled_from(CONTEXTS),
    st.dictionaries(st.sampled_from(['a', 'b', NOT_COUNTED, 'not asked for']), sums, max_size=3),
    st.tuples(st.booleans(), st.booleans(), st.sampled_from([None, 1.0, 100.0])),
)
def test_weights_sum_to_one_and_none_is_below_its_floor(
    table: Table, options: list[str], context: Context, live: Mapping[str, Sums], goal: tuple[bool, bool, float | None]
) -> None:
    least, by_hits, half_life = goal
    tuning = Tuning(half_life=half_life)
    model = fit(table, least=least, by_hits=by_hits, tuning=tuning)
    found = model.weights(context, options, live)
    assert list(found) == options
    assert all(map(math.isfinite, found.values()))
    assert math.isclose(sum(found.values()), 1, abs_tol=1e-9)
    assert min(found.values()) >= tuning.floor / len(options) - 1e-12
    assert model.weights(context, options, live) == found
    reasons = model.reasons(context, options, live)
    assert {reason.option: reason.weight for reason in reasons} == found
