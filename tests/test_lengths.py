from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hailwhale.errors import InvalidPeriod
from hailwhale.intervals import Interval
from hailwhale.lengths import Between, DayBefore, Last, Since


def moment(text: str, zone: str = 'UTC') -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp())


def dates(window: tuple[int, int]) -> list[str]:
    return [datetime.fromtimestamp(ts, UTC).isoformat(timespec='minutes')[:16] for ts in window]


@pytest.mark.parametrize(
    ('text', 'seconds'),
    [
        ('30s', 30),
        ('5m', 300),
        ('24h', 86_400),
        ('7d', 604_800),
        ('4w', 2_419_200),
        (' 1 MO ', 2_629_746),
        ('1y', 31_556_952),
        (60, 60),
    ],
)
def test_a_length_is_a_number_of_units_or_of_seconds(text: object, seconds: int) -> None:
    assert Last.parse(text).seconds == seconds


@pytest.mark.parametrize('text', ['1x', '', '7d@UTC', '1w.sun', 'UTC', None, 1.5])
def test_what_is_no_length_is_refused_with_a_way_out(text: object) -> None:
    with pytest.raises(InvalidPeriod, match='try 30s, 5m, 1h, 1d'):
        Last.parse(text)


@pytest.mark.parametrize(
    ('now', 'length', 'before'),
    [
        ('2026-03-31', '1mo', '2026-02-28'),
        ('2028-03-31', '1mo', '2028-02-29'),
        ('2028-02-29', '1y', '2027-02-28'),
        ('2026-11-22', '1y', '2025-11-22'),
        ('2026-01-15', '1mo', '2025-12-15'),
        ('2026-01-15', '13mo', '2024-12-15'),
        ('2026-03-03', '3d', '2026-02-28'),
    ],
)
def test_months_go_back_to_the_same_date_or_to_the_last_of_their_month(now: str, length: str, before: str) -> None:
    assert Last.parse(length).before(moment(now) + 3_661, 'UTC') == moment(before) + 3_661


@pytest.mark.parametrize(
    ('ts', 'length', 'after'),
    [
        ('2026-01-31T05:00', '1mo', '2026-03-01T00:00'),
        ('2026-01-30T05:00', '1mo', '2026-03-01T00:00'),
        ('2026-01-28T05:00', '1mo', '2026-02-28T05:00'),
        ('2028-02-29T05:00', '1y', '2029-03-01T00:00'),
        ('2026-12-31T05:00', '2mo', '2027-03-01T00:00'),
        ('2026-02-28T05:00', '1mo', '2026-03-31T05:00'),
        ('2026-02-28T00:00', '1mo', '2026-03-28T00:00'),
        ('2026-12-31T05:00', '2w', '2027-01-14T05:00'),
    ],
)
def test_a_month_later_is_the_same_date_or_the_first_after_a_shorter_month(ts: str, length: str, after: str) -> None:
    assert Last.parse(length).after(moment(ts), 'UTC') == moment(after)


def test_months_are_those_of_the_zones_clocks() -> None:
    month = Last(1, 'mo')
    assert month.before(moment('2026-03-20T12:00', 'America/New_York'), 'America/New_York') == moment(
        '2026-02-20T12:00', 'America/New_York'
    )
    assert month.after(moment('2026-02-20T12:00', 'America/New_York'), 'America/New_York') == moment(
        '2026-03-20T12:00', 'America/New_York'
    )


@given(
    st.integers(0, 4_000_000_000),
    st.sampled_from(['1mo', '2mo', '1y', '30d', '2w']),
    st.sampled_from(['UTC', 'America/Santiago']),
)
def test_what_ends_within_a_length_before_now_is_after_now_a_length_later(now: int, text: str, zone: str) -> None:
    length, day = Last.parse(text), Interval(1, 'd', zone)
    oldest = day.floor(length.before(now, zone))
    assert length.after(day.next(oldest), zone) > now


@given(st.integers(0, 4_000_000_000), st.integers(1, 500), st.sampled_from(['1m', '5m', '1h', '1d', '1w']))
def test_a_fixed_length_holds_exactly_its_number_of_buckets_rounded_up(now: int, hours: int, text: str) -> None:
    interval = Interval.parse(text, 'America/New_York')
    start, end = Last(hours, 'h').window(interval, now)
    buckets = interval.buckets(start, end)
    assert len(buckets) == -(-hours * 3_600 // interval.width)
    assert buckets[-1] == interval.floor(now)


def test_to_date_begins_with_the_calendar_and_ends_with_the_current_bucket() -> None:
    now, day = moment('2026-11-22T13:30'), Interval(1, 'd')
    assert dates(Since('d').window(Interval(1, 'h'), now)) == ['2026-11-22T00:00', '2026-11-22T14:00']
    assert dates(Since('w').window(day, now)) == ['2026-11-16T00:00', '2026-11-23T00:00']
    assert dates(Since('mo').window(day, now)) == ['2026-11-01T00:00', '2026-11-23T00:00']
    assert dates(Since('y').window(day, now)) == ['2026-01-01T00:00', '2026-11-23T00:00']


def test_weeks_to_date_begin_on_the_intervals_first_day_of_the_week() -> None:
    sunday = Interval(1, 'd', week_start=6)
    assert dates(Since('w').window(sunday, moment('2026-11-22T13:30'))) == ['2026-11-22T00:00', '2026-11-23T00:00']


def test_the_day_before_is_the_local_one_however_long() -> None:
    hour = Interval(1, 'h', 'America/New_York')
    start, end = DayBefore().window(hour, moment('2026-11-02T12:00', 'America/New_York'))
    assert (start, end) == (moment('2026-11-01', 'America/New_York'), moment('2026-11-02', 'America/New_York'))
    assert timedelta(seconds=end - start) == timedelta(hours=25)


def test_a_fixed_span_is_the_same_at_any_time() -> None:
    assert (
        Between(0, 86_400).window(Interval(1, 'd'), 5)
        == Between(0, 86_400).window(Interval(1, 'd'), 10**9)
        == (0, 86_400)
    )
