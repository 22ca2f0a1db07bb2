import pickle
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hailwhale import periods
from hailwhale.errors import InvalidPeriod, InvalidZone, LimitExceeded
from hailwhale.intervals import Interval
from hailwhale.lengths import Between, Last
from hailwhale.periods import DEFAULT_PERIODS, NAMED_PERIODS, Period, Retention

NOW = 1_795_354_200  # Sunday, 2026-11-22T13:30:00Z


def moment(text: str, zone: str = 'UTC') -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp())


def window(text: object, zone: str = 'UTC', now: int = NOW, week_start: int = 0) -> tuple[str, str, str]:
    """A period's interval, and its window as the zone's clocks show it."""
    period = Period.parse(text, zone, week_start)
    start, end = (datetime.fromtimestamp(ts, ZoneInfo(zone)).isoformat()[:16] for ts in period.window(now))
    return str(period.interval), start, end


@pytest.mark.parametrize(
    ('name', 'expected', 'points'),
    [
        ('hour', ('1m', '2026-11-22T12:31', '2026-11-22T13:31'), 60),
        ('day', ('1h', '2026-11-21T14:00', '2026-11-22T14:00'), 24),
        ('24h', ('1h', '2026-11-21T14:00', '2026-11-22T14:00'), 24),
        ('today', ('1h', '2026-11-22T00:00', '2026-11-22T14:00'), 14),
        ('yesterday', ('1h', '2026-11-21T00:00', '2026-11-22T00:00'), 24),
        ('seven', ('1d', '2026-11-16T00:00', '2026-11-23T00:00'), 7),
        ('thirty', ('1d', '2026-10-24T00:00', '2026-11-23T00:00'), 30),
        ('wtd', ('1d', '2026-11-16T00:00', '2026-11-23T00:00'), 7),
        ('mtd', ('1d', '2026-11-01T00:00', '2026-11-23T00:00'), 22),
        ('ytd', ('1d', '2026-01-01T00:00', '2026-11-23T00:00'), 326),
        ('year', ('1d', '2025-11-22T00:00', '2026-11-23T00:00'), 366),
    ],
)
def test_every_named_period_covers_what_its_name_says(name: str, expected: tuple[str, str, str], points: int) -> None:
    assert window(name) == window(name.upper()) == expected
    assert len(Period.parse(name).buckets(NOW)) == points
    assert str(Period.parse(name)) == name


def test_all_names_are_tried_and_the_default_ones_are_among_them() -> None:
    assert set(DEFAULT_PERIODS) < set(NAMED_PERIODS)
    assert len(NAMED_PERIODS) == 11


@pytest.mark.parametrize(
    ('text', 'expected', 'points'),
    [
        ('1h:24h', ('1h', '2026-11-21T14:00', '2026-11-22T14:00'), 24),
        ('1d:7d', ('1d', '2026-11-16T00:00', '2026-11-23T00:00'), 7),
        ('5m:1w', ('5m', '2026-11-15T13:35', '2026-11-22T13:35'), 2016),
        ('7m:1h', ('7m', '2026-11-22T12:28', '2026-11-22T13:31'), 9),
        ('1d:1y', ('1d', '2025-11-22T00:00', '2026-11-23T00:00'), 366),
        ('1d:1mo', ('1d', '2026-10-22T00:00', '2026-11-23T00:00'), 32),
        ('1mo:1y', ('1mo', '2025-11-01T00:00', '2026-12-01T00:00'), 13),
        ('1w:4w', ('1w', '2026-10-26T00:00', '2026-11-23T00:00'), 4),
        ('60:3600', ('1m', '2026-11-22T12:31', '2026-11-22T13:31'), 60),
        ('60x3600', ('1m', '2026-11-22T12:31', '2026-11-22T13:31'), 60),
        ('3600', ('1m', '2026-11-22T12:31', '2026-11-22T13:31'), 60),
        (3600, ('1m', '2026-11-22T12:31', '2026-11-22T13:31'), 60),
        ('86400', ('1h', '2026-11-21T14:00', '2026-11-22T14:00'), 24),
        ('30', ('1s', '2026-11-22T13:29', '2026-11-22T13:30'), 30),
        ('7d', ('1d', '2026-11-16T00:00', '2026-11-23T00:00'), 7),
        ('1mo', ('1d', '2026-10-22T00:00', '2026-11-23T00:00'), 32),
        (' 1h:yesterday ', ('1h', '2026-11-21T00:00', '2026-11-22T00:00'), 24),
        ('15m:today', ('15m', '2026-11-22T00:00', '2026-11-22T13:45'), 55),
        ('1mo:ytd', ('1mo', '2026-01-01T00:00', '2026-12-01T00:00'), 11),
        ('1h:seven', ('1h', '2026-11-15T14:00', '2026-11-22T14:00'), 168),
    ],
)
def test_lengths_hold_their_buckets_the_current_one_the_last(
    text: object, expected: tuple[str, str, str], points: int
) -> None:
    assert window(text) == expected
    period = Period.parse(text)
    starts = period.buckets(NOW)
    assert len(starts) == points
    assert starts[0] == period.window(NOW)[0]
    assert str(period) == str(text).strip()


