"""Sealed pixels: what they count, and that they count it only as they were sealed."""

from base64 import urlsafe_b64decode
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hailwhale.compact import BEGINNING, pack, unpack
from hailwhale.counter import read_event
from hailwhale.errors import InvalidInput, InvalidTime, LimitExceeded, TokenRefused
from hailwhale.limits import Limits
from hailwhale.metrics import parse_metrics
from hailwhale.paths import dimension_nodes, pk_path
from hailwhale.pixels import LONGEST_FREE, LONGEST_TOKEN, Opened, Pixel, opened, page_origin, read, seal
from hailwhale.storage import Arrival, connect, shard_of
from hailwhale.tokens import Keyring, number_of
from tests.clocks import NOW
from tests.test_compact import PLAIN
from tests.test_tokens import LETTERS, NEW, OLD

RING = Keyring({3: OLD}, 3)
DAY = 86_400


def sealed(*args: object, now: float = NOW, limits: Limits | None = None, **bounds: object) -> str:
    return seal(RING, Pixel(*args, **bounds), now=now, limits=limits or Limits())  # type: ignore[arg-type]


def came(
    token: str, given: Mapping[str, object] | None = None, *, origin: str | None = None, now: float = NOW
) -> Opened:
    return opened(RING, token, given or {}, origin=origin, now=now)


def refused(
    token: str,
    given: Mapping[str, object] | None = None,
    *,
    origin: str | None = None,
    now: float = NOW,
    ring: Keyring = RING,
) -> str:
    with pytest.raises(TokenRefused) as caught:
        opened(ring, token, given or {}, origin=origin, now=now)
    assert caught.value.message == 'the token was refused (have a new one made)'
    return caught.value.reason


# -- what is counted -------------------------------------------------------------------------------------------------


def test_a_pixel_counts_what_was_sealed() -> None:
    token = sealed(['mail', 42], {'geo': {'UK': 'London'}, 'device': None}, {'opened': 1, 'value': '5.25'})
    assert came(token) == Opened(
        ('mail', '42'), {'geo': {'UK': 'London'}, 'device': None}, {'opened': 1, 'value': Decimal('5.25')}, None
    )


def test_a_pixel_without_anything_counts_a_hit() -> None:
    event = came(sealed())
    assert event == Opened(('_',), {}, {}, None)
    assert read_event(event.pk, event.dimensions, event.metrics, None, None, now=NOW).amounts == {'hits': 10**6}


names = st.text(max_size=8).filter(lambda name: not any('\ud800' <= letter <= '\udfff' for letter in name))
pks = names | st.integers() | st.lists(names | st.integers(), min_size=1, max_size=4)
dimensions = (
    st.none()
    | names
    | st.lists(names, max_size=4)
    | st.dictionaries(
        names, st.recursive(st.none() | names, lambda below: st.dictionaries(names, below, max_size=3), max_leaves=6)
    )
)
metric_names = st.from_regex(r'[a-z]{1,3}|hits', fullmatch=True).filter(lambda name: not name.startswith('f'))
amounts = st.integers(-(10**14), 10**14) | st.decimals('-1000', '1000', places=6, allow_nan=False)
metrics = (
    st.none() | metric_names | st.lists(metric_names, max_size=3) | st.dictionaries(metric_names, amounts, max_size=4)
)
bounds = st.dictionaries(metric_names, st.tuples(amounts, amounts).map(sorted), max_size=3)


@given(pks, dimensions, metrics, bounds, st.data())
def test_any_event_that_could_be_counted_comes_back_as_it_was(
    pk: object, given: object, metric: object, vary: dict[str, list[Decimal]], data: st.DataObject
) -> None:
    token = sealed(pk, given, metric, vary=vary, expires=DAY)
    address = {name: data.draw(st.sampled_from(ends)) for name, ends in vary.items() if data.draw(st.booleans())}
    event = came(token, {name: str(amount) for name, amount in address.items()})
    found = read_event(event.pk, event.dimensions, event.metrics, None, None, now=NOW)
    assert found.subject.pk == pk_path(pk)
    assert set(found.subject.nodes) == set(dimension_nodes(given))
    assert found.amounts == parse_metrics(parse_metrics_text(metric) | address)


