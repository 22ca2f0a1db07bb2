"""Visitors' names: random ones that we give out in a cookie, signed, so that nobody can pick another visitor's.

The cookie is to be ``HttpOnly`` and ``SameSite=Lax``; what it holds can be read, so that a visitor's events can be
found by it.
"""

from __future__ import annotations

import os
import re
from base64 import urlsafe_b64encode

from hailwhale.errors import TokenRefused
from hailwhale.tokens import Keyring

__all__ = ['cookie_value', 'new_uid', 'uid_of']

_PURPOSE = b'uid'
_UID = re.compile(r'[A-Za-z0-9_-]{22}')


def new_uid() -> str:
    """A name that nobody has: 128 random bits in 22 characters."""
    return urlsafe_b64encode(os.urandom(16)).rstrip(b'=').decode()


def cookie_value(keyring: Keyring, uid: str) -> str:
    """What stands in the cookie of a visitor: 46 characters that no cookie needs to quote."""
    return keyring.sign(uid, _PURPOSE)


def uid_of(keyring: Keyring, value: str | None) -> str | None:
    """The visitor whom a cookie names; None where there is no cookie, or one that we did not sign."""
    try:
        uid = keyring.unsign(value or '', _PURPOSE)
    except TokenRefused:
        return None
    return uid if _UID.fullmatch(uid) else None
