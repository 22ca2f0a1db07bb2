"""What is kept, and from what a question is answered."""

from __future__ import annotations

import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hailwhale.kept import Kept, with_zones
from hailwhale.periods import Period, Retention
from hailwhale.settings import SETTINGS
from hailwhale.storage import Slot, Slots
from tests.clocks import NOW

DEFAULT_KEEP = next(setting.default for setting in SETTINGS if setting.name == 'keep')
ZONES = ['Asia/Kolkata', 'America/Santiago', 'Australia/Lord_Howe']


def kept(text: str = '1m:1d 1h:35d 1d:13mo', zones: list[str] | None = None) -> Kept:
    return Kept(with_zones(Retention.parse_list(text), zones or []), {})


def test_a_question_is_answered_from_the_coarsest_interval_that_tiles_it() -> None:
    everything = kept(zones=ZONES)
    sources = {
        ('1d:7d', 'UTC'): '1d',
        ('1w:4w', 'UTC'): '1d',
        ('1mo:6mo', 'Asia/Kolkata'): '1d@Asia%2FKolkata',
        ('1d:7d', 'America/New_York'): '1h',
        ('1h:24h', 'Asia/Kathmandu'): '1m',
        ('15m:3h', 'UTC'): '1m',
        ('6h:7d', 'UTC'): '1h',
    }
    for (spelling, zone), source in sources.items():
        assert everything.plan(Period.parse(spelling, zone), NOW).source.name == source, (spelling, zone)


@given(
    st.sampled_from(['1d:30d', '1w:8w', '1mo:11mo', '1h:24h', 'mtd', 'ytd', 'yesterday']),
    st.sampled_from([*ZONES, 'UTC']),
    st.integers(NOW, NOW + 400 * 86_400),
)
def test_the_buckets_of_the_source_fill_those_asked_for(spelling: str, zone: str, now: int) -> None:
    everything = kept('1m:2d 1h:35d 1d:1y', ZONES)
    plan = everything.plan(Period.parse(spelling, zone), now)
    ones = plan.fold({'m': [1] * len(plan.starts)})['m']
    assert sum(ones) == len(plan.starts)
    assert all(ones)
    widths = [plan.source.interval.next(start) - start for start in plan.starts]
    assert plan.fold({'m': widths})['m'] == [span.end - span.start for span in plan.spans]


@settings(max_examples=30)
@given(st.integers(NOW, NOW + 800 * 86_400), st.sampled_from(['UTC', 'Asia/Kolkata', 'America/Santiago']))
def test_what_people_ask_first_can_be_answered_at_any_time(now: int, zone: str) -> None:
    everything = kept(DEFAULT_KEEP, ['Asia/Kolkata', 'America/Santiago'])
    for spelling in ('year', '1w:52w', '1w:1y', '1mo:1y', 'ytd', 'mtd', 'wtd', 'thirty', '1d:1mo'):
        everything.plan(Period.parse(spelling, zone), now)
    for spelling in ('day', 'today', 'yesterday', '1h:7d', '1h:1mo', '6h:30d', 'hour', '5m:12h'):
        everything.plan(Period.parse(spelling), now)
    for spelling in ('seven', 'thirty', 'mtd', '1d:1mo'):
        everything.plan(Period.parse(spelling, 'America/New_York'), now)


def test_an_event_is_counted_in_every_interval_that_still_keeps_its_moment() -> None:
    everything = kept(zones=['Asia/Kolkata'])
    assert [slot.name.split(':')[0] for slot in everything.slots(NOW, NOW)] == ['1m', '1h', '1d', '1d@Asia%2FKolkata']
    assert len(everything.slots(NOW - 2 * 86_400, NOW)) == 3
    assert len(everything.slots(NOW - 300 * 86_400, NOW)) == 2
    assert len(everything.slots(NOW + 86_400, NOW)) == 4


def test_what_is_remembered_of_moments_and_questions_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr('hailwhale.kept._REMEMBERED', 3)
    monkeypatch.setattr('hailwhale.storage.keys.REMEMBERED', 3)
    everything = kept()
    for minute in range(10):
        now = NOW + 60 * minute
        assert everything.slots(now, now) == kept().slots(now, now)
        assert everything.plan(Period.parse('hour'), now).starts[-1] == now - now % 60
    assert everything.plan(Period.parse('hour'), NOW) is everything.plan(Period.parse('hour'), NOW)
    assert len(everything._moments) <= 3
    assert len(everything._plans) <= 3


def test_intervals_of_seconds_are_told_apart_within_a_minute() -> None:
    everything = kept('10s:1h 1d:1y')
    (first, _), (second, _) = everything.slots(NOW, NOW), everything.slots(NOW + 10, NOW + 10)
    assert second.offset == first.offset + 1
    plans = [everything.plan(Period.parse('10s:1m'), now) for now in (NOW, NOW + 10)]
    assert plans[1].starts[0] == plans[0].starts[0] + 10


def test_eras_reach_from_the_oldest_counter_to_a_day_ahead() -> None:
    everything = kept()
    eras = everything.eras(NOW)
    assert eras == list(range(eras[0], eras[-1] + 1))
    for at in (NOW + 86_400, NOW, NOW - 360 * 86_400):
        assert {slot.era for slot in everything.slots(at, NOW)} <= set(eras)


def test_a_moment_is_never_seen_half_known(monkeypatch: pytest.MonkeyPatch) -> None:
    """While one thread works out where a moment is counted, another one asks for it."""
    everything = kept()
    seen: list[int] = []
    at = Slots.at

    def meanwhile(slots: Slots, start: int) -> Slot:
        if not seen:
            seen.append(0)
            thread = threading.Thread(target=lambda: seen.append(len(everything.slots(NOW, NOW))))
            thread.start()
            thread.join()
        return at(slots, start)

    monkeypatch.setattr(Slots, 'at', meanwhile)
    assert len(everything.slots(NOW, NOW)) == 3
    assert seen == [0, 3]
