"""Making, rotating and revoking keys; and that no text of one is anywhere but in the hands of who made it."""

import re
import sys
from collections.abc import Callable
from typing import Any

import pytest

from hailwhale.access import Key, Keys, Made
from hailwhale.access.keys import id_of, origin
from hailwhale.access.rates import Rate
from hailwhale.errors import (
    HailWhaleError,
    InvalidInput,
    InvalidPath,
    SettingsError,
    StorageConflict,
    StorageRefused,
    StorageUnavailable,
)
from hailwhale.intervals import DAY
from hailwhale.storage import Storage, access
from hailwhale.storage.keys import KEYS, KEYS_USED
from tests.clocks import NOW, Clock
from tests.engines import Server

SHOP = 'https://shop.example'


def everything_in(server: Server) -> bytes:
    """All keys of the engine and all that they hold."""
    found = b''
    for node in server.nodes:
        for name in node.keys('*'):
            kind = node.type(name)
            assert kind == b'hash'
            assert isinstance(name, bytes)
            found += name + b' ' + repr(node.hgetall(name)).encode()
    return found


def test_a_key_is_listed_as_it_was_made(keys: Keys) -> None:
    made = keys.create('write', pks=['Shop/*', 'a b'], origins=[SHOP], rate='6000/m', expires='90d', note='the page')
    [(key, used)] = keys.listed()
    assert (key.id, key.written(), used) == (made.key.id, made.key.written(), None)
    assert (key.scope, str(key.pks), key.origins, str(key.rate)) == ('write', 'Shop/* a%20b', (SHOP,), '6000/m')
    assert (key.made, key.expires, key.note) == (NOW, NOW + 90 * DAY, 'the page')
    assert made.text.startswith(f'hw_{key.id}_')


def test_a_key_without_options_is_for_every_pk_and_anybody_for_ever(keys: Keys) -> None:
    key = keys.create('read').key
    assert (str(key.pks), key.origins, key.rate, key.expires, key.note) == ('*', (), None, None, '')


def test_texts_differ_and_have_256_bits(keys: Keys) -> None:
    texts = [keys.create('read').text for _ in range(20)]
    assert len(set(texts)) == len({id_of(text) for text in texts}) == 20
    assert all(re.fullmatch('hw_[a-z0-9]{8}_[A-Za-z0-9]{43}', text) for text in texts)
    assert 62**43 > 2**256
    assert len({text[-43:][place] for text in texts for place in (0, 42)}) > 10


def test_the_text_of_a_key_is_neither_in_the_store_nor_in_any_repr_or_message(
    keys: Keys, storage: Storage, server: Server
) -> None:
    made = keys.create('write', note='x')
    again = keys.rotate(made.key.id)
    access.mark_used(storage.engine, {made.key.id: NOW})
    told = everything_in(server).decode() + repr(keys.listed()) + repr(made) + repr(again) + repr(again.key.secrets)
    keys.revoke(made.text)
    for name in (made.text, made.text.removeprefix('hw_'), made.text.upper()):
        for ask in (keys.rotate, keys.revoke):
            with pytest.raises(InvalidInput) as caught:
                ask(name)
            told += caught.value.message + repr(caught.value)
    assert made.key.id in told
    for text in (made.text, again.text):
        assert text[-43:] not in told
        assert text[-43:].upper() not in told


def test_a_repr_holds_no_hash_of_a_secret(keys: Keys) -> None:
    key = keys.create('write').key
    assert key.secrets[0].digest not in repr(key) + repr(key.secrets)


