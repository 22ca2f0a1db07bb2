"""The keys that seal tokens: one is first, and of two who change that at once only one does."""

from __future__ import annotations

import pytest

from hailwhale.errors import StorageRefused
from hailwhale.storage import Secrets, Storage, keys
from tests.engines import Server
from tests.storage.stores import at_once, dump


def test_a_new_store_has_none(store: Storage) -> None:
    assert store.secrets() == Secrets({}, None)


def test_a_new_key_is_the_first_and_the_others_stay(store: Storage) -> None:
    assert store.add_secret(1, 'one', first=None)
    assert store.add_secret(2, 'two', first=1)
    assert store.secrets() == Secrets({1: 'one', 2: 'two'}, 2)


@pytest.mark.parametrize(('number', 'first'), [(2, None), (2, 7), (1, 1)])
def test_a_key_that_comes_too_late_changes_nothing(store: Storage, number: int, first: int | None) -> None:
    assert store.add_secret(1, 'one', first=None)
    assert not store.add_secret(number, 'other', first=first)
    assert store.secrets() == Secrets({1: 'one'}, 1)


def test_of_many_who_make_the_first_key_at_once_one_does(store: Storage) -> None:
    made: list[int] = []
    at_once(8, lambda number: made.append(number) if store.add_secret(1, str(number), first=None) else None)
    assert len(made) == 1
    assert store.secrets() == Secrets({1: str(made[0])}, 1)


def test_a_key_is_forgotten_but_never_the_first(store: Storage) -> None:
    store.add_secret(1, 'one', first=None)
    store.add_secret(2, 'two', first=1)
    assert not store.forget_secret(2, first=2)
    assert not store.forget_secret(1, first=1)
    assert not store.forget_secret(3, first=2)
    assert store.forget_secret(1, first=2)
    assert store.secrets() == Secrets({2: 'two'}, 2)


def test_the_keys_never_end(server: Server, store: Storage) -> None:
    store.add_secret(1, 'one', first=None)
    assert dump(server)[keys.SECRETS].expires == -1


@pytest.mark.parametrize(
    'fields', [('first', '1'), ('1', 'key'), ('1', 'key', 'first', '2'), ('x', 'key', 'first', 'x')]
)
def test_keys_that_were_damaged_are_told_of_and_not_shown(store: Storage, fields: tuple[str, ...]) -> None:
    store.engine.ask(0, 'HSET', keys.SECRETS, *fields)
    with pytest.raises(StorageRefused, match=r'hw:\{0\}:secrets was damaged') as caught:
        store.secrets()
    assert 'key' not in caught.value.message.removeprefix('the key')


def test_a_key_is_in_no_repr() -> None:
    assert repr(Secrets({1: 'one'}, 1)) == 'Secrets(keys=[1], first=1)'
