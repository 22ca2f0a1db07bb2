import math
import pickle
from calendar import timegm
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hailwhale.errors import InvalidTime, InvalidZone
from hailwhale.times import EARLIEST, LATEST, Clock, clock, parse_time, shown, zone, zone_name

MOMENT = 1_795_354_200  # 2026-11-22T13:30:00Z
ZONES = sorted(available_timezones() - {'localtime', 'Factory'})
KOLKATA = timezone(timedelta(hours=5, minutes=30))


@pytest.mark.parametrize(
    'at',
    [
        MOMENT,
        float(MOMENT),
        MOMENT + 0.999,
        Decimal(MOMENT),
        str(MOMENT),
        f'{MOMENT}.5',
        f' +{MOMENT} ',
        datetime(2026, 11, 22, 13, 30),
        datetime(2026, 11, 22, 13, 30, tzinfo=UTC),
        datetime(2026, 11, 22, 19, 0, 0, 999_999, tzinfo=KOLKATA),
        datetime(2026, 11, 22, 8, 30, tzinfo=ZoneInfo('America/New_York')),
        '2026-11-22T13:30',
        '2026-11-22 13:30:00',
        '2026-11-22T13:30:00Z',
        '2026-11-22t13:30:00z',
        '2026-11-22T13:30:00.999999Z',
        '2026-11-22T13:30:00,5Z',
        '2026-11-22T19:00:00+05:30',
        '2026-11-22T19:00:00+0530',
        '2026-11-22 19:00+05:30',
        '2026-11-22T08:30:00-05:00',
        '2026-11-22T08:30:00 -05:00',
        '2026-W47-7T13:30',
    ],
)
def test_every_spelling_of_a_moment_is_the_same_second(at: object) -> None:
    assert parse_time(at, now=0) == MOMENT


def test_the_plus_of_an_offset_may_have_been_lost_in_a_query_string() -> None:
    assert parse_time('2026-11-22T19:00:00 05:30', now=0) == MOMENT
    assert parse_time('2026-11-22 19:00 0530', now=0) == MOMENT
    assert parse_time('2026-11-22 13:30', now=0) == MOMENT


def test_a_date_is_its_midnight_in_utc() -> None:
    assert parse_time(date(2026, 11, 22), now=0) == parse_time('2026-11-22', now=0) == MOMENT - 13 * 3600 - 1800


def test_no_time_is_now_without_its_fraction() -> None:
    assert parse_time(None, now=1.9) == 1
    assert parse_time(None, now=-0.5) == -1


def test_fractions_are_cut_off_towards_the_past() -> None:
    assert parse_time(-0.5, now=0) == parse_time('-0.5', now=0) == -1
    assert parse_time(datetime(1969, 12, 31, 23, 59, 59, 500_000), now=0) == -1


@pytest.mark.parametrize(
    'at',
    [
        True,
        math.nan,
        math.inf,
        -math.inf,
        Decimal('NaN'),
        Decimal('sNaN'),
        '',
        'yesterday-ish',
        '2026-13-01',
        '2026-02-29',
        '2026-11-22T25:00',
        '2026-11-22x13:30',
        '2026-11-22T13:30:00+99:00',
        '٢٠٢٦',
        '1e9',
        'nan',
        '9' * 70,
        [],
        {},
        b'0',
        timedelta(1),
    ],
)
def test_what_is_no_time_is_refused_by_its_value_and_with_a_way_out(at: object) -> None:
    with pytest.raises(InvalidTime, match=r'not a time: .*try 1795374000') as caught:
        parse_time(at, now=0)
    assert caught.value.field == 'at'


@pytest.mark.parametrize(
    'at',
    [
        MOMENT * 1000,
        str(MOMENT * 1000),
        LATEST + 1,
        '9' * 19,
        Decimal('1e999999'),
        pytest.param(10**400, id='huge'),
        1e300,
    ],
)
def test_milliseconds_are_refused_as_such(at: object) -> None:
    with pytest.raises(InvalidTime, match='milliseconds'):
        parse_time(at, now=0)


@pytest.mark.parametrize('at', [EARLIEST - 1, -1e300, '0001-01-01', datetime.min.replace(tzinfo=KOLKATA)])
def test_years_without_a_calendar_are_refused(at: object) -> None:
    with pytest.raises(InvalidTime, match='too long ago'):
        parse_time(at, now=0)


def test_the_bounds_themselves_are_times() -> None:
    assert parse_time(EARLIEST, now=0) == parse_time('0100-01-01', now=0) == EARLIEST
    assert parse_time(LATEST, now=0) == LATEST


@given(st.datetimes(datetime(100, 1, 3), datetime(5000, 1, 1), timezones=st.timezones()))
def test_a_datetime_and_its_iso_text_are_the_same_second(at: datetime) -> None:
    assert parse_time(at, now=0) == timegm(at.utctimetuple())
    offset = at.utcoffset()
    if offset is not None and offset.seconds % 60 == 0:
        assert parse_time(at.isoformat(), now=0) == parse_time(at, now=0)