def parse_metrics_text(metrics: object) -> dict[str, object]:
    return {name: Decimal(micros).scaleb(-6) for name, micros in parse_metrics(metrics).items()}


@given(pks, dimensions, metrics, bounds)
def test_what_a_token_holds_is_a_pixel_that_gives_the_same_token(
    pk: object, given: object, metric: object, vary: dict[str, list[Decimal]]
) -> None:
    token = sealed(pk, given, metric, vary=vary, expires=DAY, origins=['https://example.org'])
    assert seal(RING, read(RING, token), now=NOW) == token


def test_a_token_shows_nothing_of_what_it_counts() -> None:
    token = sealed(['Kaufhaus', 'Sommerschlussverkauf'], metrics='Bestellungen')
    raw = urlsafe_b64decode(token + '=' * (-len(token) % 4))
    assert b'Sommer' not in raw
    assert set(token) <= set(LETTERS)


# -- what the address may give ---------------------------------------------------------------------------------------


def test_the_address_gives_an_amount_within_its_bounds_both_ends_included() -> None:
    token = sealed('shop', metrics={'orders': 1}, vary={'value': ('-1.5', 100)})
    for text in ('-1.5', '0', '.50', '100', '100.0', '99.999999', 42, 12.5, Decimal('3.25')):
        assert came(token, {'value': text}).metrics == {'orders': 1, 'value': Decimal(str(text))}


@pytest.mark.parametrize(
    'value', ['-1.500001', '100.000001', '1e9', 'NaN', 'inf', '1,5', 'x', '0.0000001', ' ', True, [1], 10**30]
)
def test_an_amount_out_of_its_bounds_or_none_at_all_is_refused(value: object) -> None:
    assert refused(sealed('shop', vary={'value': ('-1.5', 100)}), {'value': value}) == 'bounds'


def test_without_an_amount_in_the_address_the_fixed_one_is_counted_if_there_is_one() -> None:
    token = sealed('shop', metrics={'value': 7}, vary={'value': (0, 100), 'tax': (0, 10)})
    for nothing in ({}, {'value': ''}, {'value': None}, {'tax': ''}):
        assert came(token, nothing).metrics == {'value': 7}
    assert came(token, {'value': '0', 'tax': '1'}).metrics == {'value': 0, 'tax': 1}


def test_the_address_changes_nothing_else() -> None:
    token = sealed(['mail', 42], {'country': 'UK'}, {'opened': 1}, vary={'value': (0, 1)})
    given = {'pk': 'x', 'dimensions': '{"a": 1}', 'metrics': '{"opened": 9}', 'opened': '9', 'hits': '9'}
    given |= {'country': 'US', 'at': '0', 'id': 'x', 'utm_source': 'x', '_': '1', 'uses': '9'}
    assert came(token, given) == came(token)


def test_the_address_gives_the_value_of_a_free_dimension() -> None:
    token = sealed('page', {'geo': 'UK'}, free=['campaign', 'campaign', 'term'])
    assert came(token).dimensions == {'geo': 'UK'} == came(token, {'campaign': '', 'term': None}).dimensions
    assert came(token, {'campaign': 'a/b%', 'term': 5}).dimensions == {'geo': 'UK', 'campaign': 'a/b%', 'term': '5'}


def test_the_value_of_a_free_dimension_is_one_name_of_at_most_64_bytes() -> None:
    token = sealed('page', free=['campaign'])
    assert came(token, {'campaign': 'é' * 32}).dimensions == {'campaign': 'é' * 32}
    for value in ('x' * 65, 'é' * 33, '\ud800', ['a'], {'a': 1}, True, 1.5, 10**18, b'a'):
        assert refused(token, {'campaign': value}) == 'bounds'


def test_whatever_the_address_gives_can_be_counted() -> None:
    token = sealed('page', metrics={'a': 1}, vary={'b': (0, 10**14)}, free=['campaign'])
    event = came(token, {'b': 10**14, 'campaign': '%' * LONGEST_FREE})
    found = read_event(event.pk, event.dimensions, event.metrics, None, None, now=NOW)
    assert found.amounts == {'a': 10**6, 'b': 10**20, 'hits': 10**6}
    assert ('campaign', '%' * LONGEST_FREE) in found.subject.nodes


