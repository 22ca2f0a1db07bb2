"""What is counted of an option, on every engine: exposures, amounts with their squares and products, contexts."""

from __future__ import annotations

from collections.abc import Callable
from decimal import ROUND_FLOOR, Decimal, localcontext
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hailwhale.decisions.counting import CONTEXT, HOLDOUT, context_of, decision_pk, event_of, option_pk
from hailwhale.errors import HailWhaleError, InvalidAmount, InvalidDimensions, InvalidInput, LimitExceeded
from hailwhale.hail import Hail
from hailwhale.metrics import MICROS_PER_UNIT
from hailwhale.paths import Path
from hailwhale.periods import Period
from hailwhale.settings import Settings
from hailwhale.storage import SeriesRead, series
from hailwhale.whale import Whale
from tests.clocks import NOW, Clock
from tests.engines import Server

PK = ('Page', '42', 'color', 'red')
VISITOR = {'country': 'US', 'device': 'phone'}


def millionths(whale: Whale, metric: str, node: Path = (), pk: Path = PK) -> int:
    """What was counted today, as the engine has it."""
    plan = whale.kept.plan(Period.parse('1d:1d'), int(whale.clock()))
    (columns,) = whale.storage.read_series([SeriesRead(series(pk, node), plan.chunks, (metric,))])
    return sum(columns[metric])


def everything(whale: Whale) -> dict[str, Any]:
    """All that was counted today, by pk, dimension and metric."""
    found, left = {}, whale.pks()
    while left:
        pk = left.pop()
        left += whale.pks(pk)
        found[str(pk)] = whale.plotpoints(pk, metrics=whale.metric_names(pk), depth=16, period='1d:1d')
    return found


@pytest.mark.parametrize('metrics', [None, {}, [], ()])
def test_without_metrics_it_is_an_exposure_of_one_hit(whale: Whale, metrics: object) -> None:
    assert whale.count_decided_now(['Page', 42], 'color', 'red', VISITOR, metrics)
    assert whale.metric_names(list(PK)) == ['hits']
    assert whale.today(PK) == 1
    assert whale.today(['Page', 42, 'color']) == whale.today('Page') == 1


@pytest.mark.parametrize(
    ('metrics', 'hits'), [({'earned': 25}, 0), ('earned', 0), (['earned'], 0), ({'earned': 25, 'hits': 2}, 2)]
)
def test_with_metrics_there_are_no_hits_but_those_that_are_given(whale: Whale, metrics: object, hits: int) -> None:
    whale.count_decided_now(['Page', 42], 'color', 'red', VISITOR, metrics)
    assert whale.today(PK) == hits
    assert whale.today(PK, 'earned') == (25 if isinstance(metrics, dict) else 1)
    assert whale.today(PK, 'earned*earned') == whale.today(PK, 'earned') ** 2
    assert whale.today(PK, '*earned') == 1


amounts = st.decimals(-(10**6), 10**6, places=6)


@settings(max_examples=12)
@given(st.lists(st.tuples(amounts, amounts), min_size=1, max_size=4))
def test_squares_and_products_are_summed_exactly_to_the_millionth(
    server: Server, given: list[tuple[Decimal, Decimal]]
) -> None:
    server.empty()
    with Whale(server.url, settings=Settings.load({}), clock=Clock()) as whale, localcontext(prec=60):
        for spent, earned in given:
            whale.count_decided_now(['Page', 42], 'color', 'red', VISITOR, {'spent': spent, 'earned': earned})
        for metric, one, other in [('spent*spent', 0, 0), ('earned*earned', 1, 1), ('earned*spent', 0, 1)]:
            # The nearest millionth of each; of two that are as near, the upper one.
            exact = [both[one] * both[other] * MICROS_PER_UNIT for both in given]
            expected = sum(int((amount + Decimal('0.5')).to_integral_value(ROUND_FLOOR)) for amount in exact)
            for node in [(), ('country', 'US'), (CONTEXT, 'country/US device/phone')]:
                assert millionths(whale, metric, node) == expected


def test_all_dimensions_together_are_one_more_dimension(whale: Whale) -> None:
    whale.count_decided_now(['Page', 42], 'color', 'red', {'geo': {'US': 'New York'}, 'device': 'phone'})
    together = 'device/phone geo/US/New%20York'
    nodes = whale.all_subdimensions(PK)
    assert sorted(nodes) == [
        [CONTEXT],
        [CONTEXT, together],
        ['device'],
        ['device', 'phone'],
        ['geo'],
        ['geo', 'US'],
        ['geo', 'US', 'New York'],
    ]
    for node in nodes:
        assert whale.today(PK, 'hits', node) == 1
    assert context_of({'device': 'phone', 'geo': ['US', 'New York']}).text == together