def test_a_value_in_a_message_is_never_long() -> None:
    with pytest.raises(InvalidTime) as caught:
        parse_time('x' * 100_000, now=0)
    assert len(caught.value.message) < 200
    assert shown('abc') == "'abc'"


@pytest.mark.parametrize('name', [None, 0, 0.0, '', 'utc', 'UTC', 'Z', 'GMT', 'Etc/UTC', '0', '+00:00', '-0', 'UTC+0'])
def test_all_names_of_utc_are_utc(name: object) -> None:
    assert zone(name) == 'UTC'


@pytest.mark.parametrize(
    ('name', 'checked'),
    [
        (-5, 'UTC-05:00'),
        (-5.0, 'UTC-05:00'),
        (5.75, 'UTC+05:45'),
        (Decimal('5.5'), 'UTC+05:30'),
        ('-5', 'UTC-05:00'),
        ('5.5', 'UTC+05:30'),
        ('5.75', 'UTC+05:45'),
        ('-3.5', 'UTC-03:30'),
        ('+05:30', 'UTC+05:30'),
        (' 05:30', 'UTC+05:30'),
        ('-0930', 'UTC-09:30'),
        ('UTC+05:30', 'UTC+05:30'),
        ('gmt-3', 'UTC-03:00'),
        ('14', 'UTC+14:00'),
        ('America/New_York', 'America/New_York'),
        (' Asia/Kathmandu ', 'Asia/Kathmandu'),
        (ZoneInfo('Europe/London'), 'Europe/London'),
        ('Etc/GMT+5', 'Etc/GMT+5'),
        ('EST5EDT', 'EST5EDT'),
    ],
)
def test_zones_go_by_their_name_or_by_hours_east(name: object, checked: str) -> None:
    assert zone(name) == checked
    assert zone(checked) == checked


@pytest.mark.parametrize(
    'name',
    [
        'Mars/Olympus',
        'Europe',
        '../../etc/passwd',
        '/etc/localtime',
        'localtime',
        'posixrules',
        'posix/Europe/London',
        'right/UTC',
        'tzdata.zi',
        'zone.tab',
        'Europe/London\0',
        'x' * 65,
        '15',
        -15,
        14.5,
        pytest.param(10**400, id='huge'),
        Decimal('sNaN'),
        0.001,
        '5.001',
        '5:75',
        math.nan,
        math.inf,
        True,
        [],
        UTC,
    ],
)
def test_what_is_no_zone_is_refused_by_its_value_and_with_a_way_out(name: object) -> None:
    with pytest.raises(InvalidZone, match=r'not a time zone: .*try UTC, Europe/London') as caught:
        zone(name)
    assert caught.value.field == 'tz'


def test_every_zone_of_the_database_is_a_zone() -> None:
    assert {name for name in ZONES if zone(name) not in (name, 'UTC')} == set()


def test_a_zone_of_text_is_checked_when_it_is_used() -> None:
    assert zone_name('Mars/Olympus') == 'Mars/Olympus'
    assert zone_name(-5) == 'UTC-05:00'
    with pytest.raises(InvalidZone):
        clock('Mars/Olympus')


@given(st.integers(-2_000_000_000, 4_000_000_000), st.sampled_from(ZONES))
def test_clocks_show_what_datetimes_show(ts: int, name: str) -> None:
    shows = datetime.fromtimestamp(ts, ZoneInfo(name)).replace(tzinfo=UTC).timestamp()
    assert clock(zone(name)).local(ts) == shows


@given(st.integers(-1_000_000_000, 4_000_000_000), st.sampled_from(ZONES))
def test_the_first_moment_of_a_local_time_shows_it_or_follows_its_gap(local: int, name: str) -> None:
    here = clock(zone(name))
    first = here.first(local)
    assert here.local(first) >= local > here.local(first - 1)


def test_fixed_offsets_have_aware_datetimes_too() -> None:
    here = Clock('-03:30')
    assert here.name == 'UTC-03:30'
    assert datetime.fromtimestamp(0, here.tzinfo).isoformat() == '1969-12-31T20:30:00-03:30'
    assert here.first(here.local(1_234)) == 1_234
    assert pickle.loads(pickle.dumps(here)).offset(0) == here.fixed == -12_600


def test_the_first_of_two_is_taken_and_a_gap_ends_with_its_change() -> None:
    new_york, apia = clock('America/New_York'), clock('Pacific/Apia')
    twice = 1_793_511_000 - 5 * 3600 + 3600  # what the clocks showed at 01:30 EDT
    assert new_york.first(twice) == 1_793_511_000
    assert new_york.last(twice) == 1_793_511_000 + 3_600
    assert new_york.local(1_793_511_000 + 3_600) == new_york.local(1_793_511_000)
    skipped = (date(2011, 12, 30) - date(1970, 1, 1)).days * 86_400
    assert apia.last(skipped) == apia.first(skipped)
    assert apia.first(skipped) == apia.first(skipped + 86_399) == apia.first(skipped + 86_400)