# -- until when, how often, where ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ('expires', 'seconds'),
    [
        (60, 60),
        (90.5, 90),
        ('90', 90),
        ('30d', 30 * DAY),
        (' 2H ', 7_200),
        ('1mo', 30 * DAY),
        (timedelta(hours=1), 3_600),
        (datetime.fromtimestamp(NOW + 5, timezone(timedelta(hours=5.5))), 5),
        (datetime.fromtimestamp(NOW + 5, UTC).replace(tzinfo=None), 5),
        (datetime.fromtimestamp(NOW + 5, UTC).isoformat(), 5),
        (date(2037, 11, 23), NOW // DAY * DAY + DAY - NOW),
    ],
)
def test_a_pixel_expires_to_the_second(expires: object, seconds: int) -> None:
    token = sealed('mail', expires=expires)
    assert came(token, now=NOW + seconds - 0.001).pk == ('mail',)
    assert refused(token, now=NOW + seconds) == 'expired'
    assert refused(token, now=NOW + 10**9) == 'expired'
    assert read(RING, token).expires == datetime.fromtimestamp(NOW + seconds, UTC)


@pytest.mark.parametrize(
    'expires',
    [
        *(0, -1, 0.5, True, float('nan'), float('inf'), 10**12, NOW, float(NOW), [], 'x', '1x', '0d', '-1d', ''),
        *('999999999999y', '4000d', '2037-11-22', '2020-01-01T00:00Z', date(2037, 11, 22)),
        *(timedelta(0), timedelta.max, timedelta.min),
    ],
)
def test_an_end_that_cannot_be_or_is_past_is_refused(expires: object) -> None:
    with pytest.raises(InvalidTime) as caught:
        sealed('mail', expires=expires)
    assert caught.value.field == 'expires'


def test_no_pixel_expires_before_2025() -> None:
    with pytest.raises(InvalidTime, match='expired already'):
        sealed('mail', expires=60, now=BEGINNING - 100)
    assert refused(sealed('mail', expires=60, now=BEGINNING), now=BEGINNING + 60) == 'expired'


def test_a_pixel_without_an_end_is_good_for_ever() -> None:
    assert came(sealed('mail'), now=NOW * 100).pk == ('mail',)


def test_a_number_of_uses_is_counted_by_a_random_id_until_the_pixel_expires() -> None:
    tokens = [sealed('mail', uses=3, expires='30d') for _ in range(100)]
    uses = [came(token).use for token in tokens]
    assert {(use.most, use.expires) for use in uses if use} == {(3, NOW + 30 * DAY)}
    assert len({use.name for use in uses if use}) == 100
    assert came(tokens[0]).use == came(tokens[0]).use
    assert came(sealed('mail', expires='30d')).use is None


@pytest.mark.parametrize(
    ('uses', 'expires'), [(0, 60), (-1, 60), (10**9 + 1, 60), (True, 60), (1.0, 60), ('1', 60), (1, None), (1, '401d')]
)
def test_uses_that_nobody_could_count_are_refused(uses: object, expires: object) -> None:
    with pytest.raises(InvalidInput):
        sealed('mail', uses=uses, expires=expires)
    assert sealed('mail', uses=10**9, expires='400d')


def test_a_pixel_that_is_replayed_counts_no_more_than_its_uses(url: str, tmp_path: object) -> None:
    storage = connect(url, home=tmp_path)  # type: ignore[arg-type]
    token = sealed(['mail', 42], uses=3, expires='30d')
    event = came(token)
    shard = shard_of(event.pk)
    arrival = Arrival(b'an event', NOW * 1_000, (), event.use)
    assert storage.push({shard: [arrival]}) == {shard: [True]}
    assert storage.push({shard: [arrival] * 4}) == {shard: [True, True, False, False]}
    assert storage.push({shard: [arrival]}) == {shard: [False]}
    other = came(sealed(['mail', 42], uses=1, expires='30d'))
    assert storage.push({shard: [arrival, arrival._replace(use=other.use)]}) == {shard: [False, True]}
    assert sum(storage.backlog()) == 4
    storage.close()


