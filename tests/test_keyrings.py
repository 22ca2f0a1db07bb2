"""Keys that a store keeps: made once, rotated, forgotten; and when a process sees that."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from hailwhale.errors import InvalidInput, StorageConflict, TokenRefused
from hailwhale.keyrings import Keyrings, forget, free_number, keyring, rotate
from hailwhale.settings import Settings
from hailwhale.storage import Storage, connect
from hailwhale.tokens import Keyring, key_text, make_key
from tests.clocks import Clock
from tests.test_tokens import NEW, OLD

PLAIN = Settings.load({})


@pytest.fixture
def storage(url: str, tmp_path: Path) -> Iterator[Storage]:
    with_nothing = connect(url, home=tmp_path)
    yield with_nothing
    with_nothing.close()


def test_a_store_makes_its_key_once_and_keeps_it(storage: Storage) -> None:
    ring = keyring(storage, PLAIN)
    token = ring.seal(b'x', b'test')
    assert keyring(storage, PLAIN).open(token, b'test') == b'x'
    assert (ring.first, ring.numbers) == (0, (0,))


def test_many_that_need_a_key_at_once_get_the_same(storage: Storage) -> None:
    with ThreadPoolExecutor(8) as pool:
        rings = list(pool.map(lambda _: keyring(storage, PLAIN), range(8)))
    assert len({ring.seal(b'x', b'test') for ring in rings}) == 1


def test_with_the_setting_the_store_is_neither_asked_nor_given_a_key(storage: Storage) -> None:
    settings = Settings.load({}, secret=f'5:{key_text(NEW)} 3:{key_text(OLD)}')
    ring = keyring(storage, settings)
    assert (ring.first, set(ring.numbers)) == (5, {3, 5})
    assert ring.open(Keyring({3: OLD}, 3).seal(b'x', b'test'), b'test') == b'x'
    assert storage.secrets().keys == {}


def test_after_a_rotation_the_new_key_seals_and_the_old_one_opens_until_it_is_forgotten(storage: Storage) -> None:
    old = keyring(storage, PLAIN).seal(b'x', b'test')
    ring = rotate(storage)
    assert (ring.first, set(ring.numbers)) == (1, {0, 1})
    assert ring.open(old, b'test') == b'x'
    assert rotate(storage).first == 2
    assert set(forget(storage, 0).numbers) == {1, 2}
    with pytest.raises(TokenRefused) as caught:
        keyring(storage, PLAIN).open(old, b'test')
    assert caught.value.reason == 'foreign'


def test_the_key_that_seals_and_one_that_is_not_there_cannot_be_forgotten(storage: Storage) -> None:
    rotate(storage)
    with pytest.raises(InvalidInput, match='rotate first'):
        forget(storage, 1)
    with pytest.raises(InvalidInput, match=r'no key 7 \(there are 0, 1\)'):
        forget(storage, 7)
    assert set(keyring(storage, PLAIN).numbers) == {0, 1}


def test_many_that_rotate_at_once_each_make_a_key(storage: Storage) -> None:
    keyring(storage, PLAIN)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: rotate(storage), range(4)))
    assert set(keyring(storage, PLAIN).numbers) == {0, 1, 2, 3, 4}


class Forgetful(Storage):
    """A store whose answer to a new key is lost on the way back."""

    def add_secret(self, number: int, text: str, *, first: int | None) -> bool:
        super().add_secret(number, text, first=first)
        return False


class Busy(Storage):
    """A store in which somebody else is always a little quicker."""

    def add_secret(self, number: int, text: str, *, first: int | None) -> bool:
        super().add_secret(number, make_key(), first=first)
        return super().add_secret(number, text, first=first)


def test_a_key_whose_making_was_not_answered_is_made_once(storage: Storage) -> None:
    ring = rotate(Forgetful(storage.engine))
    assert (ring.first, set(ring.numbers)) == (1, {0, 1})


def test_whoever_is_always_too_late_is_told_so(storage: Storage) -> None:
    with pytest.raises(StorageConflict, match='others made keys'):
        rotate(Busy(storage.engine))


def test_a_new_key_takes_the_next_number_that_is_free() -> None:
    assert free_number(Keyring({0: OLD}, 0)) == 1
    assert free_number(Keyring({0: OLD, 1: OLD, 3: OLD}, 1)) == 2
    assert free_number(Keyring({255: OLD, 0: OLD}, 255)) == 1
    with pytest.raises(InvalidInput, match='forget an old one'):
        free_number(Keyring(dict.fromkeys(range(256), OLD), 3))


# -- a process that goes on ------------------------------------------------------------------------------------------


class Looking:
    """Keys that others change, and how often somebody has looked."""

    def __init__(self) -> None:
        self.ring = Keyring({3: OLD}, 3)
        self.looks = 0

    def __call__(self) -> Keyring:
        self.looks += 1
        return self.ring


@pytest.fixture
def looking() -> Looking:
    return Looking()


def test_the_keys_are_looked_at_when_they_are_needed_and_then_every_half_minute(looking: Looking) -> None:
    clock = Clock()
    rings = Keyrings(looking, clock)
    assert looking.looks == 0
    assert rings.current() is looking.ring
    clock.now += 29
    rings.current()
    assert looking.looks == 1
    clock.now += 1
    looking.ring = Keyring({4: NEW, 3: OLD}, 4)
    assert rings.current().first == 4
    assert looking.looks == 2


@pytest.mark.parametrize('make', [lambda ring: ring.seal(b'x', b'test'), lambda ring: ring.sign('x', b'test')])
def test_a_token_of_a_key_that_was_made_just_now_makes_us_look_again_once_a_second(
    looking: Looking, make: Callable[[Keyring], str]
) -> None:
    clock = Clock()
    rings = Keyrings(looking, clock)
    rings.current()
    old, looking.ring = looking.ring, Keyring({4: NEW, 3: OLD}, 4)
    assert rings.current(make(looking.ring)) is old
    clock.now += 1
    assert rings.current(make(old)) is old
    assert rings.current(make(looking.ring)) is looking.ring
    for _ in range(10):
        rings.current(make(Keyring({7: OLD}, 7)))
    assert looking.looks == 2


def test_by_default_the_clock_is_that_of_the_machine(looking: Looking) -> None:
    rings = Keyrings(looking)
    assert rings.current() is rings.current() is looking.ring
    assert looking.looks == 1
