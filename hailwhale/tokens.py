"""Tokens that nobody but us can make or change, and texts that we have signed.

A sealed token hides and protects what it carries; a signed text can be read by all.  Both tell the number of their
key, so that keys can be exchanged while tokens are out: the first key makes new ones, the others still open theirs.

::

    token        base64url of  NUMBER (1 byte)  AES-SIV (16 bytes + the plain bytes)      without padding
    signed text  TEXT '.' base64url of  NUMBER (1 byte)  HMAC-SHA-256, cut to 16 bytes

**Why AES-SIV** (RFC 5297): it needs no nonce, which is 12 bytes less in every address, and nothing to get wrong.  The
same bytes give the same token, so a token tells that it is equal to another one, and no more.

**Why there is no oracle.**  Whoever sends a changed token learns only that it was refused: the whole of it is checked
by one comparison in constant time, before any of its bytes is looked at, and there is no padding.  A token in another
spelling, of another purpose, or cut off gets the same answer.  Only that the number names no key of ours is found out
earlier, and a number is no secret: it stands in the token, and is covered by the check.
"""

from __future__ import annotations

import hmac
import os
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from typing import TYPE_CHECKING

from hailwhale.errors import SettingsError, TokenRefused

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESSIV

__all__ = ['KEY_BYTES', 'MOST_KEYS', 'Keyring', 'key_of', 'key_text', 'make_key', 'number_of', 'read_keys']

KEY_BYTES = 32
#: Their numbers fit in one byte.
MOST_KEYS = 256
_TAG_BYTES = 16


def make_key() -> str:
    """A new key as `HAILWHALE_SECRET` spells it after the number: 43 characters for 256 random bits."""
    return key_text(os.urandom(KEY_BYTES))


def key_text(key: bytes) -> str:
    """A key as people copy it."""
    return _text_of(key)


def key_of(text: str) -> bytes:
    """The key that a text spells.  Raises `SettingsError`, which does not show it."""
    try:
        # Of 43 characters the last has two bits too many; whoever typed it at random need not care.
        key = urlsafe_b64decode(text + '=')
    except ValueError:
        key = b''
    if len(key) != KEY_BYTES or len(text) != 43:
        raise SettingsError('not a key: 43 characters of base64 are needed (make one with hailwhale secret)')
    return key


def read_keys(text: str) -> Keyring:
    """The keys of ``NUMBER:KEY NUMBER:KEY ...``, the first of which seals.  Raises `SettingsError`."""
    keys: dict[int, bytes] = {}
    for word in text.split():
        number, _, key = word.partition(':')
        if not number.isascii() or not number.isdigit() or int(number[:4]) in keys:
            raise SettingsError('NUMBER:KEY is needed, each number once (make one with hailwhale secret)')
        keys[int(number[:4])] = key_of(key)
    return Keyring(keys, next(iter(keys), 0))


def number_of(token: str) -> int | None:
    """The number of the key that made a token or a signed text, as far as it can be told without the key."""
    beginning = token.rpartition('.')[2][:4]
    raw = _bytes_of(beginning) if len(beginning) == 4 else b''
    return raw[0] if raw else None


class Keyring:
    """Keys by number, and which of them makes new tokens.  Safe for threads.

    ``purpose`` says what a token is for (``b'pixel'``): it opens for the purpose that it was sealed for, and no other.

    >>> ring = Keyring({7: bytes(32)}, 7)
    >>> ring.seal(b'hello', b'greeting')
    'B--EaEQNckF3GK6Ns9_7TNsriF-ZQg'
    >>> ring.open('B--EaEQNckF3GK6Ns9_7TNsriF-ZQg', b'greeting')
    b'hello'
    """

    def __init__(self, keys: Mapping[int, bytes], first: int) -> None:
        if first not in keys or any(len(key) != KEY_BYTES for key in keys.values()):
            raise SettingsError(f'keys of {KEY_BYTES} bytes are needed, the first among them')
        if any(not 0 <= number < MOST_KEYS for number in keys):
            raise SettingsError(f'the number of a key is one from 0 to {MOST_KEYS - 1}')
        self.first = first
        self.numbers = tuple(keys)
        self._keys = dict(keys)
        # What seals and what signs never see each other's keys.
        self._signing = {number: _mac(key, b'hailwhale signs') for number, key in keys.items()}
        self._ciphers: dict[int, AESSIV] = {}

    def __repr__(self) -> str:
        return f'Keyring(numbers={self.numbers}, first={self.first})'

    def seal(self, plain: bytes, purpose: bytes) -> str:
        """The token that carries ``plain``, a byte at least: letters, digits, ``-`` and ``_``."""
        if not plain:
            # Not every version of the library beneath can seal nothing.
            raise ValueError('there is nothing to seal')
        head = bytes([self.first])
        return _text_of(head + self._cipher(self.first).encrypt(plain, [head + purpose]))

    def open(self, token: str, purpose: bytes) -> bytes:
        """What a token carries.

        Raises `TokenRefused`: ``foreign`` where it names a key that we do not have, ``forged`` for everything else.
        """
        from cryptography.exceptions import InvalidTag

        raw = _bytes_of(token)
        head, sealed = raw[:1], raw[1:]
        if len(sealed) <= _TAG_BYTES:
            raise TokenRefused('forged')
        if head[0] not in self._keys:
            raise TokenRefused('foreign')
        try:
            return self._cipher(head[0]).decrypt(sealed, [head + purpose])
        except InvalidTag:
            raise TokenRefused('forged') from None

    def sign(self, text: str, purpose: bytes) -> str:
        """The text with our signature behind it."""
        head = bytes([self.first])
        return f'{text}.{_text_of(head + self._tag(head, text, purpose))}'

    def unsign(self, signed: str, purpose: bytes) -> str:
        """The text that was signed.  Raises `TokenRefused`, as `open` does."""
        text, _, signature = signed.rpartition('.')
        raw = _bytes_of(signature)
        head, tag = raw[:1], raw[1:]
        if len(tag) != _TAG_BYTES:
            raise TokenRefused('forged')
        if head[0] not in self._keys:
            raise TokenRefused('foreign')
        if not hmac.compare_digest(tag, self._tag(head, text, purpose)):
            raise TokenRefused('forged')
        return text

    def _tag(self, head: bytes, text: str, purpose: bytes) -> bytes:
        # The length keeps a purpose and a text from reading as another purpose and another text.
        said = head + bytes([len(purpose)]) + purpose + text.encode('utf-8', 'surrogatepass')
        return _mac(self._signing[head[0]], said)[:_TAG_BYTES]

    def _cipher(self, number: int) -> AESSIV:
        cipher = self._ciphers.get(number)
        if cipher is None:
            from cryptography.hazmat.primitives.ciphers.aead import AESSIV

            cipher = self._ciphers[number] = AESSIV(self._keys[number])
        return cipher


def _mac(key: bytes, said: bytes) -> bytes:
    return hmac.digest(key, said, 'sha256')


def _text_of(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b'=').decode()


def _bytes_of(text: str) -> bytes:
    """The bytes of a text as `_text_of` writes it; none for any other spelling of them."""
    try:
        raw = urlsafe_b64decode(text + '=' * (-len(text) % 4))
    except ValueError:
        return b''
    return raw if _text_of(raw) == text else b''