def test_a_pixel_counts_only_on_the_pages_of_its_origins() -> None:
    token = sealed('page', origins=['https://Example.org/', 'http://localhost:8080', 'https://[::1]:8443'])
    for origin in ('https://example.org', 'http://localhost:8080', 'https://[::1]:8443'):
        assert came(token, origin=origin).pk == ('page',)
    for other in (None, '', 'null', 'http://example.org', 'https://example.org:444', 'https://www.example.org'):
        assert refused(token, origin=other) == 'origin'
    assert came(sealed('page'), origin='https://anywhere.example').pk == ('page',)


@pytest.mark.parametrize(
    ('origin', 'referer', 'expected'),
    [
        ('https://example.org', None, 'https://example.org'),
        ('https://example.org', 'https://other.example/', 'https://example.org'),
        (None, 'https://example.org/a?b#c', 'https://example.org'),
        (None, 'https://example.org?x', 'https://example.org'),
        ('', 'HTTPS://EXAMPLE.org:443/A', 'https://example.org'),
        (None, 'http://example.org:80', 'http://example.org'),
        (None, 'http://example.org:443', 'http://example.org:443'),
        (None, 'https://[::1]:8443/', 'https://[::1]:8443'),
        (None, 'http://my_host:8085/', 'http://my_host:8085'),
        ('null', 'https://example.org/', None),
        (None, None, None),
        (None, 'about:blank', None),
        (None, 'ftp://example.org/', None),
        (None, 'https://example.org@evil.example/', None),
        (None, 'https://example.org\\@evil.example/', None),
        (None, 'https://evil.example/https://example.org', 'https://evil.example'),
        (None, 'https://ex\u212aample.org/', None),
        (None, ' https://example.org', None),
        (None, 'https://example.org:x/', None),
        (None, 'https:///example.org', None),
    ],
)
def test_the_origin_of_a_page_is_what_its_browser_says(
    origin: str | None, referer: str | None, expected: str | None
) -> None:
    assert page_origin(origin, referer) == expected


# -- what is no token of ours ----------------------------------------------------------------------------------------


def test_a_token_of_another_key_purpose_or_spelling_is_refused() -> None:
    token = sealed('mail')
    assert refused(token, ring=Keyring({3: NEW}, 3)) == 'forged'
    assert refused(token, ring=Keyring({4: OLD}, 4)) == 'foreign'
    assert refused(RING.seal(pack(PLAIN), b'uid')) == 'forged'
    assert refused(token + '=') == 'forged'
    assert refused('A' * (LONGEST_TOKEN + 1)) == 'forged'
    assert refused('') == 'forged'


def test_after_a_rotation_an_old_pixel_counts_on() -> None:
    rotated = Keyring({4: NEW, 3: OLD}, 4)
    token = sealed('mail')
    assert opened(rotated, token, {}, origin=None, now=NOW).pk == ('mail',)
    assert number_of(seal(rotated, Pixel('mail'), now=NOW)) == 4
    assert refused(token, ring=Keyring({4: NEW}, 4)) == 'foreign'


def test_a_pixel_of_a_later_release_is_foreign_and_one_that_makes_no_sense_is_forged() -> None:
    packed = pack(PLAIN)
    assert refused(RING.seal(b'\x80' + packed[1:], b'pixel')) == 'foreign'
    assert refused(RING.seal(packed + b'x', b'pixel')) == 'forged'
    assert refused(RING.seal(packed[:-1], b'pixel')) == 'forged'


def test_a_token_that_was_refused_can_be_read_as_long_as_its_key_is_there() -> None:
    token = sealed('mail', expires=60, uses=2, origins=['https://example.org'], free=['a'], vary={'b': (0, '.5')})
    assert refused(token, now=NOW + 60) == 'expired'
    assert read(RING, token) == Pixel(
        ['mail'],
        {},
        {},
        {'b': (0, Decimal('0.5'))},
        ('a',),
        datetime.fromtimestamp(NOW + 60, UTC),
        2,
        ('https://example.org',),
    )
    with pytest.raises(TokenRefused):
        read(Keyring({3: NEW}, 3), token)