NOVEMBER = ('1d', '2026-11-01T00:00', '2026-11-08T00:00')
ONE_DAY = ('1d', '2026-11-22T00:00', '2026-11-23T00:00')


@pytest.mark.parametrize(
    ('text', 'expected'),
    [
        ('11/01/2026-11/07/2026', NOVEMBER),
        ('11/1/2026 - 11/7/2026', NOVEMBER),
        ('2026-11-01/2026-11-07', NOVEMBER),
        ('2026-11-01:2026-11-07', NOVEMBER),
        ('2026-11-01..2026-11-07', NOVEMBER),
        ('2026-11-01 to 2026-11-07', NOVEMBER),
        ('2026-11-01-2026-11-07', NOVEMBER),
        ('1d:2026-11-01/2026-11-07', NOVEMBER),
        ('86400:2026-11-01:2026-11-07', NOVEMBER),
        ('1h:2026-11-01/2026-11-07', ('1h', *NOVEMBER[1:])),
        ('1h:11/01/2026-11/07/2026', ('1h', *NOVEMBER[1:])),
        ('1w:2026-11-02/2026-11-15', ('1w', '2026-11-02T00:00', '2026-11-16T00:00')),
        ('1mo:2026-01-01/2026-03-31', ('1mo', '2026-01-01T00:00', '2026-04-01T00:00')),
        ('2026-11-22', ONE_DAY),
        ('11/22/2026', ONE_DAY),
        ('1h:2026-11-22', ('1h', *ONE_DAY[1:])),
        ('2026-11-22T10:00/2026-11-22T12:30', ('1m', '2026-11-22T10:00', '2026-11-22T12:30')),
        ('2026-11-22 10:00/2026-11-22 12:00', ('1h', '2026-11-22T10:00', '2026-11-22T12:00')),
        ('2026-11-22T10:00:00/2026-11-22T10:00:30', ('1s', '2026-11-22T10:00', '2026-11-22T10:00')),
        ('2026-11-01T00:00/2026-11-08T00:00', NOVEMBER),
        ('2026-11-01/2026-11-08T00:00', NOVEMBER),
        ('2026-11-01T00:00/2026-11-07', NOVEMBER),
        ('30m:2026-11-22T10:00:2026-11-22T12:30', ('30m', '2026-11-22T10:00', '2026-11-22T12:30')),
    ],
)
def test_dates_are_spelled_in_many_ways_and_both_are_included(text: str, expected: tuple[str, str, str]) -> None:
    assert window(text) == expected
    assert window(text, 'America/Santiago') == expected
    assert str(Period.parse(text)) == text


