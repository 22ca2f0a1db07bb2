"""The whale against the documents' own examples, against a dict, and against bad input; on every engine."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from hailwhale import HailWhaleError, InvalidInput, InvalidTime, LimitExceeded, Unanswerable
from hailwhale.paths import path_name
from hailwhale.periods import Period
from hailwhale.settings import Settings
from hailwhale.whale import Whale
from tests.clocks import NOW, Clock
from tests.engines import Server
from tests.models import DictWhale, as_number


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def make(url: str, clock: Clock) -> Iterator[Callable[..., Whale]]:
    """Whales on the engine under test, by their settings."""
    made: list[Whale] = []

    def make(**overrides: object) -> Whale:
        whale = Whale(url, settings=Settings.load({}, **overrides), clock=clock)
        made.append(whale)
        return whale

    yield make
    for whale in made:
        whale.close()


@pytest.fixture
def whale(make: Callable[..., Whale]) -> Whale:
    return make()


# -- the documents' own examples --------------------------------------------------------------------------------------


def test_a_product_that_is_sold_adds_to_its_revenue_and_its_sales(whale: Whale) -> None:
    dimensions = {'country': 'US', 'device': 'Mac OS X'}
    whale.count_now(['Product', 42], metrics={'revenue': 5.25, 'sales': 1}, dimensions=dimensions)
    assert whale.totals(['Product', 42], metrics=['revenue', 'sales', 'revenue/sales'], periods='1d:1mo') == {
        '1d:1mo': {'_': {'revenue': 5.25, 'sales': 1, 'revenue/sales': 5.25}}
    }
    points = whale.plotpoints(['Product', 42], metrics=['revenue'])['_']['revenue']
    assert len(points) == 30
    assert points[datetime(2037, 11, 22, tzinfo=UTC)] == 5.25
    assert sum(points.values()) == 5.25


def test_keyword_names_of_the_documents_are_all_accepted(whale: Whale) -> None:
    whale.count_now(['Product', 7], metric={'revenue': 2, 'sales': 1}, dimension='UK')
    assert whale.totals(['Product', 7], metric=['revenue', 'sales'], period='1d:1mo', dimension='UK') == {
        '1d:1mo': {'UK': {'revenue': 2, 'sales': 1}}
    }
    assert whale.plotpoints(['Product', 7], metric='sales', periods='today', totals=True)['_']['sales']['total'] == 1
    assert whale.total('Product', metrics='revenue', dimensions='UK', periods='today') == 2
    assert whale.today('Product', metrics='revenue', dimensions='UK') == 2
    assert whale.yesterday('Product', metrics='revenue', dimensions='UK') == 0
    assert [row.value for row in whale.rank('Product', metrics='revenue', dimensions='UK', periods='today')] == [2]
    assert whale.top('Product', metrics='revenue', periods='today') == [('7', 2)]
    assert whale.top('Product', metrics='revenue', dimensions='_', periods='today') == [('UK', 2)]
    assert (
        whale.get_subdimensions('Product', dimensions='UK') == whale.all_subdimensions('Product', dimensions='UK') == []
    )


def test_income_streams_add_up_to_overall_dollars(whale: Whale) -> None:
    whale.count_now('income', 'services', {'dollars': 200})
    whale.count_now('income', 'advertising', {'dollars': -2000})
    whale.count_now('income', {'sales': 'product_1'}, {'dollars': 500})
    today = whale.totals('income', {'sales': 'product_1'}, ['dollars', 'dollars/hits'], 'today')['today']
    assert today == {
        '_': {'dollars': -1300, 'dollars/hits': pytest.approx(-1300 / 3)},
        'sales': {'dollars': 500, 'dollars/hits': 500},
        '["sales", "product_1"]': {'dollars': 500, 'dollars/hits': 500},
    }
    assert whale.total('income', 'dollars', 'advertising', 'today') == -2000
    assert whale.today('income', 'dollars') == -1300
    assert whale.yesterday('income', 'dollars') == 0


def test_every_node_of_nested_dimensions_is_counted_once(whale: Whale) -> None:
    whale.count_now('signup', {'a': 5, 'b': {'x': 1, 'y': 2}})
    expected = [['a'], ['b'], ['a', '5'], ['b', 'x'], ['b', 'y'], ['b', 'x', '1'], ['b', 'y', '2']]
    assert whale.all_subdimensions('signup') == expected
    assert whale.get_subdimensions('signup') == [['a'], ['b']]
    assert whale.get_subdimensions('signup', 'b') == [['b', 'x'], ['b', 'y']]
    points = whale.plotpoints('signup', depth=9, period='today', totals=True)
    assert {name: metric['hits']['total'] for name, metric in points.items()} == dict.fromkeys(
        ['_', *(path_name(tuple(path)) for path in expected)], 1
    )


# -- amounts ----------------------------------------------------------------------------------------------------------


def test_a_tenth_ten_times_is_exactly_one(whale: Whale) -> None:
    for _ in range(10):
        whale.count_now('p', metrics={'dollars': 0.1})
    assert whale.total('p', 'dollars', period='today') == 1
    assert isinstance(whale.total('p', 'dollars', period='today'), int)


def test_fractions_and_negative_amounts_keep_every_digit(whale: Whale) -> None:
    for amount in ('9.99', 9.99, Decimal('-2000'), '.50', -0.000001):
        whale.count_now('p', metrics={'dollars': amount})
    assert whale.total('p', 'dollars', period='today') == -1979.520001


def test_ten_million_increments_of_one_field_stay_exact(whale: Whale) -> None:
    events = [{'pk': 'p', 'metrics': {'cents': 0.01, 'hits': 1}}] * 1_000
    bulk = {'pk': 'p', 'metrics': {'cents': Decimal('99990'), 'hits': 9_999_000}}
    assert whale.count_many([*events, bulk]).counted == 1_001
    assert whale.totals('p', metrics=['hits', 'cents'], period='today')['today']['_'] == {
        'hits': 10_000_000,
        'cents': 100_000,
    }


# -- ids --------------------------------------------------------------------------------------------------------------


def test_an_event_with_an_id_counts_once_however_it_is_repeated(whale: Whale, clock: Clock) -> None:
    assert whale.count_now('p', id='order-1')
    assert not whale.count_now('p', id='order-1')
    again = [{'pk': 'p', 'id': 'order-1'}, {'pk': 'p', 'id': 'order-2'}, {'pk': 'p', 'id': 'order-2'}, {'pk': 'p'}]
    result = whale.count_many(again)
    assert (result.counted, result.repeated, result.refused) == (2, 2, [])
    clock.now += 2 * 86_400 - 1
    assert not whale.count_now('p', id='order-2')
    assert whale.total('p', period='seven') == 3


def test_a_batch_that_was_counted_whole_counts_nothing_again(whale: Whale) -> None:
    events = [{'pk': ['p', i], 'id': f'{i}'} for i in range(20)]
    assert whale.count_many(events).counted == 20
    assert whale.count_many(events).counted == 0
    assert whale.total('p', period='today') == 20


# -- many -------------------------------------------------------------------------------------------------------------


def test_bad_events_are_refused_one_by_one_with_their_place_and_reason(whale: Whale) -> None:
    result = whale.count_many(
        [
            {'pk': 'p', 'metrics': {'dollars': 1}},
            {'pk': 'p', 'metrics': {'dollars': float('nan')}},
            ('p', 'UK'),
            'p',
            {'pk': 'p', 'at': '1999-01-01'},
            {'pk': 'p', 'color': 'red'},
            {'pk': 'p', 'metric': 'a', 'metrics': 'b'},
            (),
        ]
    )
    assert result.counted == 2
    assert [refusal.index for refusal in result.refused] == [1, 3, 4, 5, 6, 7]
    assert all(refusal.error.message for refusal in result.refused)
    assert whale.total('p', period='today') == 2


def test_many_distinct_events_are_committed_in_bounded_transactions(whale: Whale) -> None:
    events = [{'pk': ['p', i], 'dimensions': {'user': f'u{i}', 'shop': i % 7}} for i in range(2_000)]
    assert whale.count_many(events).counted == 2_000
    assert whale.total('p', period='today') == 2_000
    assert sum(value for _, value in whale.top('p', 2_000, dimension='shop', period='today')) == 2_000
    assert len(whale.top('p', 5_000, dimension='user', period='today')) == 2_000


def test_threads_counting_at_once_lose_nothing(whale: Whale) -> None:
    def count(thread: int) -> None:
        for i in range(50):
            whale.count_now(['p', thread % 3], {'thread': thread}, {'dollars': '0.01', 'n': i})

    threads = [threading.Thread(target=count, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    totals = whale.totals('p', metrics=['hits', 'dollars', 'n'], period='today')['today']['_']
    assert totals == {'hits': 400, 'dollars': 4, 'n': 8 * 1225}


# -- time and zones ---------------------------------------------------------------------------------------------------


def test_an_hour_is_the_sum_of_its_minutes_and_a_day_of_its_hours(whale: Whale) -> None:
    for minutes in range(0, 1380, 7):
        whale.count_now('p', metrics={'dollars': '1.1'}, at=NOW - minutes * 60)
    asked = {'metrics': ['dollars', 'hits']}
    hours = whale.totals('p', periods=['1h:24h', '1m:1d'], **asked)
    assert hours['1h:24h'] == hours['1m:1d']
    days = whale.totals('p', periods=['today', 'yesterday', '1d:2d'], **asked)
    for metric in ('dollars', 'hits'):
        both = Fraction(str(days['today']['_'][metric])) + Fraction(str(days['yesterday']['_'][metric]))
        assert both == Fraction(str(days['1d:2d']['_'][metric])) == Fraction(str(hours['1h:24h']['_'][metric]))


def test_counts_stay_when_the_minute_turns_and_when_yesterday_is_asked_first(whale: Whale, clock: Clock) -> None:
    for _ in range(180):
        whale.count_now('p')
        clock.now += 1
        assert whale.total('p', period='hour') == whale.total('p', period='today')
    assert whale.yesterday('p') == 0
    assert whale.total('p', period='thirty') == 180


def test_a_late_event_is_in_every_interval_that_still_keeps_it(whale: Whale) -> None:
    whale.count_now('p', at=NOW - 3 * 86_400)
    assert whale.total('p', period='1h:7d') == whale.total('p', period='seven') == 1
    whale.count_now('p', at=NOW - 300 * 86_400)
    assert whale.total('p', period='year') == 2


@pytest.mark.parametrize('at', [NOW - 400 * 86_400, NOW + 86_401, NOW + 366 * 86_400])
def test_what_no_counter_covers_is_refused_at_once(whale: Whale, at: int) -> None:
    with pytest.raises(InvalidTime) as refused:
        whale.count_now('p', at=at)
    assert refused.value.field == 'at'
    assert whale.pks() == []


def test_days_of_a_zone_are_exact_where_hours_are_kept_and_refused_where_they_are_not(whale: Whale) -> None:
    whale.count_now('p', at='2037-11-21T04:30:00Z')  # 23:30 on the 20th in New York
    newyork = whale.plotpoints('p', period='1d:7d', tz='America/New_York')['_']['hits']
    assert newyork[datetime(2037, 11, 20, tzinfo=ZoneInfo('America/New_York'))] == 1
    assert sum(newyork.values()) == 1
    utc = whale.plotpoints('p', period='1d:7d')['_']['hits']
    assert utc[datetime(2037, 11, 21, tzinfo=UTC)] == 1
    with pytest.raises(Unanswerable, match='HAILWHALE_ZONES'):
        whale.totals('p', period='year', tz='America/New_York')
    with pytest.raises(Unanswerable, match='HAILWHALE_KEEP'):
        whale.totals('p', period='seven', tz='Asia/Kathmandu')


def test_days_of_a_configured_zone_are_exact_for_the_whole_retention(make: Callable[..., Whale]) -> None:
    whale = make(zones='Asia/Kathmandu')
    local = datetime(2037, 3, 1, 0, 10, tzinfo=ZoneInfo('Asia/Kathmandu'))
    whale.count_now('p', at=local)
    whale.count_now('p', at=local - timedelta(minutes=20))
    points = whale.plotpoints('p', period='year', tz='Asia/Kathmandu')['_']['hits']
    assert points[local.replace(minute=0)] == 1
    assert points[local.replace(minute=0) - timedelta(days=1)] == 1


def test_a_zone_that_is_configured_later_is_not_answered_for_the_time_before(
    make: Callable[..., Whale], clock: Clock
) -> None:
    before = make()
    before.count_now('p')
    clock.now += 86_400
    after = make(zones='America/New_York')
    after.count_now('p')
    with pytest.raises(Unanswerable, match='only since 2037-11-24T18:42:40'):
        after.totals('p', period='year', tz='America/New_York')
    clock.now += 3 * 86_400
    assert after.total('p', period='1d:2d', tz='America/New_York') == 0
    assert make().kept.intervals[-1].name == '1d@America%2FNew_York'


def test_hours_that_are_kept_longer_from_now_on_are_not_answered_for_the_time_before(
    make: Callable[..., Whale], clock: Clock
) -> None:
    before = make(keep='1h:2d 1d:1y')
    before.count_now('p')
    clock.now += 3 * 86_400
    after = make(keep='1h:10d 1d:1y')
    after.count_now('q')
    with pytest.raises(Unanswerable, match='1h holds every event only since 2037-11-27'):
        after.total('p', period='1h:4d')
    clock.now += 7 * 86_400
    assert after.total('p', period='1h:5d') == 0
    shorter = make(keep='1h:1d 1d:1y')
    shorter.count_now('q')
    assert shorter.total('p', period='1h:5d') == 0  # the longer one holds
    assert make().total('p', period='1d:15d') == 1


def test_a_writer_learns_of_an_interval_that_another_one_names(make: Callable[..., Whale], clock: Clock) -> None:
    first, second = make(), make(zones='Asia/Tokyo')
    first.count_now('p')
    second.count_now('p')
    clock.now += 2 * 86_400
    for _ in range(5):
        first.count_now('p')
    second.count_now('p')
    assert second.total('p', period='1d:1d', tz='Asia/Tokyo') == second.total('p', period='1d:1d') == 6
    assert first.total('p', period='1d:1d', tz='Asia/Tokyo') == 6


def test_who_only_asks_changes_nothing_for_those_who_count(make: Callable[..., Whale]) -> None:
    asking, counting = make(keep='1s:2d 1d:1y'), make()
    assert asking.total('p', period='10s:1m') == 0
    counting.count_now('p')
    assert [slots.name for slots in counting.kept.intervals] == ['1m', '1h', '1d']


def test_names_last_as_long_as_the_counters_of_an_interval_that_is_kept_longer_later(
    make: Callable[..., Whale], clock: Clock, server: Server
) -> None:
    short = make(keep='1h:2d')
    short.count_now('p', 'x')
    long = make(keep='1h:2d 1d:13mo')
    long.count_now('p', 'x')
    short.count_now('q', 'y')  # before it has learnt that days are counted
    clock.now += 31
    short.count_now('p', 'x')
    tables = [(node, key) for node in server.nodes for key in node.scan_iter('hw:*:n:*')]
    ends = {node.expiretime(key) for node, key in tables}
    assert len(tables) == 4
    assert min(ends) > clock.now + 400 * 86_400


def test_a_period_longer_than_its_counters_are_kept_is_refused_with_the_way_out(whale: Whale) -> None:
    with pytest.raises(Unanswerable, match=r'1h:90d begins .* HAILWHALE_KEEP'):
        whale.totals('p', period='1h:90d')
    with pytest.raises(Unanswerable, match='no kept interval'):
        whale.totals('p', period='10s:5m')


def test_own_intervals_are_counted_and_answered(make: Callable[..., Whale]) -> None:
    whale = make(keep='10s:1h 5m:7d 1d:1y 1w:5y 1mo:5y 1y:10y')
    whale.count_now('p', at=NOW - 6 * 86_400)
    whale.count_now('p', at=NOW - 3 * 366 * 86_400)
    whale.count_now('p')
    assert whale.total('p', period='5m:7d') == 2
    assert whale.total('p', period='10s:5m') == 1
    assert whale.total('p', period='1mo:4y') == whale.total('p', period='1y:10y') == 3


def test_points_come_in_every_shape(whale: Whale) -> None:
    whale.count_now('p', at='2037-11-22T17:59:00Z')
    whale.count_now('p')
    asked: dict[str, Any] = {'period': '1h:2h'}
    starts = [datetime(2037, 11, 22, hour, tzinfo=UTC) for hour in (17, 18)]
    assert whale.plotpoints('p', **asked)['_']['hits'] == dict.fromkeys(starts, 1)
    assert whale.plotpoints('p', points=list, descending=True, **asked)['_']['hits'] == [[s, 1] for s in starts[::-1]]
    assert whale.plotpoints('p', points='ms', **asked)['_']['hits'] == [[int(s.timestamp()) * 1000, 1] for s in starts]
    with pytest.raises(InvalidInput, match='not a shape of points'):
        whale.plotpoints('p', points='csv', **asked)  # type: ignore[arg-type]


def test_the_hour_that_clocks_show_twice_is_two_points(whale: Whale) -> None:
    for hour in range(48):
        whale.count_now('p', at=f'2037-11-{1 + hour // 24:02}T{hour % 24:02}:30Z')
    asked: dict[str, Any] = {'period': '1h:2037-11-01', 'tz': 'America/New_York'}
    points = whale.plotpoints('p', **asked)['_']['hits']
    assert list(points.values()) == [1] * 25
    assert [start.hour for start in points][:4] == [0, 1, 1, 2]
    assert points[datetime(2037, 11, 1, 5, tzinfo=UTC)] == points[datetime(2037, 11, 1, 6, tzinfo=UTC)] == 1
    assert points[datetime(2037, 11, 1, 12, tzinfo=ZoneInfo('America/New_York'))] == 1
    assert [int(start.timestamp()) * 1000 for start in points] == [
        start for start, _ in whale.plotpoints('p', points='ms', **asked)['_']['hits']
    ]


# -- children and rankings --------------------------------------------------------------------------------------------


@pytest.fixture
def shop(whale: Whale) -> Whale:
    """Products 0 to 9 sold i + 1 times at i + 1 dollars, in two countries and three cities."""
    whale.count_many(
        {
            'pk': ['Product', i],
            'dimensions': {'geo': {'US' if i % 2 else 'UK': f'city{i % 3}'}},
            'metrics': {'dollars': i + 1},
        }
        for i in range(10)
        for _ in range(i + 1)
    )
    return whale


def test_the_top_products_of_product_are_its_children(shop: Whale) -> None:
    assert shop.top('Product', 3, 'dollars', period='today') == [('9', 100), ('8', 81), ('7', 64)]
    assert shop.top('Product', 2, 'dollars/hits', period='today') == [('9', 10), ('8', 9)]
    assert shop.top('Product', dimension='geo', period='today') == [('US', 30), ('UK', 25)]
    with pytest.raises(InvalidInput, match='not a number of rows'):
        shop.top('Product', 0)


def test_children_are_sorted_and_limited_at_every_level(shop: Whale) -> None:
    asked: dict[str, Any] = {'dimension': 'geo', 'period': 'today', 'metrics': ['dollars'], 'totals': True}
    points = shop.plotpoints('Product', depth=2, sort='-hits', limit=1, **asked)
    assert list(points) == ['geo', '["geo", "US"]', '["geo", "US", "city0"]']
    assert list(shop.plotpoints('Product', depth=1, sort='hits', **asked)) == ['geo', '["geo", "UK"]', '["geo", "US"]']
    assert list(shop.plotpoints('Product', depth=1, **asked)) == ['geo', '["geo", "UK"]', '["geo", "US"]']
    total = points['geo']['dollars']['total']
    children = shop.plotpoints('Product', depth=1, **asked)
    assert total == sum(children[name]['dollars']['total'] for name in list(children)[1:]) == 385


def test_ranking_names_what_matters_and_leaves_out_what_only_repeats(whale: Whale) -> None:
    whale.count_many([('p', {'geo': {'US': 'Boston'}})] * 60 + [('p', {'geo': {'UK': 'York'}})] * 35)
    whale.count_many([('p', {'geo': {'FR': 'Lyon'}})] * 5)
    rows = whale.rank('p', period='today')
    assert [(row.dimension, row.value, row.important) for row in rows] == [
        ('_', 100, True),
        (['geo'], 100, True),
        (['geo', 'US', 'Boston'], 60, True),
        (['geo', 'UK', 'York'], 35, True),
        (['geo', 'FR'], 5, False),
        (['geo', 'FR', 'Lyon'], 5, True),
    ]
    assert [row.dimension for row in whale.rank('p', dimension='geo', depth=1, period='today', important=0.5)] == [
        ['geo'],
        ['geo', 'US'],
        ['geo', 'UK'],
        ['geo', 'FR'],
    ]
    assert len(whale.rank('p', period='today', limit=2)) == 3
    assert rows[2].to_dict()['count'] == 60
    assert [repr(row.difference) for row in rows[:2]] == ['0', '0']


def test_no_child_has_a_share_of_a_parent_that_comes_to_nothing(whale: Whale) -> None:
    whale.count_now('p', 'won', {'dollars': 5})
    whale.count_now('p', 'lost', {'dollars': -5})
    rows = whale.rank('p', 'dollars', period='today')
    assert [(row.dimension, row.value, row.difference, row.important) for row in rows] == [
        ('_', 0, 0, True),
        (['won'], 5, 5, False),
        (['lost'], -5, -5, False),
    ]


def test_a_ratio_is_ranked_by_how_far_it_moves_the_ratio_of_all(whale: Whale) -> None:
    whale.count_many([('p', {'page': 'a'}, {'dollars': 1})] * 50 + [('p', {'page': 'b'}, {'dollars': 3})] * 50)
    whale.count_many([('p', {'page': 'c'}, {'dollars': 9})])
    overall, *rows = whale.rank('p', 'dollars/hits', 'page', 'today')
    assert overall.value == pytest.approx(209 / 101)
    assert [row.dimension for row in rows] == [['page', 'a'], ['page', 'b'], ['page', 'c']]
    assert rows[0].difference == pytest.approx(1 - 209 / 101)
    assert rows[1].effect == pytest.approx(209 / 101 - 59 / 51)
    assert not rows[2].important


def test_a_dimension_counted_after_the_store_was_emptied_is_listed_again(whale: Whale, server: Server) -> None:
    whale.count_now('p', 'UK')
    server.empty()
    whale.count_now('p', 'UK')
    whale.count_many([('p', 'UK')])
    assert whale.get_subdimensions('p') == [['UK']]
    assert whale.total('p', dimension='UK', period='today') == 2


def test_names_with_bars_apostrophes_and_braces_never_collide(whale: Whale) -> None:
    names = ['a||b', "O'Brien", '}{x', '', '_', 'a/b', 'a', '%2F', 'Ä', '["a"]', ':', 'x\r\ny']
    for i, name in enumerate(names):
        whale.count_now(['p', name], {'n': {name: name}}, {'i': i})
    assert sorted(whale.pks('p')) == sorted(['p', name] for name in names)
    for i, name in enumerate(names):
        assert whale.total(['p', name], 'i', ['n', name, name], 'today') == i
    assert whale.total('p', 'i', 'n', 'today') == sum(range(len(names)))


# -- levels and clearing ----------------------------------------------------------------------------------------------


def test_a_level_is_set_and_everything_above_moves_as_far(whale: Whale, clock: Clock) -> None:
    whale.update_count_to(['shop', 1], {'stock': 'red'}, {'pieces': 30})
    whale.update_count_to(['shop', 1], {'stock': 'blue'}, {'pieces': '12.5'})
    whale.update_count_to(['shop', 2], {'stock': 'red'}, {'pieces': 4})
    whale.update_count_to(['shop', 1], {'stock': 'red'}, {'pieces': 20})
    question = {'metric': 'pieces', 'period': 'today'}
    assert whale.total(['shop', 1], dimension=['stock', 'red'], **question) == 20
    assert whale.total(['shop', 1], **question) == 32.5
    assert whale.total('shop', dimension='stock', **question) == 36.5
    assert whale.total('shop', metric='hits', period='today') == 0
    clock.now += 3_600
    whale.update_count_to(['shop', 1], {'stock': 'red'}, {'pieces': 18})
    points = whale.plotpoints(['shop', 1], ['stock', 'red'], 'pieces:last', '1h:3h', points='ms')
    assert [value for _, value in points['["stock", "red"]']['pieces:last']] == [0, 20, 18]


def test_levels_want_amounts_and_one_path(whale: Whale) -> None:
    with pytest.raises(InvalidInput, match='not levels to set'):
        whale.update_count_to('p', metrics='pieces')
    with pytest.raises(InvalidInput, match='set each by itself'):
        whale.update_count_to('p', {'a': 1, 'b': 2}, {'pieces': 3})


def test_a_pk_that_was_reset_leaves_nothing_and_its_neighbours_everything(shop: Whale, server: Server) -> None:
    assert shop.reset(['Product', 9]) == 4  # itself, geo, US, city0
    assert shop.total(['Product', 9], period='today') == 0
    assert ['Product', '9'] not in shop.pks('Product')
    assert shop.all_subdimensions(['Product', 9]) == []
    assert shop.total(['Product', 8], period='today') == 9
    assert shop.total('Product', period='today') == 55
    assert shop.reset('Product') == 10 + 9 * 4
    assert shop.pks() == []
    assert shop.reset('Product') == 0
    left = [key for node in server.nodes for key in node.scan_iter('*') if not key.endswith((b':store', b':epoch'))]
    # The table of the pks themselves stays, empty but for the number that the next one gets.
    assert [key.split(b':')[2] for key in left] == [b'n'], left


def test_only_some_dimensions_or_metrics_are_reset(shop: Whale) -> None:
    shop.reset('Product', ['geo', 'US'])
    assert shop.get_subdimensions('Product', 'geo') == [['geo', 'UK']]
    assert shop.total('Product', dimension=['geo', 'US', 'city1'], period='today') == 0
    assert shop.total('Product', dimension='geo', period='today') == 55
    shop.reset('Product', metrics='dollars')
    assert shop.total('Product', 'dollars', period='today') == 0
    assert shop.total(['Product', 3], 'dollars', period='today') == 0
    assert shop.total(['Product', 3], 'hits', period='today') == 4


# -- questions --------------------------------------------------------------------------------------------------------


def test_all_default_periods_are_answered_when_none_is_named(whale: Whale) -> None:
    whale.count_now('p')
    assert whale.totals('p') == {
        name: {'_': {'hits': 1}} for name in ('year', 'thirty', 'seven', 'day', 'hour', 'mtd', 'ytd')
    }


def test_two_ratios_asked_at_once_are_each_their_own(whale: Whale) -> None:
    whale.count_now('p', metrics={'a': 6, 'b': 3, 'c': 2})
    assert whale.totals('p', metrics=['a/b', 'a/c', 'a/none'], period='today')['today']['_'] == {
        'a/b': 2,
        'a/c': 3,
        'a/none': 0,
    }


def test_cached_answers_live_for_their_time_and_no_longer(make: Callable[..., Whale], clock: Clock) -> None:
    whale = make(cache_seconds=30)
    whale.count_now('p')
    ask: dict[str, Any] = {'period': 'today'}
    assert whale.cached_totals('p', **ask)['today']['_']['hits'] == 1
    assert len(whale.cached_plotpoints('p', **ask)['_']['hits']) == 19
    whale.count_now('p')
    assert whale.cached_totals('p', **ask)['today']['_']['hits'] == 1
    assert whale.cached_totals('p', fresh=True, **ask)['today']['_']['hits'] == 2
    whale.count_now('p')
    clock.now += 31
    assert whale.cached_totals('p', **ask)['today']['_']['hits'] == 3


def test_who_changes_a_cached_answer_changes_it_for_nobody_else(make: Callable[..., Whale]) -> None:
    whale = make(cache_seconds=30)
    whale.count_now('p')
    for _ in range(2):
        answer = whale.cached_plotpoints('p', period='today', points=list)
        answer['_']['hits'][-1][1] += 1
        answer['_']['hits'].append('x')
    assert whale.cached_plotpoints('p', period='today', points=list)['_']['hits'][-1][1] == 1
    assert len(whale.cached_plotpoints('p', period='today', points=list)['_']['hits']) == 19


def test_what_is_cached_is_bounded(make: Callable[..., Whale], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr('hailwhale.answers._CACHED', 2)
    whale = make()
    for pk in 'abc':
        whale.cached_totals(pk, period='today')
    for pk in 'abc':
        whale.count_now(pk)
    answers = [whale.cached_totals(pk, period='today')['today']['_']['hits'] for pk in 'cba']
    assert answers == [0, 0, 1]


def test_a_node_that_is_asked_for_twice_is_answered_once(whale: Whale) -> None:
    whale.count_now('p', {'geo': {'UK': 'London'}})
    points = whale.plotpoints('p', {'geo': 'UK'}, period='today', depth=1)
    assert list(points) == ['_', 'geo', '["geo", "UK"]', '["geo", "UK", "London"]']


BAD = {
    'amount nan': (lambda w: w.count_now('p', metrics={'d': float('nan')}), 'invalid_amount', 'd'),
    'amount text': (lambda w: w.count_now('p', metrics={'d': 'much'}), 'invalid_amount', "'much'"),
    'metric slash': (lambda w: w.count_now('p', metrics={'a/b': 1}), 'invalid_metric', 'a/b'),
    'empty pk': (lambda w: w.count_now([]), 'invalid_path', ''),
    'nested pk': (lambda w: w.count_now([['a']]), 'invalid_path', ''),
    'deep dimensions': (lambda w: w.count_now('p', list('abcdefghijklmnopqrst')), 'limit_exceeded', '16'),
    'id': (lambda w: w.count_now('p', id=''), 'invalid_input', 'event id'),
    'time': (lambda w: w.count_now('p', at='soon'), 'invalid_time', 'soon'),
    'both spellings': (lambda w: w.count_now('p', metric='a', metrics='b'), 'invalid_input', 'metric and metrics'),
    'period': (lambda w: w.totals('p', period='1x'), 'invalid_period', '1x'),
    'no period': (lambda w: w.totals('p', periods=[]), 'invalid_input', 'periods'),
    'zone': (lambda w: w.totals('p', tz='Mars/Base'), 'invalid_zone', 'Mars/Base'),
    'formula': (lambda w: w.totals('p', metrics='a/b/c'), 'invalid_formula', 'a/b/c'),
    'metrics asked': (lambda w: w.totals('p', metrics=3), 'invalid_input', '3'),
    'depth': (lambda w: w.plotpoints('p', depth=-1), 'invalid_input', '-1'),
    'too deep': (lambda w: w.plotpoints('p', depth=17), 'limit_exceeded', '17'),
    'limit': (lambda w: w.plotpoints('p', limit=-1), 'invalid_input', '-1'),
    'two dimensions': (lambda w: w.rank('p', dimension={'a': 1}), 'invalid_input', 'more than one'),
    'two dimensions of one number': (lambda w: w.total('p', 'hits', {'a': 1}), 'invalid_input', 'more than one'),
    'two metrics of one number': (lambda w: w.total('p', ['a', 'b']), 'invalid_input', 'more than one'),
    'surrogate id': (lambda w: w.count_now('p', id='a\ud800'), 'invalid_input', 'surrogate'),
    'depth text': (lambda w: w.plotpoints('p', depth='1'), 'invalid_input', "'1'"),
    'limit yes': (lambda w: w.plotpoints('p', limit=True), 'invalid_input', 'True'),
    'sort': (lambda w: w.plotpoints('p', sort=5), 'invalid_input', '5'),
    'rows': (lambda w: w.rank('p', limit=-1), 'invalid_input', '-1'),
    'rows text': (lambda w: w.top('p', '3'), 'invalid_input', "'3'"),
    'share': (lambda w: w.rank('p', important=7), 'invalid_input', '7'),
    'share text': (lambda w: w.rank('p', important='x'), 'invalid_input', 'x'),
    'no metric': (lambda w: w.reset('p', metrics=[]), 'invalid_input', 'no metric'),
}


@pytest.mark.parametrize('name', BAD)
def test_bad_input_is_refused_with_its_value_and_counts_nothing(whale: Whale, name: str) -> None:
    call, code, fragment = BAD[name]
    with pytest.raises(HailWhaleError) as refused:
        call(whale)
    assert refused.value.code == code
    assert fragment in refused.value.message
    assert whale.pks() == []


def test_a_question_about_too_many_series_is_refused(whale: Whale, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr('hailwhale.reader.MAX_SERIES', 5)
    whale.count_now('p', {'a': {str(i): None for i in range(10)}})
    with pytest.raises(LimitExceeded, match='more than 5 series'):
        whale.plotpoints('p', depth=3, period='today')


def test_a_question_about_too_many_amounts_is_refused_before_the_engine_is_asked(
    whale: Whale, monkeypatch: pytest.MonkeyPatch
) -> None:
    metrics = [f'metric{i}' for i in range(3_000)]
    with pytest.raises(LimitExceeded, match='4,320,000 amounts, more than 4,000,000'):
        whale.totals('p', metrics=metrics, period='1m:1d')
    with pytest.raises(LimitExceeded, match='fewer dimensions, metrics or periods'):
        whale.totals('p', [['a', str(i)] for i in range(250)], periods=[f'1m:{1_440 - i}m' for i in range(12)])
    monkeypatch.setattr('hailwhale.reader.MAX_AMOUNTS_OF_TREE', 100)
    whale.count_now('p', {'a': {str(i): None for i in range(5)}})
    assert len(whale.plotpoints('p', depth=3, period='1h:16h')) == 7
    with pytest.raises(LimitExceeded, match='an answer of 102 amounts, more than 100'):
        whale.plotpoints('p', depth=3, period='1h:17h')


# -- on the class -----------------------------------------------------------------------------------------------------


def test_calls_on_the_class_count_on_the_default_instance(whale: Whale) -> None:
    Whale.use(whale)
    try:
        Whale.count_now('p', metrics={'dollars': 2})
        assert Whale.total('p', 'dollars', period='today') == 2
        assert Whale.default() is whale
    finally:
        Whale.use(None)


def test_the_default_instance_is_made_from_the_settings_once(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv('HAILWHALE_URL', url)
    try:
        assert Whale.count_now('p')
        assert Whale.default() is Whale.default()
        assert Whale.default().url == url
    finally:
        Whale.default().close()
        Whale.use(None)


def test_a_whale_shows_its_address_without_the_password() -> None:
    assert repr(Whale('redis://me:secret@db/0', settings=Settings.load({}))) == "Whale('redis://me:***@db/0')"


# -- against the model ------------------------------------------------------------------------------------------------

names = st.sampled_from(['a', 'b', 'O|B', ''])
amounts = st.integers(-(10**9), 10**9).map(lambda micros: Fraction(micros, 10**6))


def test_a_formula_of_numbers_alone_is_that_number(whale: Whale) -> None:
    whale.count_now('x')
    assert whale.totals('x', metrics='2', periods='day') == {'day': {'_': {'2': 2}}}
    found = whale.plotpoints('x', metrics='2', period='day')
    assert set(found['_']['2'].values()) == {2}


class AgainstTheModel(RuleBasedStateMachine):
    """The same calls to the whale and to a dict; now and then all they know is compared."""

    server: Server

    def __init__(self) -> None:
        super().__init__()
        self.server.empty()
        self.clock = Clock()
        self.whale = Whale(self.server.url, settings=Settings.load({}), clock=self.clock)
        self.model = DictWhale()

    def teardown(self) -> None:
        self.whale.close()

    @rule(
        pk=st.lists(names, min_size=1, max_size=2),
        path=st.lists(names, max_size=2),
        amount=amounts,
        age=st.integers(0, 40 * 86_400),
        id=st.none() | st.sampled_from(['x', 'y']),
    )
    def count_now(self, pk: list[str], path: list[str], amount: Fraction, age: int, id: str | None) -> None:
        at = int(self.clock.now) - age
        counted = self.whale.count_now(pk, path, {'n': Decimal(amount.numerator) / amount.denominator}, at, id=id)
        nodes = [tuple(path[:end]) for end in range(len(path) + 1)]
        # Ids are kept by shard: the same id under another first segment is another event.
        place = None if id is None else f'{pk[0]}:{id}'
        assert counted == self.model.count(tuple(pk), nodes, {'n': amount}, at, place)

    @rule(some=st.lists(st.tuples(names, names, amounts, st.integers(0, 86_400)), max_size=8))
    def count_many(self, some: list[tuple[str, str, Fraction, int]]) -> None:
        now = int(self.clock.now)
        events = [
            (pk, {'d': child}, {'n': Decimal(amount.numerator) / amount.denominator}, now - age)
            for pk, child, amount, age in some
        ]
        assert self.whale.count_many(events).counted == len(events)
        for pk, child, amount, age in some:
            self.model.count((pk,), [(), ('d',), ('d', child)], {'n': amount}, now - age)

    @rule(seconds=st.integers(1, 86_400))
    def time_passes(self, seconds: int) -> None:
        self.clock.now += seconds

    @rule(pk=st.lists(names, min_size=1, max_size=2), node=st.lists(names, max_size=1))
    def reset(self, pk: list[str], node: list[str]) -> None:
        self.whale.reset(pk, node)
        self.model.reset(tuple(pk), tuple(node))

    @invariant()
    def totals_agree(self) -> None:
        now = int(self.clock.now)
        places = {(pk, node) for pk, node, _ in self.model.counted}
        for pk, node in places:
            for spelling in ('1m:1h', '1h:24h', '1d:30d', 'year'):
                start, end = Period.parse(spelling).window(now)
                expected = {
                    metric: as_number(self.model.total(pk, node, metric, start, end)) for metric in ('hits', 'n')
                }
                answer = self.whale.totals(pk, list(node), ['hits', 'n'], spelling)
                assert answer == {spelling: {path_name(node): expected}}

    @invariant()
    def children_agree(self) -> None:
        for pk in {pk for pk, _, _ in self.model.counted}:
            found = {path[-1] for path in self.whale.get_subdimensions(pk)}
            assert found == self.model.children(pk, ())


@pytest.mark.parametrize('engine', ['embedded', 'cluster'])
def test_the_whale_answers_what_a_dict_would(engine: str, request: pytest.FixtureRequest) -> None:
    AgainstTheModel.server = request.getfixturevalue(f'{engine}_server')
    run_state_machine_as_test(
        AgainstTheModel,
        settings=hypothesis_settings(max_examples=15, stateful_step_count=12),
    )
