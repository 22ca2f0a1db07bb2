"""What is read of a decision, against a dict that counts the same events; on every engine."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from random import Random
from typing import Any

import pytest

from hailwhale.decisions.counting import context_of
from hailwhale.decisions.policies import Cell, Context, Sums
from hailwhale.decisions.reading import Asked, Taken, Today, fetch_table, formula_of
from hailwhale.errors import InvalidFormula, Unanswerable
from hailwhale.intervals import DAY
from hailwhale.periods import Period
from hailwhale.whale import Whale
from tests.clocks import NOW, Clock

HOUR = 3_600
MIDNIGHT = NOW - NOW % DAY
NOTHING = Sums(0, 0, 0)
OPTIONS = ('blue', 'green', 'red')
MONEY = Asked(('Page', 'color'), OPTIONS, 'earned', 'hits')
RETURN = Asked(('Page', 'color'), OPTIONS, 'earned', 'spent')
VISITORS: tuple[object, ...] = (
    None,
    {'country': 'US', 'device': 'phone'},
    {'country': 'US', 'device': 'desk'},
    {'geo': {'US': {'New York': 'Queens/Kings'}}},
    'newsletter',
)
#: Any moment, the first and the last second of a day, and the first second of an hour.
MOMENTS = [NOW, MIDNIGHT + DAY, MIDNIGHT + 2 * DAY - 1, MIDNIGHT + 20 * HOUR]


@dataclass
class Ledger:
    """Counts what options did in a list as well as in a whale."""

    whale: Whale
    asked: Asked
    events: list[tuple[str, str, float, dict[str, Decimal]]] = field(default_factory=list)

    def count(self, some: Sequence[tuple[str, object, float, dict[str, Any] | None]]) -> None:
        """Count events: option, dimensions, when, metrics."""
        arguments = [
            self.whale.decided_event(self.asked.pk, None, option, dimensions, metrics, at)
            for option, dimensions, at, metrics in some
        ]
        assert self.whale.count_many(arguments).refused == []
        for option, dimensions, at, metrics in some:
            exact = {'hits': Decimal(1)} if metrics is None else {k: Decimal(str(v)) for k, v in metrics.items()}
            self.events.append((context_of(dimensions).text, option, at, exact))

    def sums(self, first: int, end: int = 2**62) -> dict[tuple[str, str], Sums]:
        """By context and option what was counted from one moment until before another."""
        found: defaultdict[tuple[str, str], list[Decimal]] = defaultdict(lambda: [Decimal(0)] * 3)
        for context, option, at, metrics in self.events:
            if first <= at < end:
                for place, metric in enumerate((self.asked.exposure, self.asked.reward)):
                    found[context, option][place] += metrics.get(metric, Decimal(0))
                found[context, option][2] += bool(metrics.get(self.asked.reward))
        return {key: Sums(*map(float, sums)) for key, sums in found.items() if any(sums)}

    def products(self, one: str, other: str) -> float:
        amounts = [(metrics.get(one, 0), metrics.get(other, 0)) for *_, metrics in self.events]
        return float(sum((Decimal(a) * Decimal(b) for a, b in amounts), Decimal(0)))


def read(whale: Whale, asked: Asked) -> Taken:
    return fetch_table(whale.storage, whale.kept, asked, int(whale.clock()))()


def today(whale: Whale, asked: Asked, *contexts: Context) -> list[dict[str, list[float]]]:
    return Today(asked).read(whale.storage, whale.kept, contexts, int(whale.clock()))


def nearly(found: Mapping[tuple[str, str], Sums], expected: Mapping[tuple[str, str], Sums]) -> bool:
    """Whether sums of the same contexts and options are the same, but for what floats cannot hold."""
    assert found.keys() == expected.keys()
    return all(sums == pytest.approx(expected[key], abs=1e-9) for key, sums in found.items())


def buckets(taken: Taken, now: int) -> list[tuple[int, float]]:
    """When each bucket began, and the exposure in it."""
    columns = dict(zip(Cell._fields, taken.table.columns().tolist(), strict=True))
    starts = [round(now - HOUR * age) for age in columns['age']]
    return sorted(zip(starts, columns['exposure'], strict=True))


def some_events(rng: Random, now: int, count: int, reach: int) -> list[tuple[str, object, int, dict[str, Any] | None]]:
    """What options did at any time of the last days: shown, or cost and earned something, or paid something back."""
    found: list[tuple[str, object, int, dict[str, Any] | None]] = []
    for _ in range(count):
        at = now - int(reach * rng.random() ** 3)
        metrics = rng.choice(
            [None, {'spent': rng.randrange(1, 10**6) / 10**6}, {'earned': rng.randrange(-9, 90), 'spent': 0.5}]
        )
        found.append((rng.choice(OPTIONS), rng.choice(VISITORS), at, metrics))
    return found


@pytest.mark.parametrize(('now', 'asked'), [*((now, MONEY) for now in MOMENTS), (NOW, RETURN)])
def test_a_table_holds_what_a_dict_would(whale: Whale, clock: Clock, now: int, asked: Asked) -> None:
    clock.now = now
    ledger = Ledger(whale, asked)
    # Each was shown to each before it earned anything.
    ledger.count([(option, visitor, now - 61 * DAY, None) for option in OPTIONS for visitor in VISITORS])
    ledger.count(some_events(Random(now), now, 150, 60 * DAY))
    taken = read(whale, asked)
    expected = ledger.sums(0)
    assert nearly(taken.table.sums(), expected)
    moments = taken.table.moments
    assert moments.exposure == pytest.approx(sum(sums[0] for sums in expected.values()))
    assert moments.reward == pytest.approx(sum(sums[1] for sums in expected.values()))
    assert moments.squares == pytest.approx(ledger.products('earned', 'earned'))
    if asked is RETURN:
        assert moments.exposures == pytest.approx(ledger.products('spent', 'spent'))
        assert moments.products == pytest.approx(ledger.products('earned', 'spent'))
    assert taken.day == now - now % DAY
    assert nearly(taken.today, ledger.sums(taken.day))


@pytest.mark.parametrize('before', [HOUR, DAY, 20 * DAY])
def test_what_an_option_earned_before_it_was_first_shown_is_in_no_table(
    whale: Whale, clock: Clock, before: int
) -> None:
    shown, early = clock.now - HOUR, clock.now - HOUR - before
    ledger, odd = Ledger(whale, MONEY), Ledger(whale, MONEY)
    ledger.count([('blue', VISITORS[1], early, None), ('blue', VISITORS[1], early, {'earned': 3})])
    odd.count([('green', VISITORS[1], early, {'earned': 700}), ('red', VISITORS[2], early, {'earned': 5_000})])
    ledger.count([('red', VISITORS[2], shown, None), ('red', VISITORS[2], shown, {'earned': 7})])
    taken = read(whale, MONEY)
    assert nearly(taken.table.sums(), ledger.sums(0))
    moments = taken.table.moments
    assert (moments.exposure, moments.reward) == (2, 10)
    assert moments.squares == pytest.approx(9 + 49)
    # Of green alone nothing was shown at all.
    assert taken.unshown == ['green']
    # What is read of today by itself has all of it, and so has what is taken from that.
    both = Ledger(whale, MONEY, ledger.events + odd.events)
    assert nearly(taken.today, both.sums(taken.day))


def test_what_costs_nothing_may_earn(whale: Whale) -> None:
    ledger = Ledger(whale, RETURN)
    ledger.count([('blue', None, NOW - DAY, {'earned': 5}), ('red', None, NOW, {'earned': 1, 'spent': 2})])
    taken = read(whale, RETURN)
    assert nearly(taken.table.sums(), ledger.sums(0))
    assert list(taken.unshown) == []


@pytest.mark.parametrize('now', MOMENTS)
def test_between_hours_and_days_nothing_is_left_out_and_nothing_twice(whale: Whale, clock: Clock, now: int) -> None:
    clock.now = now
    hours = [now - now % HOUR - HOUR * age for age in range(10 * 24)]
    Ledger(whale, MONEY).count([('red', VISITORS[1], at, None) for at in hours])
    # Hours from the first midnight of the last 168 of them, and days before.
    border = -(-hours[167] // DAY) * DAY
    expected = Counter(hour if hour >= border else hour - hour % DAY for hour in hours)
    assert 6 * DAY < hours[0] + HOUR - border <= 7 * DAY
    assert buckets(read(whale, MONEY), now) == sorted(expected.items())


def test_an_event_that_comes_late_is_read_in_the_hour_in_which_it_happened(whale: Whale) -> None:
    ledger = Ledger(whale, MONEY)
    ledger.count([('red', VISITORS[1], NOW - 5 * HOUR, None)])
    before = read(whale, MONEY)
    ledger.count([('red', VISITORS[1], NOW - 5 * HOUR, None), ('red', VISITORS[1], NOW - 40 * DAY, None)])
    hour, day = NOW - 5 * HOUR, NOW - 40 * DAY
    assert buckets(before, NOW) == [(hour - hour % HOUR, 1)]
    assert buckets(read(whale, MONEY), NOW) == [(day - day % DAY, 1), (hour - hour % HOUR, 2)]


@pytest.mark.parametrize('period', ['1h:3h', 'today', 'yesterday', '1d:40d', '2037-11-20/2037-11-21', 'hour'])
def test_of_a_period_only_what_lies_in_it_is_read(whale: Whale, period: str) -> None:
    # Of hits, what was earned by an option that was shown before the period alone would be left aside.
    asked = Asked(MONEY.pk, OPTIONS, 'earned', 'spent', Period.parse(period))
    ledger = Ledger(whale, asked)
    ledger.count(some_events(Random(5), NOW, 120, 45 * DAY))
    start, end = Period.parse(period).window(NOW)
    taken = read(whale, asked)
    assert nearly(taken.table.sums(), ledger.sums(start, end))
    assert taken.table.sums()
    for option in OPTIONS:
        pk = [*MONEY.pk, option]
        row = [sums[0] for (_, name), sums in taken.table.sums().items() if name == option]
        assert sum(row) == pytest.approx(whale.total(pk, 'spent', period=period))
    assert nearly(taken.today, ledger.sums(max(start, taken.day), end))
    contexts, expected = [context_of(visitor) for visitor in VISITORS[1:]], ledger.sums(max(start, MIDNIGHT), end)
    for context, now in zip(contexts, today(whale, asked, *contexts), strict=True):
        for option, sums in now.items():
            assert sums == pytest.approx(expected.get((context.text, option), NOTHING))
        assert set(now) == (set(OPTIONS) if end > MIDNIGHT else set())


def test_today_is_read_of_one_context_and_of_nobody_known_over_all(whale: Whale) -> None:
    ledger = Ledger(whale, MONEY)
    ledger.count(some_events(Random(6), NOW, 120, 3 * DAY))
    ledger.count([('red', None, NOW, None)])
    counted, contexts = ledger.sums(MIDNIGHT), [context_of(visitor) for visitor in VISITORS]
    overall, *others = today(whale, MONEY, *contexts)
    for context, found in zip(contexts[1:], others, strict=True):
        assert set(found) == set(OPTIONS)
        for option, sums in found.items():
            assert sums == pytest.approx(counted.get((context.text, option), NOTHING))
    for option in OPTIONS:
        expected = [sums for (_, name), sums in counted.items() if name == option]
        assert overall[option] == pytest.approx([sum(column) for column in zip(*expected, strict=True)])


def test_nothing_counted_is_a_table_of_nothing(whale: Whale) -> None:
    taken = read(whale, MONEY)
    assert taken.table.sums() == taken.today == {}
    assert taken.table.options == OPTIONS
    assert taken.table.moments[:3] == (0, 0, None)
    assert read(whale, RETURN).table.moments[:4] == (0, 0, None, None)
    assert taken.table.columns().shape == (len(Cell._fields), 0)


def test_what_was_taken_back_whole_is_a_sum_of_nothing(whale: Whale) -> None:
    shown = ('red', VISITORS[1], NOW, None)
    Ledger(whale, MONEY).count([shown, *(('red', VISITORS[1], NOW, {'earned': sign * 5}) for sign in (1, -1))])
    taken = read(whale, MONEY)
    assert taken.table.sums() == {('country/US device/phone', 'red'): (1, 0, 2)}
    assert taken.table.moments.squares == 50


def test_sums_beyond_the_integers_of_a_machine_are_read_too(whale: Whale) -> None:
    Ledger(whale, MONEY).count([('red', VISITORS[1], NOW, {'hits': 10**14}), ('red', None, NOW, {'hits': 3})])
    taken = read(whale, MONEY)
    assert taken.table.sums() == {('country/US device/phone', 'red'): (1e14, 0, 0), ('', 'red'): (3, 0, 0)}
    assert taken.table.moments.exposure == 100_000_000_000_003


@pytest.mark.parametrize(
    ('keep', 'reach'),
    [('1h:2d', 2 * DAY), ('1h:10d', 7 * DAY), ('1d:1y', 90 * DAY), ('1h:3d 1d:40d', 30 * DAY), ('1m:3d', 2 * DAY)],
)
def test_as_much_is_read_as_is_kept(make: Callable[..., Whale], keep: str, reach: int) -> None:
    whale = make(keep=keep)
    ledger = Ledger(whale, MONEY)
    ledger.count([('red', VISITORS[1], NOW - at, None) for at in range(0, reach - DAY, HOUR)])
    assert read(whale, MONEY).table.sums() == ledger.sums(0)
    assert today(whale, MONEY, context_of(VISITORS[1]))[0]['red'][0] == 19


def test_where_too_little_is_kept_what_to_keep_is_said(make: Callable[..., Whale]) -> None:
    whale = make(keep='1m:30m')
    whale.count_decided_now('Page', 'color', 'red', VISITORS[1])
    with pytest.raises(Unanswerable, match=r'read hours or days, and neither is kept \(see HAILWHALE_KEEP: 1h:7d'):
        whale.decide('Page', 'color', OPTIONS)
    assert today(whale, MONEY, context_of(None), context_of('UK')) == [{}, {}]
    minutes = Asked(MONEY.pk, OPTIONS, 'earned', 'hits', Period.parse('1m:10m'))
    assert read(whale, minutes).table.sums() == {('country/US device/phone', 'red'): (1, 0, 0)}


def test_a_period_that_is_not_kept_is_refused_with_a_way_out(whale: Whale) -> None:
    with pytest.raises(Unanswerable, match=r'1m:40d .*HAILWHALE_KEEP'):
        whale.decide('Page', 'color', OPTIONS, period='1m:40d')


@pytest.mark.parametrize(
    ('text', 'sides'),
    [
        ('earned', ('earned', 'hits')),
        ('earned/hits', ('earned', 'hits')),
        ('earned/spent', ('earned', 'spent')),
        (' hits / earned', ('hits', 'earned')),
        ('"_days"', ('_days', 'hits')),
    ],
)
def test_a_formula_is_a_metric_by_hit_or_one_over_another(text: str, sides: tuple[str, str]) -> None:
    assert formula_of(text) == sides


@pytest.mark.parametrize(
    'text',
    [None, 5, '', '1', 'hits', 'hits/hits', 'earned/2', '2/earned', 'earned:last', 'a/b/c', '_count', 'a/_count'],
)
def test_another_formula_is_refused(text: object) -> None:
    with pytest.raises(InvalidFormula) as refused:
        formula_of(text)
    assert refused.value.code == 'invalid_formula'
