"""What is read of a plain query is what every other way reads, or nothing."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hailwhale import waiting
from hailwhale.counter import read_event
from hailwhale.errors import HailWhaleError
from hailwhale.servers import queries
from hailwhale.servers.params import Parameters, value
from hailwhale.servers.queries import Queries
from hailwhale.settings import Settings
from hailwhale.storage import shard_of
from hailwhale.storage.keys import spied_pk_key
from tests.clocks import NOW

SETTINGS = Settings.load({})
COUNT = Parameters(pk=value, dimensions=value, metrics=value)


@pytest.fixture
def reads() -> Queries:
    return Queries(SETTINGS)


def expected(query: str) -> bytes | None:
    """The text of the event, read the long way; None for one that is refused."""
    try:
        given = COUNT.read({'REQUEST_METHOD': 'GET', 'QUERY_STRING': query}, max_body=0)
        pk, dimensions, metrics = map(given.get, ('pk', 'dimensions', 'metrics'))
        event = read_event(pk, dimensions, metrics, None, None, now=NOW, limits=SETTINGS.limits)
    except HailWhaleError:
        return None
    return waiting.written(event, 60)


@pytest.mark.parametrize(
    'query',
    [
        'pk=a',
        'pk=[Shop,42]&dimension={geo:{UK:London}}&metric={revenue:5.25,sales:1}',
        'metrics=b',
        'dimensions=a%2Fb&pk=_',
    ],
)
def test_an_event_is_read_as_everywhere(reads: Queries, query: str) -> None:
    for _ in range(2):
        found = reads.read(query.encode(), 60, NOW + 0.25)
        assert found is not None
        pk, shard, arrival, key = found
        assert arrival.text == expected(query)
        assert (shard, key) == (shard_of(pk), None)
        assert (arrival.at, arrival.spied) == (NOW * 1_000 + 250, (spied_pk_key(shard, pk[0]),))


TEXTS = st.text(max_size=8).map(quote) | st.sampled_from(
    ['[a,b]', '{a:b}', '{a:1}', '{a:{b:c}}', '1e5', '""', '[', 'null', '{a:.5}']
)


@given(st.lists(st.tuples(st.sampled_from(['pk', 'dimensions', 'metrics', 'metric', 'dimension']), TEXTS), max_size=4))
def test_no_query_is_read_differently(pairs: list[tuple[str, str]]) -> None:
    query = '&'.join(f'{name}={text}' for name, text in pairs)
    found = Queries(SETTINGS).read(query.encode(), 60, NOW)
    assert found is None or found[2].text == expected(query)


@pytest.mark.parametrize(
    'query',
    [
        '',
        'pk',
        'pk=',
        'pk=a&pk=a',
        'pk=a&',
        'at=1',
        'id=1',
        'uid=a',
        '_=1',
        'pk=a b',
        'pk=\xe9',
        'p%6B=a',
        'dimensions={',
        'key=',
        'key=a%20b',
        'key=a&key=b',
        'metric=a&metrics=b',
        'pk=%E9',
    ],
)
def test_what_is_not_plain_is_left_to_others(reads: Queries, query: str) -> None:
    assert reads.read(query.encode('latin-1'), 60, NOW) is None


def test_an_event_that_may_be_too_large_as_a_whole_is_left_to_others(reads: Queries) -> None:
    names = [f'n{number}' for number in range(60)]
    metrics = f'metrics=[{",".join(names)}]'
    dimensions = f'dimensions={{{",".join(f"{name}:a" for name in names)}}}'
    for few in (metrics, dimensions):
        assert reads.read(few.encode(), 60, NOW) is not None
    assert expected(f'{metrics}&{dimensions}') is None
    assert reads.read(f'{metrics}&{dimensions}'.encode(), 60, NOW) is None


def test_the_key_of_a_query_is_told(reads: Queries) -> None:
    found = reads.read(b'key=hw_abc-1_d&pk=a', 60, NOW)
    assert found is not None
    assert found[3] == 'hw_abc-1_d'


def test_without_spy_logs_none_is_named() -> None:
    found = Queries(Settings.load({}, spy='0')).read(b'pk=a', 60, NOW)
    assert found is not None
    assert found[2].spied == ()


def test_what_is_remembered_is_bounded(reads: Queries, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queries, '_REMEMBERED', 3)
    for number in range(20):
        assert reads.read(b'pk=a%d' % number, 60, NOW) is not None
        assert len(reads._parts) <= 3
    long = b'dimensions={' + b','.join(b'%s:%d' % (b'a' * 20 + b'%d' % number, number) for number in range(60)) + b'}'
    assert reads.read(long, 60, NOW) is not None
    assert long not in reads._parts
