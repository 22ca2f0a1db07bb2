"""Annotations: what graphs of a pk show, how long, and how many."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from hailwhale.annotations import MOST, Annotation
from hailwhale.errors import HailWhaleError
from hailwhale.intervals import DAY
from hailwhale.settings import Settings
from hailwhale.storage import keys
from hailwhale.whale import Whale
from tests.clocks import NOW, Clock


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def whale(url: str, clock: Clock) -> Iterator[Whale]:
    with Whale(url, settings=Settings.load({}), clock=clock) as whale:
        yield whale


def texts(whale: Whale, pk: object = None, **asked: Any) -> list[str]:
    return [each.text for each in whale.annotations(pk, **asked)]


def test_graphs_of_a_pk_show_its_own_those_above_it_and_those_of_all(whale: Whale) -> None:
    assert whale.annotate(' release: 2.1 ', at=NOW - 60)
    assert whale.annotate('<b>mailing</b> 🐳', 'Shop', NOW - 120)
    assert whale.annotate('red is cheaper', ['Shop', 42], NOW - 30)
    assert whale.annotate('elsewhere', 'Sho')
    assert texts(whale, ['Shop', 42]) == ['<b>mailing</b> 🐳', 'release: 2.1', 'red is cheaper']
    assert texts(whale, 'Shop') == ['<b>mailing</b> 🐳', 'release: 2.1']
    assert texts(whale) == ['release: 2.1']
    assert whale.annotations('Shop')[0] == Annotation(('Shop',), NOW - 120, '<b>mailing</b> 🐳')
    assert whale.annotations('Shop')[1].to_dict() == {'pk': [], 'at': (NOW - 60) * 1_000, 'text': 'release: 2.1'}


def test_the_moments_asked_for_are_both_included(whale: Whale) -> None:
    for age in (10, 20, 30):
        whale.annotate(f'{age} ago', 'Shop', NOW - age)
    assert texts(whale, 'Shop', since=NOW - 20) == ['20 ago', '10 ago']
    assert texts(whale, 'Shop', since=NOW - 30, until=NOW - 20) == ['30 ago', '20 ago']


@pytest.mark.parametrize('field', ['since', 'until'])
def test_a_moment_asked_for_that_is_none_is_named(whale: Whale, field: str) -> None:
    with pytest.raises(HailWhaleError, match="not a time: 'soon'") as caught:
        whale.annotations('Shop', **{field: 'soon'})
    assert caught.value.field == field


def test_the_same_twice_is_one(whale: Whale) -> None:
    assert whale.annotate('release', 'Shop', NOW)
    assert not whale.annotate('release', 'Shop', NOW)
    assert texts(whale, 'Shop') == ['release']
    assert whale.annotate('release', 'Shop', NOW - 1)
    assert texts(whale, 'Shop') == ['release', 'release']


def test_one_is_taken_away_from_its_moment_or_from_all(whale: Whale) -> None:
    for at in (NOW, NOW - 1, NOW - 2):
        whale.annotate('release', 'Shop', at)
    whale.annotate('release')
    assert whale.forget_annotation('release', 'Shop', NOW - 1) == 1
    assert whale.forget_annotation('release', 'Shop') == 2
    assert whale.forget_annotation('release', 'Shop') == 0
    # That of all pks is another one.
    assert texts(whale, 'Shop') == ['release']
    assert whale.forget_annotation('release') == 1


def test_clearing_counters_and_annotations_have_nothing_to_do_with_one_another(whale: Whale) -> None:
    whale.count_now('Shop', at=NOW)
    whale.annotate('release', 'Shop', NOW)
    assert whale.reset('Shop') > 0
    assert texts(whale, 'Shop') == ['release']
    whale.count_now('Shop', at=NOW)
    whale.forget_annotation('release', 'Shop')
    assert whale.total('Shop', period='day') == 1
    assert whale.pks() == [['Shop']]


def test_a_pk_keeps_the_latest_five_hundred(whale: Whale) -> None:
    for age in range(MOST):
        assert whale.annotate(f'{age}', 'Shop', NOW - age)
    assert not whale.annotate('too old', 'Shop', NOW - MOST)
    assert whale.annotate('new', 'Shop', NOW)
    found = texts(whale, 'Shop')
    assert len(found) == MOST
    assert (found[0], sorted(found[-2:])) == ('498', ['0', 'new'])


def test_they_are_kept_as_long_as_the_longest_kept_counters(whale: Whale, clock: Clock) -> None:
    longest = whale.kept.longest
    assert longest > 395 * DAY
    whale.annotate('old', 'Shop', NOW - longest)
    shard, key = keys.notes_key(('Shop',))
    assert whale.storage.engine.ask(shard, 'EXPIRETIME', key) == NOW + longest
    whale.annotate('planned', 'Shop', NOW + DAY)
    assert whale.storage.engine.ask(shard, 'EXPIRETIME', key) == NOW + DAY + longest
    clock.now += 1
    whale.annotate('new', 'Shop')
    assert texts(whale, 'Shop') == ['new', 'planned']


@pytest.mark.parametrize(
    ('given', 'field'),
    [
        ({'text': ''}, 'text'),
        ({'text': ' '}, 'text'),
        ({'text': 7}, 'text'),
        ({'text': 'x' * 201}, 'text'),
        ({'text': 'two\nlines'}, 'text'),
        ({'text': 'half \ud83d'}, 'text'),
        ({'text': 'x', 'at': 'soon'}, 'at'),
        ({'text': 'x', 'at': NOW - 1_000 * DAY}, 'at'),
        ({'text': 'x', 'at': NOW + 1_000 * DAY}, 'at'),
        ({'text': 'x', 'pk': []}, 'pk'),
    ],
)
def test_what_is_none_is_refused(embedded_url: str, given: dict[str, Any], field: str) -> None:
    with Whale(embedded_url, settings=Settings.load({}), clock=Clock()) as whale:
        with pytest.raises(HailWhaleError) as caught:
            whale.annotate(**given)
        assert caught.value.field == field
