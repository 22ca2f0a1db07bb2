"""Requests of this machine only: what a server lets in that has no keys and listens at loopback.

Nobody else reaches its port, except through a browser that runs here.  A page of any site may send requests to
``localhost``, and a site whose name leads to 127.0.0.1 since a moment ago may read the answers too (DNS rebinding).
Browsers tell of both: of the first in ``Sec-Fetch-Site`` and ``Origin``, of the second in ``Host``.  Programs send what
they like, and those that run here are let in.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Collection

from hailwhale.errors import Forbidden, SettingsError
from hailwhale.times import shown

_WAYS_ON = 'start it with --open to let in whoever reaches it, or make keys: hailwhale key create --scope write'


def check_start(*, host_is_loopback: bool, has_keys: bool, open: bool) -> None:
    """Raise `SettingsError` for a server that anybody could count at, read from and reset, by accident."""
    if not (host_is_loopback or has_keys or open):
        raise SettingsError(
            'others can reach this address, and there are no keys yet (make them: hailwhale key create --scope write, '
            'and likewise read and admin; or listen at 127.0.0.1; or let in whoever reaches it with --open)',
            field='host',
        )


def check_host(host: str | None, listens_at: str) -> None:
    """Raise `Forbidden` unless a request was sent to this machine by a name that only this machine has.

    ``host`` is the header of that name.  No browser leaves it out, so None is no page's request.
    """
    if host is not None and not _is_here(_name(host), listens_at):
        raise Forbidden(
            f'this server has no keys, so it answers only what is sent to localhost, not to {shown(host)} ({_WAYS_ON})',
            field='host',
        )


def check_page(origin: str | None, *, cross_site: bool, host: str | None, trusted: Collection[str]) -> None:
    """Raise `Forbidden` for a request of a page that came from elsewhere, unless its origin is a trusted one (``*``:
    any)."""
    if origin is not None and (origin in trusted or '*' in trusted):
        return
    foreign = origin is not None and origin.partition('://')[2] != (host or '').lower()
    if cross_site or foreign:
        whose = f'a page of {shown(origin)}' if origin else 'a page of another site'
        raise Forbidden(
            f'this server has no keys, so it answers no page but its own, and this request is of {whose} ({_WAYS_ON})',
            field='origin',
        )


def _name(host: str) -> str:
    """What a ``Host`` header names, without the port."""
    name, colon, port = host.lower().rpartition(':')
    return name if colon and port.isdecimal() and not name.endswith(':') else host.lower()


def _is_here(name: str, listens_at: str) -> bool:
    if name == 'localhost' or name.endswith('.localhost') or (name and name == listens_at.lower()):
        return True
    try:
        address = ipaddress.ip_address(name.removeprefix('[').removesuffix(']'))
    except ValueError:
        return False
    return address.is_loopback
