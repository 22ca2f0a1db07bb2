import pickle
from calendar import monthrange
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hailwhale.errors import InvalidPeriod, InvalidZone, LimitExceeded
from hailwhale.intervals import MAX_BUCKETS, Interval, Span

ZONES = (
    'UTC',
    'Asia/Kolkata',
    'Asia/Kathmandu',
    'America/Santiago',  # changes at midnight
    'America/St_Johns',  # until 2011 changed at one minute past midnight
    'Australia/Lord_Howe',  # by half an hour
    'America/New_York',
    'Pacific/Apia',  # skipped 30 December 2011
    'Africa/Casablanca',  # changes twice around each Ramadan
)
CHANGES = {
    'Asia/Kathmandu': ['1985-12-31T18:30'],
    'America/Santiago': ['2025-04-06T03:00', '2025-09-07T04:00', '2010-10-10T04:00'],
    'America/St_Johns': ['2006-10-29T02:31', '2007-03-11T03:31', '2010-11-07T02:31'],
    'Australia/Lord_Howe': ['2025-04-05T15:00', '2025-10-04T15:30'],
    'America/New_York': ['2026-03-08T07:00', '2026-11-01T06:00'],
    'Pacific/Apia': ['2011-12-30T10:00', '2011-09-24T14:00'],
    'Africa/Casablanca': ['2026-02-15T02:00', '2026-03-22T02:00'],
}
LEAP_DAY, YEAR_END = '2028-02-29T12:00', '2026-12-31T23:59'


def moment(text: str, zone: str = 'UTC') -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp())


@st.composite
def moments(draw: st.DrawFn) -> tuple[str, int]:
    """A zone, and a moment anywhere between 1971 and 2037 or within two days of a change of its clocks."""
    zone = draw(st.sampled_from(ZONES))
    near = [moment(text) for text in [*CHANGES.get(zone, []), LEAP_DAY, YEAR_END]]
    close = st.builds(int.__add__, st.sampled_from(near), st.integers(-180_000, 180_000))
    return zone, draw(close | st.integers(31_536_000, 2_145_916_800))


@lru_cache(maxsize=100_000)
def slow_start(zone: str, day: date) -> int:
    """The first minute whose local date is ``day`` or later, found by looking at the clock every minute."""
    tz, midnight = ZoneInfo(zone), int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())
    minutes = range(midnight - 15 * 3_600, midnight + 15 * 3_600, 60)
    return next(ts for ts in minutes if datetime.fromtimestamp(ts, tz).date() >= day)