@pytest.mark.parametrize('dimensions', [None, {}, '_'])
def test_nothing_known_of_a_visitor_is_no_context(whale: Whale, dimensions: object) -> None:
    whale.count_decided_now(['Page', 42], 'color', 'red', dimensions)
    assert whale.all_subdimensions(PK) == []
    assert whale.today(PK) == 1


def test_contexts_that_differ_in_one_pair_are_counted_apart(whale: Whale) -> None:
    for country, device in [('US', 'phone'), ('US', 'desk'), ('UK', 'phone'), ('US', 'phone')]:
        whale.count_decided_now(['Page', 42], 'color', 'red', {'country': country, 'device': device})
    assert dict(whale.top(PK, dimension=CONTEXT, period='today')) == {
        'country/US device/phone': 2,
        'country/US device/desk': 1,
        'country/UK device/phone': 1,
    }
    assert whale.today(PK, 'hits', CONTEXT) == 4


def test_visitors_of_the_holdout_are_counted_apart_too(whale: Whale) -> None:
    apart = 0
    for visitor in range(60):
        more: dict[str, Any] = {'visitor': visitor, 'holdout': 0.5}
        apart += whale.decision(['Page', 42], 'color', ['red', 'blue'], known_data=VISITOR, **more).by == 'holdout'
        whale.count_decided_now(['Page', 42], 'color', 'red', VISITOR, **more)
        whale.count_decided_now(['Page', 42], 'color', 'red', VISITOR, {'earned': 3}, **more)
    assert 15 < apart < 45
    assert whale.today(PK, 'hits', HOLDOUT) == apart
    assert whale.today(PK, 'earned', HOLDOUT) == 3 * apart
    assert whale.today(PK, 'hits', [CONTEXT, 'country/US device/phone']) == whale.today(PK) == 60


def test_a_repeated_id_counts_once(whale: Whale) -> None:
    more: dict[str, Any] = {'dimensions': VISITOR, 'metrics': {'earned': 2}, 'id': 'order 7'}
    assert whale.count_decided_now(['Page', 42], 'color', 'red', **more)
    assert not whale.count_decided_now(['Page', 42], 'color', 'red', **more)
    assert [whale.today(PK, metric) for metric in ('earned', 'earned*earned')] == [2, 4]


def test_what_happened_earlier_is_counted_when_it_happened(whale: Whale) -> None:
    whale.count_decided_now('Page', 'color', 'red', VISITOR, {'earned': 2}, NOW - 86_400)
    assert whale.today(['Page', 'color', 'red'], 'earned') == 0
    assert whale.yesterday(['Page', 'color', 'red'], 'earned', [CONTEXT, 'country/US device/phone']) == 2


def test_what_waits_in_the_hail_ends_in_the_same_counters(whale: Whale) -> None:
    calls: list[dict[str, Any]] = [
        {'dimensions': VISITOR},
        {'dimensions': VISITOR, 'metrics': {'earned': '12.345678', 'spent': -1}, 'visitor': 'me', 'holdout': 1.0},
        {'metrics': ['earned'], 'id': 'once'},
        {'metrics': ['earned'], 'id': 'once'},
        {'dimensions': ['US', 'New York'], 'at': NOW - 7_200},
    ]
    for call in calls:
        whale.count_decided_now(['Page', 42], 'color', 'red', **call)
    expected = everything(whale)
    assert expected[str(list(PK))]['_']['earned*earned']
    for pk in whale.pks():
        whale.reset(pk)
    hail = Hail(whale)
    for number, call in enumerate(calls):
        # The engine remembers the ids of what was counted before.
        again = {**call, 'id': 'twice'} if 'id' in call else call
        hail.count_decided(['Page', 42], 'color', 'red', **again)
        assert hail.waiting() == number + 1
    assert everything(whale) != expected
    hail.drain()
    assert hail.dead() == []
    assert everything(whale) == expected


@pytest.mark.parametrize('amount', [31_622_777, -31_622_777, 10**14])
def test_an_amount_too_large_to_be_squared_is_refused_and_nothing_counted(whale: Whale, amount: int) -> None:
    for count in (whale.count_decided_now, Hail(whale).count_decided):
        with pytest.raises(InvalidAmount, match=r'earned: .*too large to be squared') as refused:
            count(['Page', 42], 'color', 'red', VISITOR, {'spent': 1, 'earned': amount})
        assert refused.value.field == 'metrics'
    assert whale.pks() == []
    assert Hail(whale).waiting() == 0
    whale.count_decided_now(['Page', 42], 'color', 'red', VISITOR, {'earned': 31_622_776})
    assert millionths(whale, 'earned*earned') == 31_622_776**2 * MICROS_PER_UNIT