def test_times_with_an_offset_are_moments_and_those_without_are_the_zones() -> None:
    text = '2026-11-22T10:00Z/2026-11-22T18:00+05:30'
    assert Period.parse(text, 'Asia/Tokyo').window(NOW) == (moment('2026-11-22T10:00'), moment('2026-11-22T12:30'))
    assert Period.parse('2026-11-22', 'Asia/Tokyo').window(0) == (
        moment('2026-11-22', 'Asia/Tokyo'),
        moment('2026-11-23', 'Asia/Tokyo'),
    )


def test_an_interval_that_names_its_zone_has_dates_and_days_of_that_zone() -> None:
    tokyo = Period.parse('1d@Asia/Tokyo:2026-11-22', 'America/New_York')
    assert tokyo.window(NOW)[0] == moment('2026-11-22', 'Asia/Tokyo')
    assert Period.parse('1d@UTC+05:30:7d').buckets(NOW)[-1] == moment('2026-11-22T00:00', 'Asia/Kolkata')


def test_leap_days_and_year_ends_are_days_like_others() -> None:
    assert window('2028-02-29') == ('1d', '2028-02-29T00:00', '2028-03-01T00:00')
    assert len(Period.parse('2028-01-01/2028-12-31').buckets(NOW)) == 366
    assert window('1d:1y', now=moment('2028-02-29T12:00'))[1] == '2027-02-28T00:00'
    assert window('1d:1mo', now=moment('2026-03-31T12:00'))[1] == '2026-02-28T00:00'
    assert window('ytd', now=moment('2026-12-31T23:59')) == ('1d', '2026-01-01T00:00', '2027-01-01T00:00')
    assert window('yesterday', now=moment('2027-01-01T00:00')) == ('1h', '2026-12-31T00:00', '2027-01-01T00:00')


def test_today_and_yesterday_are_those_of_the_zone() -> None:
    now = moment('2026-11-22T20:00')
    assert window('today', 'Asia/Kathmandu', now) == ('1h', '2026-11-23T00:00', '2026-11-23T02:00')
    assert window('yesterday', 'America/New_York', moment('2026-11-02T12:00')) == (
        '1h',
        '2026-11-01T00:00',
        '2026-11-02T00:00',
    )
    assert len(Period.parse('yesterday', 'America/New_York').buckets(moment('2026-11-02T12:00'))) == 25
    assert Period.parse('today', -5).window(moment('2026-11-22T04:59'))[0] == moment('2026-11-21T05:00')


@given(
    st.integers(NOW - 10**8, NOW + 10**8),
    st.sampled_from(sorted(NAMED_PERIODS)),
    st.sampled_from(['UTC', 'America/Santiago', 'Asia/Kathmandu', 'Australia/Lord_Howe', 'UTC+05:30']),
)
def test_every_window_is_whole_buckets_and_ends_with_now_unless_it_is_yesterday(now: int, name: str, zone: str) -> None:
    period = Period.parse(name, zone)
    start, end = period.window(now)
    assert period.floor(start) == start < end == period.floor(end)
    assert (end == period.interval.next(now)) == (name != 'yesterday')
    starts = period.buckets(now)
    assert starts[0] == start
    assert period.interval.next(starts[-1]) == end


# Defects of the predecessors.


def test_buckets_follow_the_clock_and_are_never_those_of_a_minute_ago() -> None:
    hour = Period.parse('hour')
    before, after = hour.buckets(NOW + 59), hour.buckets(NOW + 60)
    assert after == [*before[1:], NOW + 60]


def test_asking_for_yesterday_changes_nothing_for_thirty() -> None:
    thirty = Period.parse('thirty').buckets(NOW)
    yesterday = Period.parse('yesterday').buckets(NOW)
    assert Period.parse('thirty').buckets(NOW) == thirty
    assert thirty[-2] == yesterday[0]
    assert len(thirty) == 30


def test_24h_is_the_last_24_hours_with_the_current_one() -> None:
    assert len(Period.parse('24h').buckets(NOW)) == 24
    assert Period.parse('24h').buckets(NOW)[-1] == NOW - 1_800


@pytest.mark.parametrize('day', range(16, 23))
def test_the_week_to_date_starts_on_monday_whatever_the_day(day: int) -> None:
    assert window('wtd', now=moment(f'2026-11-{day}T12:00'))[1] == '2026-11-16T00:00'