# -- what is refused when it is sealed -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ('given', 'field'),
    [
        ({'pk': []}, 'pk'),
        ({'pk': 'x' * 513}, 'pk'),
        ({'dimensions': {'a': 1.5j}}, 'dimensions'),
        ({'metrics': {'a/b': 1}}, 'metrics'),
        ({'metrics': {'a': 'x'}}, 'metrics'),
        ({'metrics': {'a': float('nan')}}, 'metrics'),
        ({'vary': {'a/b': (0, 1)}}, 'metrics'),
        ({'vary': {'a': (0, 'x')}}, 'metrics'),
        ({'vary': {'a': (0, 10**15)}}, 'metrics'),
        ({'vary': {'a': (1, 0)}}, 'vary'),
        ({'vary': {'a': (1,)}}, 'vary'),
        ({'vary': {'a': '01'}}, 'vary'),
        ({'vary': {'a': None}}, 'vary'),
        ({'vary': ['a']}, 'vary'),
        ({'vary': {'a': (0, 1)}, 'free': ['a']}, 'vary'),
        ({'free': 'a'}, 'free'),
        ({'free': [1]}, 'free'),
        ({'free': None}, 'free'),
        ({'free': ['\ud800']}, 'dimensions'),
        ({'free': ['x' * 513]}, 'dimensions'),
        ({'free': ['a'], 'dimensions': {'a': 'b'}}, 'free'),
        ({'free': ['a'], 'dimensions': 'a'}, 'free'),
        ({'origins': 'https://example.org'}, 'origins'),
        ({'origins': None}, 'origins'),
        ({'origins': [1]}, 'origins'),
        ({'origins': ['example.org']}, 'origins'),
        ({'origins': ['https://example.org/shop']}, 'origins'),
        ({'origins': ['https://example.org?']}, 'origins'),
        ({'origins': ['*']}, 'origins'),
        ({'origins': ['https://bücher.example']}, 'origins'),
        ({'origins': [f'https://{place}.example' for place in range(33)]}, 'origins'),
    ],
)
def test_what_could_not_be_counted_is_refused_when_it_is_sealed(given: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        sealed(**given)
    assert caught.value.field == field


def test_the_limits_hold_for_all_that_an_address_may_add() -> None:
    limits = Limits(name=10, depth=2, nodes=5, metrics=2)
    assert sealed('a', {'b': 'c'}, ['d', 'hits'], free=['e'], vary={'f': (0, 1)}, limits=limits)
    for more in ({'vary': {'f': (0, 1), 'g': (0, 1)}}, {'free': ['e', 'g']}, {'free': ['x' * 11]}):
        given: dict[str, Any] = {'free': ['e'], 'vary': {'f': (0, 1)}} | more
        with pytest.raises(LimitExceeded):
            sealed('a', {'b': 'c'}, ['d', 'hits'], **given, limits=limits)


def test_an_event_of_too_many_counters_with_what_an_address_adds_is_refused() -> None:
    wide = {'geo': {str(place): None for place in range(200)}}
    metrics = [f'm{place}' for place in range(18)]
    assert sealed('a', wide, metrics)
    with pytest.raises(LimitExceeded, match='4096'):
        sealed('a', wide, metrics, vary={f'v{place}': (0, 1) for place in range(5)})


def test_a_token_too_long_for_an_address_is_refused() -> None:
    with pytest.raises(LimitExceeded, match='characters'):
        sealed(['É' * 250] * 4)
    assert len(sealed(['É' * 200] * 3)) <= LONGEST_TOKEN


def test_an_amount_of_one_hit_takes_no_room() -> None:
    assert sealed('a', metrics={'hits': 1, 'sales': 1}) == sealed('a', metrics='sales')
    assert unpack(RING.open(sealed('a', metrics={'hits': 2}), b'pixel')).amounts == {'hits': 2 * 10**6}