@pytest.mark.parametrize(
    ('field', 'told', 'create'),
    [
        ('scope', "not a scope: 'root' (write counts", lambda keys: keys.create('root')),
        ('pk', "not a pattern of pks: 'Shop*'", lambda keys: keys.create('write', pks=['Shop*'])),
        ('pk', "a key is for some pk at least (try '*'", lambda keys: keys.create('write', pks=[])),
        (
            'origin',
            "not an origin: 'shop.example' (try https",
            lambda keys: keys.create('write', origins=['shop.example']),
        ),
        ('origin', 'an admin key has no origins', lambda keys: keys.create('admin', origins=[SHOP])),
        ('rate', "not a rate: '100' (try 100/s", lambda keys: keys.create('write', rate='100')),
        ('expires', "not a length of time: '0d' (try", lambda keys: keys.create('write', expires='0d')),
        ('note', 'a note of more than 200 characters', lambda keys: keys.create('write', note='x' * 201)),
        ('id', "no key has the id 'aaaaaaaa' (hailwhale key list", lambda keys: keys.revoke('aaaaaaaa')),
        ('id', "no key has the id 'aaaaaaaa'", lambda keys: keys.rotate('hw_aaaaaaaa')),
        ('overlap', "not a length of time: '-1'", lambda keys: keys.rotate(keys.create('read').key.id, overlap='-1')),
    ],
)
def test_what_cannot_be_read_is_refused_with_the_way_out(
    keys: Keys, field: str, told: str, create: Callable[[Keys], object]
) -> None:
    with pytest.raises(InvalidInput) as caught:
        create(keys)
    assert caught.value.field == field
    assert told in caught.value.message
    assert all(key.secrets[0].until is None for key, _ in keys.listed())


@pytest.mark.parametrize(
    ('text', 'read'),
    [
        ('https://shop.example', 'https://shop.example'),
        (' HTTPS://Shop.Example/ ', 'https://shop.example'),
        ('https://shop.example:443', 'https://shop.example'),
        ('http://shop.example:80', 'http://shop.example'),
        ('http://shop.example:443', 'http://shop.example:443'),
        ('http://localhost:3000', 'http://localhost:3000'),
        ('http://[::1]:3000', 'http://[::1]:3000'),
    ],
)
def test_an_origin_is_read_as_browsers_write_it(text: str, read: str) -> None:
    assert origin(text) == read


@pytest.mark.parametrize(
    'text', ['', '*', 'null', 'ftp://a', 'https://', 'https://*.a.b', 'https://a/b', 'https://a b', 'https://u@a']
)
def test_what_no_browser_sends_is_no_origin(text: str) -> None:
    with pytest.raises(InvalidInput, match='not an origin'):
        origin(text)


@pytest.mark.parametrize('text', ['', 'hw_', 'hw_abcd1234_', 'hw_ABCD1234_' + 'a' * 43, 'hw_abcd1234_' + 'a' * 44, 'é'])
def test_only_the_text_of_a_key_has_an_id(text: str) -> None:
    assert id_of(text) is None
    assert id_of('hw_abcd1234_' + 'a' * 43) == 'abcd1234'


# -- rotation --------------------------------------------------------------------------------------------------------


def ends(made: Made) -> list[int | None]:
    return [secret.until for secret in made.key.secrets]


def test_each_rotation_lets_older_texts_go_on_no_longer_than_they_would_have(keys: Keys, clock: Clock) -> None:
    first = keys.create('write')
    second = keys.rotate(first.key.id, overlap='2h')
    assert ends(second) == [None, NOW + 7_200]
    clock.now += 3_600
    third = keys.rotate(f'hw_{first.key.id}', overlap='10h')
    assert ends(third) == [None, NOW + 39_600, NOW + 7_200]
    clock.now = NOW + 7_200
    fourth = keys.rotate(third.text, overlap='60')
    assert ends(fourth) == [None, NOW + 7_260, NOW + 7_260]
    assert ends(keys.rotate(first.key.id, overlap='0')) == [None]
    assert [key.id for key, _ in keys.listed()] == [first.key.id]


def test_a_rotated_key_is_otherwise_the_same(keys: Keys) -> None:
    made = keys.create('write', pks=['a/*'], origins=[SHOP], rate='10/s', expires='1h', note='n')
    again = keys.rotate(made.key.id)
    assert again.text != made.text
    for name in ('id', 'scope', 'origins', 'rate', 'expires', 'note', 'made'):
        assert getattr(again.key, name) == getattr(made.key, name)
    assert str(again.key.pks) == 'a/*'


def test_a_key_that_was_revoked_while_it_was_rotated_stays_revoked(keys: Keys, storage: Storage) -> None:
    made = keys.create('write')
    before = access.read_keys(storage.engine)[made.key.id]
    keys.revoke(made.key.id)
    assert not access.change_key(storage.engine, made.key.id, 'x', before=before)
    assert access.read_keys(storage.engine) == {}


