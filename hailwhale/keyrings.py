"""Which keys seal tokens and sign cookies: those of the setting, else those that the store keeps.

A store makes its first key when one is needed; of several processes that need it at once, all get the same.  `rotate`
makes a new one that seals from then on, and the old ones still open what they sealed until they are forgotten.

Whoever reads the store's memory reads these keys: a setting keeps them out of there.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from hailwhale.errors import InvalidInput, StorageConflict
from hailwhale.kept import AGREE_SECONDS
from hailwhale.settings import Settings
from hailwhale.storage import Secrets, Storage
from hailwhale.tokens import MOST_KEYS, Keyring, key_of, make_key, number_of, read_keys

__all__ = ['Keyrings', 'forget', 'free_number', 'keyring', 'rotate']

#: Seconds between two looks for a key that was not there.
_AGAIN = 1.0
_ATTEMPTS = 16


def keyring(storage: Storage, settings: Settings) -> Keyring:
    """The keys as they are now.  With the setting the store is not asked."""
    return read_keys(settings.secret) if settings.secret else _of_store(storage)


def rotate(storage: Storage) -> Keyring:
    """Make a new key, which seals from now on.  Raises `InvalidInput` where there are as many as can be."""
    for _ in range(_ATTEMPTS):
        ring, key = _of_store(storage), make_key()
        number = free_number(ring)
        # A connection that broke on the way back leaves it open whether the key was kept: look.
        added = storage.add_secret(number, key, first=ring.first)
        if added or storage.secrets().keys.get(number) == key:
            return _of_store(storage)
    raise StorageConflict(f'others made keys during all of {_ATTEMPTS} attempts: try again')


def forget(storage: Storage, number: int) -> Keyring:
    """Forget a key: within half a minute whatever it sealed is refused everywhere.

    Raises `InvalidInput` for a number that no key has, and for the key that seals.
    """
    ring = _of_store(storage)
    if number == ring.first:
        raise InvalidInput(f'key {number} seals new tokens (rotate first)', field='number')
    if not storage.forget_secret(number, first=ring.first):
        raise InvalidInput(f'there is no key {number} (there are {", ".join(map(str, ring.numbers))})', field='number')
    return _of_store(storage)


def free_number(ring: Keyring) -> int:
    """The next number that no key has; those of forgotten keys come last."""
    for step in range(1, MOST_KEYS):
        if (ring.first + step) % MOST_KEYS not in ring.numbers:
            return (ring.first + step) % MOST_KEYS
    raise InvalidInput(f'there are {MOST_KEYS} keys already (forget an old one)', field='number')


def _of_store(storage: Storage) -> Keyring:
    while (secrets := storage.secrets()).first is None:
        storage.add_secret(0, make_key(), first=None)
    return _ring(secrets, secrets.first)


def _ring(secrets: Secrets, first: int) -> Keyring:
    return Keyring({number: key_of(text) for number, text in secrets.keys.items()}, first)


class Keyrings:
    """The keys of a process that goes on: looked at again every half minute.

    ``look`` answers them as they are: ``lambda: keyring(storage, settings)``.  Safe for threads.
    """

    def __init__(self, look: Callable[[], Keyring], clock: Callable[[], float] = time.monotonic) -> None:
        self._look = look
        self._clock = clock
        self._known: tuple[Keyring, float] | None = None

    def current(self, token: str | None = None) -> Keyring:
        """The keys.  A token, or a signed text, that names a key which is not among them makes us look again, at most
        once a second: it may be of a key that was made just now."""
        now = self._clock()
        if self._known is None:
            self._known = self._look(), now
            return self._known[0]
        ring, looked = self._known
        wanted = token is not None and number_of(token) not in ring.numbers
        if now - looked >= (_AGAIN if wanted else AGREE_SECONDS):
            self._known = ring, now  # one asks, the others go on with what is known
            ring = self._look()
            self._known = ring, now
        return ring