def first_date(interval: Interval, day: date) -> date:
    """The first date of the bucket that a date is in, by dates alone."""
    if interval.unit == 'd':
        return day - timedelta(days=(day - date(1970, 1, 1)).days % interval.count)
    if interval.unit == 'w':
        first = date(1969, 12, 29) + timedelta(days=interval.week_start)
        return day - timedelta(days=(day - first).days % (7 * interval.count))
    months = (day.year * 12 + day.month - 1) // (step := interval.count * (12 if interval.unit == 'y' else 1)) * step
    return date(months // 12, months % 12 + 1, 1)


def slow_floor(interval: Interval, ts: int) -> int:
    """The latest start of a bucket around ``ts`` that is not after it."""
    shown = datetime.fromtimestamp(ts, ZoneInfo(interval.zone)).date()
    days = (shown + timedelta(days=days) for days in (-1, 0, 1, 2))
    starts = {slow_start(interval.zone, first_date(interval, day)) for day in days}
    return max(start for start in starts if start <= ts)


CALENDAR = st.tuples(st.sampled_from(['d', 'w', 'mo', 'y']), st.sampled_from([1, 1, 1, 2, 3]), st.integers(0, 6))
FIXED = st.sampled_from(
    ['1s', '30s', '1m', '5m', '15m', '20m', '1h', '2h', '3h', '4h', '6h', '12h', '7h', '36h', '90m']
)


@given(moments(), CALENDAR)
@example(('America/St_Johns', moment('2006-10-29T02:45')), ('d', 1, 0))
@example(('Pacific/Apia', moment('2011-12-30T10:00')), ('d', 1, 0))
@example(('Pacific/Apia', moment('2011-12-30T09:59')), ('d', 2, 0))
def test_days_weeks_months_and_years_are_those_that_a_slow_look_at_the_clocks_finds(
    when: tuple[str, int], kind: tuple[str, int, int]
) -> None:
    zone, ts = when
    unit, count, week_start = kind
    interval = Interval(count, unit, zone, week_start)
    start = interval.floor(ts)
    assert start == slow_floor(interval, ts)
    assert slow_floor(interval, interval.next(start)) == interval.next(start)
    assert slow_floor(interval, interval.next(start) - 1) == start


@given(moments(), FIXED)
@example(('Australia/Lord_Howe', moment('2025-04-05T15:10')), '20m')
def test_hours_of_a_zone_whose_offset_is_whole_hours_are_those_of_utc_and_tile_everywhere(
    when: tuple[str, int], text: str
) -> None:
    zone, ts = when
    interval = Interval.parse(text, zone)
    start, end = interval.floor(ts), interval.next(ts)
    assert start <= ts < end
    assert interval.floor(start) == interval.floor(end - 1) == start
    assert interval.next(start) == end == interval.floor(end)
    if interval.name == text:
        assert start == ts - ts % interval.width


@given(moments(), CALENDAR | FIXED.map(lambda text: (text, 0, 0)), st.integers(0, 40))
def test_buckets_are_all_steps_of_next_and_back_returns(
    when: tuple[str, int], kind: tuple[str, int, int], steps: int
) -> None:
    zone, ts = when
    unit, count, week_start = kind
    interval = Interval(count, unit, zone, week_start) if count else Interval.parse(unit, zone)
    starts = [interval.floor(ts)]
    for _ in range(steps):
        starts.append(interval.next(starts[-1]))
    assert interval.buckets(min(ts, starts[-1]), starts[-1] + 1) == starts
    assert interval.buckets(starts[0], starts[-1]) == starts[:-1]
    assert interval.back(starts[-1], steps) == starts[0]
    spans = interval.spans(starts)
    assert [span.start for span in spans] == starts
    assert [span.end for span in spans[:-1]] == starts[1:]
    shown = [datetime.fromtimestamp(start, ZoneInfo(zone)) for start in starts]
    assert [span.days_in_month for span in spans] == [monthrange(each.year, each.month)[1] for each in shown]


@pytest.mark.parametrize(
    ('zone', 'text', 'hours'),
    [
        ('America/New_York', '2026-03-08', 23),
        ('America/New_York', '2026-11-01', 25),
        ('America/Santiago', '2025-09-07', 23),
        ('America/Santiago', '2025-04-05', 25),
        ('Australia/Lord_Howe', '2025-04-06', 24.5),
        ('Australia/Lord_Howe', '2025-10-05', 23.5),
        ('Asia/Kolkata', '2028-02-29', 24),
    ],
)
def test_days_have_as_many_hours_as_their_clocks_give_them(zone: str, text: str, hours: float) -> None:
    start = slow_start(zone, date.fromisoformat(text))
    day = Interval(1, 'd', zone)
    assert day.floor(start) == start
    assert day.next(start) - start == hours * 3_600


def test_a_day_without_midnight_begins_at_its_first_moment() -> None:
    day = Interval(1, 'd', 'America/Santiago')
    start = day.floor(moment('2025-09-07T12:00'))
    assert datetime.fromtimestamp(start, ZoneInfo('America/Santiago')).isoformat() == '2025-09-07T01:00:00-03:00'


def test_a_skipped_day_has_no_bucket_and_no_hours() -> None:
    day = Interval(1, 'd', 'Pacific/Apia')
    starts = day.buckets(moment('2011-12-29T11:00'), moment('2012-01-01T00:00'))
    shown = [datetime.fromtimestamp(start, ZoneInfo('Pacific/Apia')).date().isoformat() for start in starts]
    assert shown == ['2011-12-29', '2011-12-31', '2012-01-01']
    assert day.back(starts[2], 2) == starts[0]


def test_hours_of_kathmandu_are_those_of_its_clocks() -> None:
    hour = Interval(1, 'h', 'Asia/Kathmandu')
    start = hour.floor(moment('2026-11-22T10:37', 'Asia/Kathmandu'))
    assert start == moment('2026-11-22T10:00', 'Asia/Kathmandu')
    assert hour.name == '1h@Asia/Kathmandu'
    assert hour.buckets(start, start + 3 * 3_600) == [start, start + 3_600, start + 7_200]


def test_an_hour_shown_twice_is_two_buckets() -> None:
    hours = Interval(1, 'h', 'Australia/Adelaide').buckets(
        moment('2026-04-05T00:00', 'Australia/Adelaide'), moment('2026-04-06T00:00', 'Australia/Adelaide')
    )
    shown = [datetime.fromtimestamp(start, ZoneInfo('Australia/Adelaide')).hour for start in hours]
    assert shown == [0, 1, 2, 2, *range(3, 24)]
    assert {after - before for before, after in pairwise(hours)} == {3_600}


@pytest.mark.parametrize(('text', 'long'), [('2026-03-08', 0), ('2026-11-01', 0), ('2026-06-01', 0)])
def test_six_hours_of_new_york_are_four_a_day_even_where_clocks_change(text: str, long: int) -> None:
    day = Interval(1, 'd', 'America/New_York')
    start = moment(text, 'America/New_York')
    starts = Interval(6, 'h', 'America/New_York').buckets(start, day.next(start))
    shown = [datetime.fromtimestamp(each, ZoneInfo('America/New_York')).hour for each in starts]
    assert shown == [long, 6, 12, 18]


def test_half_an_hour_of_change_makes_one_odd_hour_at_lord_howe() -> None:
    hour = Interval(1, 'h', 'Australia/Lord_Howe')
    for text, odd in (('2025-04-06', 5_400), ('2025-10-05', 1_800)):
        start = slow_start('Australia/Lord_Howe', date.fromisoformat(text))
        spans = hour.spans(hour.buckets(start, Interval(1, 'd', 'Australia/Lord_Howe').next(start)))
        assert sorted({span.end - span.start for span in spans} - {3_600}) == [odd]
        assert len({datetime.fromtimestamp(span.start, ZoneInfo('Australia/Lord_Howe')).hour for span in spans}) == 24


def test_weeks_are_iso_weeks_unless_another_day_starts_them() -> None:
    # 1 January 2027 is a Friday of ISO week 53 of 2026.
    ts = moment('2027-01-01T12:00')
    assert Interval(1, 'w').floor(ts) == moment('2026-12-28')
    assert datetime.fromtimestamp(Interval(1, 'w').floor(ts), UTC).isocalendar()[:2] == (2026, 53)
    assert Interval(1, 'w', week_start=6).floor(ts) == moment('2026-12-27')
    assert Interval(1, 'w', week_start=4).floor(ts) == moment('2027-01-01')


def test_months_and_years_are_those_of_the_calendar() -> None:
    ts = moment('2028-02-29T12:00')
    assert Interval(1, 'mo').spans([Interval(1, 'mo').floor(ts)]) == [
        Span(moment('2028-02-01'), moment('2028-03-01'), 29)
    ]
    assert Interval(3, 'mo').floor(ts) == Interval(1, 'y').floor(ts) == moment('2028-01-01')
    assert Interval(1, 'y').next(ts) == moment('2029-01-01')
    assert Interval(10, 'y').floor(ts) == moment('2020-01-01')
    assert Interval(1, 'mo', 'Asia/Kolkata').floor(moment('2026-12-31T20:00')) == moment('2027-01-01', 'Asia/Kolkata')


def test_days_of_a_fixed_offset_begin_at_its_midnight() -> None:
    assert Interval.parse('1d', zone=5.5).floor(moment('2026-11-22T20:00')) == moment('2026-11-22T18:30')
    assert Interval.parse('1w', zone='-5').floor(moment('2026-11-23T04:59')) == moment('2026-11-16T05:00')
    assert Interval.parse('1h', zone='5.75').floor(moment('2026-11-22T20:00')) == moment('2026-11-22T19:15')


@pytest.mark.parametrize(
    ('text', 'count', 'unit'),
    [
        ('1s', 1, 's'),
        ('5m', 5, 'm'),
        ('1h', 1, 'h'),
        ('d', 1, 'd'),
        ('2w', 2, 'w'),
        ('3mo', 3, 'mo'),
        ('1y', 1, 'y'),
        (' 1 H ', 1, 'h'),
        ('1MO', 1, 'mo'),
        ('300', 5, 'm'),
        (3_600, 1, 'h'),
        ('60m', 1, 'h'),
        ('86400', 1, 'd'),
        ('24h', 1, 'd'),
        ('12mo', 1, 'y'),
        ('7d', 7, 'd'),
        ('90m', 90, 'm'),
        ('100y', 100, 'y'),
    ],
)
def test_intervals_are_written_in_many_ways_and_read_as_one(text: object, count: int, unit: str) -> None:
    interval = Interval.parse(text)
    assert (interval.count, interval.unit) == (count, unit)
    assert str(interval) == interval.name == f'{count}{unit}'
    assert Interval.parse(str(interval)) == interval


@given(st.sampled_from(['1m', '1h', '6h', '7h', '1d', '2w', '1mo', '5y']), st.sampled_from(ZONES), st.integers(0, 6))
def test_a_name_tells_buckets_apart_and_is_read_back(text: str, zone: str, week_start: int) -> None:
    interval = Interval.parse(text, zone, week_start)
    again = Interval.parse(interval.name)
    assert again.name == interval.name
    ts = 1_700_000_123
    assert (again.floor(ts), again.next(ts)) == (interval.floor(ts), interval.next(ts))


def test_names_have_a_zone_or_a_week_start_only_where_it_matters() -> None:
    names = [Interval.parse(text, 'America/New_York', 6).name for text in ('1m', '1h', '6h', '1d', '1w', '1mo')]
    assert names == [
        '1m',
        '1h',
        '6h@America/New_York',
        '1d@America/New_York',
        '1w.sun@America/New_York',
        '1mo@America/New_York',
    ]
    assert Interval.parse('1w.SUN') == Interval(1, 'w', week_start=6)
    assert Interval.parse('1h', '+05:30').name == '1h@UTC+05:30'


def test_an_interval_is_a_value() -> None:
    interval = Interval(60, 'm', ' Europe/London ')
    assert interval == Interval(1, 'h', 'Europe/London') != Interval(1, 'h')
    assert hash(interval) == hash(Interval(1, 'h', 'Europe/London'))
    assert Interval.parse(interval, zone='UTC') is interval
    assert pickle.loads(pickle.dumps(interval)) == interval
    assert repr(interval) == "Interval(count=1, unit='h', zone='Europe/London', week_start=0)"
    assert Interval(2, 'mo').width == 2 * 2_629_746


@pytest.mark.parametrize(
    'text',
    ['', '1x', 'h1', '0h', '-1h', '1.5h', '1h2', '1h.sun', '1w.foo', '0', 0, True, None, 1.5, [], '1' * 200, '٣h'],
)
def test_what_is_no_interval_is_refused_with_a_way_out(text: object) -> None:
    with pytest.raises(InvalidPeriod, match=r'not a length of time: .* \(try 30s, 5m, 1h, 1d\)'):
        Interval.parse(text)


def test_intervals_longer_than_a_century_unknown_zones_and_weekdays_are_refused() -> None:
    with pytest.raises(InvalidPeriod, match='too long for an interval: 101y'):
        Interval.parse('101y')
    with pytest.raises(InvalidPeriod, match='too long'):
        Interval.parse('999999999999y')
    with pytest.raises(InvalidZone, match='Mars'):
        Interval.parse('1h@Mars')
    with pytest.raises(InvalidPeriod, match='not a day of the week: 7'):
        Interval(1, 'w', week_start=7)
    with pytest.raises(InvalidPeriod, match='not a length of time'):
        Interval(True, 'h')


def test_no_more_buckets_are_listed_than_anyone_can_use() -> None:
    minute = Interval(1, 'm')
    assert len(minute.buckets(0, MAX_BUCKETS * 60)) == MAX_BUCKETS
    with pytest.raises(LimitExceeded, match='more than 100000 buckets of 1m'):
        minute.buckets(0, MAX_BUCKETS * 60 + 1)
    assert minute.buckets(5, 5) == minute.buckets(6, 5) == []


def test_caches_forget_and_answers_stay_the_same() -> None:
    day, hour = Interval(1, 'd', 'Europe/Paris'), Interval(1, 'h', 'Asia/Kathmandu')
    starts = day.buckets(0, 20_000 * 86_400)
    assert [day.floor(start + 3_600) for start in starts] == starts
    assert day.buckets(0, 20_000 * 86_400) == starts
    hours = [hour.floor(start) for start in starts]
    assert [hour.floor(start) for start in starts] == hours