BAD: dict[str, tuple[dict[str, Any], type[HailWhaleError], str]] = {
    'product': ({'metrics': {'earned*spent': 1}}, InvalidInput, r"'earned\*spent' is counted with the metrics"),
    'reserved': ({'dimensions': {HOLDOUT: 'x'}}, InvalidDimensions, '__holdout__ are written by decisions'),
    'reserved path': ({'dimensions': [CONTEXT]}, InvalidDimensions, '__context__ and'),
    'option of two': ({'option': ['red', 'dark']}, InvalidInput, r"not the name of an option: \['red', 'dark'\]"),
    'no option': ({'option': []}, InvalidInput, 'at least one name'),
    'metrics': ({'metrics': 3}, InvalidInput, 'not metrics'),
    'visitor': ({'visitor': '', 'holdout': 0.1}, InvalidInput, 'not a visitor'),
    'nobody': ({'holdout': 0.1}, InvalidInput, 'a hold-out needs to know visitors again'),
    'share': ({'holdout': 2}, InvalidInput, 'not a share of visitors: 2'),
}


@pytest.mark.parametrize('name', BAD)
def test_bad_input_is_refused_and_nothing_counted(whale: Whale, name: str) -> None:
    given, error, message = BAD[name]
    with pytest.raises(error, match=message):
        whale.count_decided_now(**{'pk_base': 'Page', 'decision_name': 'color', 'option': 'red', **given})
    assert whale.pks() == []


def test_a_decision_is_named_by_its_pk_alone_or_by_a_name_below_it() -> None:
    assert decision_pk(['Page', 42], 'color') == decision_pk(['Page', 42, 'color']) == ('Page', '42', 'color')
    assert option_pk(('Page',), 5) == option_pk(('Page',), '5') == option_pk(('Page',), ['5']) == ('Page', '5')


def test_what_is_to_be_counted_are_the_arguments_of_counting() -> None:
    event = event_of(('Page',), 'red', VISITOR, {'earned': '-2.5'}, 7, 'x', holdout=True)
    assert event == {
        'pk': ['Page', 'red'],
        'dimensions': {
            'country': {'US': None},
            'device': {'phone': None},
            CONTEXT: {'country/US device/phone': None},
            HOLDOUT: None,
        },
        'metrics': {'earned': '-2.500000', 'hits': 0, 'earned*earned': '6.250000', '*earned': 1},
        'at': 7,
        'id': 'x',
    }


def test_what_is_known_of_a_visitor_has_a_bound_and_long_names_do_not_reach_it() -> None:
    """Asking and counting have the same: whoever is decided for can be counted."""
    visitor = {'referrer': 'https://example.org/search?q=' + 'x' * 450, 'country': 'US', 'browser': 'Firefox'}
    assert len(context_of(visitor).text) < 200
    event = event_of(('Page',), 'red', visitor)
    assert context_of(visitor).text in event['dimensions'][CONTEXT]
    # What is reported of the visitor has the whole name.
    assert visitor['referrer'] in event['dimensions']['referrer']
    many = {f'property {number}': 'x' * 70 for number in range(8)}
    for refused in (lambda: context_of(many), lambda: event_of(('Page',), 'red', many)):
        with pytest.raises(LimitExceeded, match=r'takes 6\d\d bytes together, more than 512') as caught:
            refused()
        assert caught.value.field == 'dimensions'


def test_who_could_not_be_counted_by_the_settings_of_a_whale_is_not_decided_for(make: Callable[..., Whale]) -> None:
    visitor = {'country': 'US', 'device': 'phone', 'browser': 'Firefox'}
    size = len(context_of(visitor).text)
    asked = ('Page', 'color', ['red', 'blue'], 'earned/hits')
    enough, little, much = (make(max_name=most) for most in (size, size - 1, 4_096))
    assert enough.count_decided_now(*asked[:2], enough.decide(*asked, visitor), visitor)
    for call in (
        lambda: little.decide(*asked, visitor),
        lambda: little.reasons_for(*asked, visitor),
        lambda: little.decide_many(*asked[:3], [visitor]),
    ):
        with pytest.raises(LimitExceeded, match=f'takes {size} bytes together, more than {size - 1}:'):
            call()
    # What an event holds at the most is the same for all whales.
    with pytest.raises(LimitExceeded, match='more than 512'):
        much.decide(*asked, {f'property {number}': 'x' * 70 for number in range(8)})