def test_of_two_rotations_at_once_one_is_told(keys: Keys, monkeypatch: pytest.MonkeyPatch) -> None:
    made = keys.create('write')
    read = Key.read

    def read_and_be_overtaken(name: str, text: str) -> Key:
        monkeypatch.undo()
        keys.rotate(name)
        return read(name, text)

    monkeypatch.setattr(Key, 'read', read_and_be_overtaken)
    with pytest.raises(StorageConflict, match=f"somebody else has just changed the key '{made.key.id}'"):
        keys.rotate(made.key.id)


# -- what is in the store --------------------------------------------------------------------------------------------


def test_revoking_forgets_all_of_a_key(keys: Keys, storage: Storage, server: Server) -> None:
    one, other = keys.create('write'), keys.create('read')
    access.mark_used(storage.engine, {one.key.id: NOW, other.key.id: NOW + 5})
    keys.revoke(one.key.id)
    assert [(key.id, used) for key, used in keys.listed()] == [(other.key.id, NOW + 5)]
    assert one.key.id.encode() not in everything_in(server)
    keys.revoke(f'hw_{other.key.id}')
    assert everything_in(server) == b''


def test_what_a_late_note_of_a_use_left_behind_is_cleared_away(keys: Keys, storage: Storage, server: Server) -> None:
    access.mark_used(storage.engine, {'goneaway': NOW})
    assert keys.listed() == []
    assert everything_in(server) == b''


def test_keys_are_listed_in_the_order_in_which_they_were_made(keys: Keys, clock: Clock) -> None:
    made = []
    for _ in range(5):
        made.append(keys.create('read').key.id)
        clock.now += 1
    assert [key.id for key, _ in keys.listed()] == made


def test_an_id_that_is_taken_is_never_written_over(
    keys: Keys, storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = keys.create('write')
    monkeypatch.setattr('hailwhale.access.keys._random', lambda _, length: first.key.id[:length])
    with pytest.raises(StorageConflict, match='do it again'):
        keys.create('admin')
    assert Key.read(first.key.id, access.read_keys(storage.engine)[first.key.id]).scope == 'write'


@pytest.mark.parametrize('text', ['', '{}', '[]', '7', '{"scope": 1', '{"scope": "write", "pk": ["x*"]}', 'null'])
def test_a_damaged_key_is_named_and_can_be_revoked(keys: Keys, storage: Storage, text: str) -> None:
    access.add_key(storage.engine, 'abcd1234', text)
    with pytest.raises(StorageRefused, match="the access key 'abcd1234' was damaged"):
        keys.listed()
    keys.revoke('abcd1234')
    assert keys.listed() == []


def test_the_keys_lie_where_the_map_says(keys: Keys, storage: Storage, server: Server) -> None:
    made = keys.create('write')
    access.mark_used(storage.engine, {made.key.id: NOW})
    found: list[Any] = [name for node in server.nodes for name in node.keys('*')]
    assert {name.decode() for name in found} == {KEYS, KEYS_USED}
    assert [node.ttl(name) for node in server.nodes for name in node.keys('*')] == [-1, -1]


# -- without ---------------------------------------------------------------------------------------------------------


def test_without_the_library_no_key_with_a_rate_is_made(keys: Keys, monkeypatch: pytest.MonkeyPatch) -> None:
    # What Python itself takes for "there is no such module".
    monkeypatch.delitem(sys.modules, 'hailwhale.access.windows', raising=False)
    monkeypatch.setitem(sys.modules, 'limits', None)
    with pytest.raises(SettingsError, match=re.escape("pip install 'hailwhale[rates]'")):
        keys.create('write', rate='100/s')
    assert keys.listed() == []
    assert keys.create('write').key.rate is None


def test_with_the_engine_away_nothing_is_made(away: Storage, clock: Clock) -> None:
    keys = Keys(away, clock)
    for ask in (lambda: keys.create('write'), keys.listed, lambda: keys.revoke('a'), lambda: keys.rotate('a')):
        with pytest.raises(StorageUnavailable):
            ask()


def test_errors_are_ours(keys: Keys) -> None:
    with pytest.raises(InvalidPath) as caught:
        keys.create('write', pks=['\ud800'])
    assert isinstance(caught.value, HailWhaleError)
    assert Rate.parse('1/s') == Rate(1, 1)