def test_the_week_may_start_on_another_day() -> None:
    assert window('wtd', week_start=6)[1] == '2026-11-22T00:00'
    assert window('wtd', week_start=5)[1] == '2026-11-21T00:00'


def test_today_is_one_day() -> None:
    start, end = Period.parse('today').window(moment('2026-11-22T23:59'))
    assert end - start == 86_400


def test_the_offset_of_a_zone_is_kept() -> None:
    starts = [Period.parse('1d:1d', zone).buckets(NOW)[0] for zone in ('UTC', -5, '5.5', 'Asia/Kolkata')]
    midnight = moment('2026-11-22')
    assert starts == [midnight, midnight + 5 * 3_600, midnight - 19_800, midnight - 19_800]


def test_a_period_is_read_once_and_is_a_value() -> None:
    assert Period.parse('1h:7d', 'Asia/Tokyo') is Period.parse('1h:7d', 'Asia/Tokyo')
    period = Period.parse('1h:7d')
    assert Period.parse(period, 'Asia/Tokyo') is period
    assert period == Period(Interval(1, 'h'), Last(7, 'd'), '1h:7d')
    assert pickle.loads(pickle.dumps(period)) == period
    assert Period.parse('1970-01-01').length == Between(0, 86_400)


@pytest.mark.parametrize(
    'text',
    [
        '',
        'fortnight',
        '1x',
        'x',
        '2026-02-30',
        '2026-13-01/2026-13-02',
        '13/13/2026',
        '2026-11-22T10:00',
        '2026-11-22T25:00/2026-11-23',
        None,
        True,
        1.5,
        [],
        '1' * 200,
    ],
)
def test_what_is_no_period_is_refused_by_its_value_and_with_a_way_out(text: object) -> None:
    with pytest.raises(
        InvalidPeriod, match=r'not a period: .*try 1h:24h, 7d, yesterday or 2026-11-01/2026-11-22'
    ) as caught:
        Period.parse(text)
    assert caught.value.field == 'period'


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        ('1h:1x', r"not a length of time: '1x' \(try 30s, 5m, 1h, 1d\)"),
        ('1x:1h', "not a length of time: '1x'"),
        ('foo:2026-11-22', "not a length of time: 'foo'"),
        ('1d:1h', r'shorter than its interval: 1d:1h \(try 1d:1d\)'),
        ('1mo:30d', 'shorter than its interval: 1mo:30d'),
        ('2026-11-07/2026-11-01', 'ends before it begins.*earlier date first'),
        ('2026-11-22T10:00/2026-11-22T10:00', 'ends before it begins'),
        ('1w:2026-11-01/2026-11-07', 'no whole buckets of 1w.*shorter interval'),
        ('7h:2026-11-01', 'no whole buckets of 7h'),
        ('1w:mtd', r'no whole buckets of 1w.*try 1d:mtd'),
        ('7h:today', 'no whole buckets of 7h'),
        ('2d:ytd', 'no whole buckets of 2d'),
        ('1d:9999-12-30', 'too far away'),
        ('9999-12-31', 'too far away|not a period'),
        ('0001-01-01', 'too far away'),
    ],
)
def test_periods_that_do_not_fit_are_refused_with_a_way_out(text: str, message: str) -> None:
    with pytest.raises(InvalidPeriod, match=message):
        Period.parse(text)


@pytest.mark.parametrize('text', ['1s:2d', '1m:70d', '1s:2026-01-01/2026-12-31', '1s:ytd', '1m:1y'])
def test_more_buckets_than_anyone_can_use_are_refused(text: str) -> None:
    with pytest.raises(LimitExceeded, match=r'more than 100000 buckets.*longer interval'):
        Period.parse(text)


@pytest.mark.parametrize('text', ['1h:7d', 'today', '2026-11-22', '7d'])
def test_an_unknown_zone_is_named_as_such(text: str) -> None:
    with pytest.raises(InvalidZone, match='Mars/Olympus'):
        Period.parse(text, 'Mars/Olympus')


@given(st.text(max_size=40) | st.from_regex(r'[0-9a-z:/@.+ T-]{1,30}', fullmatch=True))
def test_whatever_the_text_it_is_a_period_or_refused_as_invalid(text: str) -> None:
    try:
        period = Period.parse(text)
    except (InvalidPeriod, InvalidZone, LimitExceeded):
        return
    assert period.buckets(NOW)


def test_retentions_are_an_interval_and_a_length() -> None:
    kept = Retention.parse('1h:31d')
    assert kept == Retention(Interval(1, 'h'), Last(31, 'd'))
    assert Retention.parse(kept) is kept
    assert str(kept) == '1h:31d'
    zoned = Retention.parse('1d:1y', zone='+05:30')
    assert str(zoned) == '1d@UTC+05:30:1y'
    assert Retention.parse(str(zoned)) == zoned
    assert Retention.parse('1w:1y', week_start=6).interval.week_start == 6


def test_a_bucket_is_kept_for_its_length_after_its_end() -> None:
    kept = Retention.parse('1h:31d')
    start = moment('2026-10-01T05:00')
    assert kept.expires(start) == moment('2026-11-01T06:00')
    assert kept.kept(start, kept.expires(start) - 1)
    assert not kept.kept(start, kept.expires(start))


@pytest.mark.parametrize(
    ('text', 'start', 'expires'),
    [
        ('1d:1y', '2026-11-22', '2027-11-23'),
        ('1d:1y', '2028-02-28', '2029-03-01'),
        ('1d:1mo', '2026-01-30', '2026-03-01'),
        ('1mo:1y', '2026-12-01', '2028-01-01'),
    ],
)
def test_calendar_lengths_are_added_to_the_end_of_a_bucket(text: str, start: str, expires: str) -> None:
    assert Retention.parse(text).expires(moment(start)) == moment(expires)


@given(
    st.integers(0, 4 * 10**9),
    st.sampled_from(['1m:1d', '1h:31d', '1d:1y', '1d:1mo', '1w:3mo', '1mo:2y', '1h:1mo', '1m:1mo', '1d:30d']),
    st.sampled_from(['UTC', 'America/Santiago', 'Pacific/Apia', 'Asia/Kathmandu']),
)
@example(moment('2026-03-31T12:00'), '1h:1mo', 'UTC')  # goes back to 28 February, as 28 March did
@example(moment('2025-04-06T03:05'), '1m:1mo', 'America/Santiago')  # 23:05 for the second time
def test_every_bucket_of_a_window_is_still_kept_by_the_retention_of_the_same_length(
    now: int, text: str, zone: str
) -> None:
    kept = Retention.parse(text, zone)
    assert kept.kept(Period.parse(text, zone).window(now)[0], now)


def test_a_list_of_retentions_has_each_interval_once() -> None:
    kept = Retention.parse_list('1m:1d, 1h:31d\n1d:1y 1d@Asia/Tokyo:1y')
    assert [str(each) for each in kept] == ['1m:1d', '1h:31d', '1d:1y', '1d@Asia/Tokyo:1y']
    for text in ('1h:1d 60m:2d', '', ' , '):
        with pytest.raises(InvalidPeriod, match='not a list of retentions, each interval once'):
            Retention.parse_list(text)


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        ('1h', r"not a retention: '1h' \(try 1h:31d\)"),
        (None, 'not a retention: None'),
        ('1d:1h', 'shorter than its interval'),
        ('1h:forever', "not a length of time: 'forever'"),
    ],
)
def test_what_is_no_retention_is_refused_with_a_way_out(text: object, message: str) -> None:
    with pytest.raises(InvalidPeriod, match=message):
        Retention.parse(text)


def test_all_that_the_page_promises_is_there() -> None:
    assert {name for name in periods.__all__ if not hasattr(periods, name)} == set()
    assert datetime.fromtimestamp(NOW, UTC).isoformat() == '2026-11-22T13:30:00+00:00'
