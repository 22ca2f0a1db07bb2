"""Where a server listens: its addresses, the socket that has the port, how it is called in a browser."""

from __future__ import annotations

import ipaddress
import resource
import socket
from typing import Any

from hailwhale.errors import SettingsError

#: Connections of one process, at the most; others wait to be accepted.
MAX_CONNECTIONS = 10_000
#: Files that a process has open beside its connections: the engine's, the listener, those of the system.
_OTHER_FILES = 224


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches the host."""
    return all(ipaddress.ip_address(address[0].partition('%')[0]).is_loopback for _, address in _addresses(host, 0))


def bound(host: str, port: int, *, shared: bool) -> socket.socket:
    """A socket that has the port, but does not listen yet; ``shared`` ones may have it together."""
    family, address = _addresses(host, port)[0]
    found = socket.socket(family, socket.SOCK_STREAM)
    try:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shared:
            found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        found.bind(address)
    except OSError as error:
        found.close()
        raise SettingsError(
            f'cannot listen at port {port} of {host}: {error.strerror} (stop what has it, or take another with --port '
            'or HAILWHALE_PORT; 0 is any free one)',
            field='port',
        ) from error
    return found


def url(host: str, port: int) -> str:
    """An address that can be put into a browser."""
    return f'http://[{host.strip("[]")}]:{port}/' if ':' in host else f'http://{host}:{port}/'


def room() -> int:
    """How many connections this process may have; the system's limit on open files is raised for them as far as may
    be."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MAX_CONNECTIONS + _OTHER_FILES
    if soft != resource.RLIM_INFINITY and soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return MAX_CONNECTIONS if soft == resource.RLIM_INFINITY else min(MAX_CONNECTIONS, max(soft - _OTHER_FILES, 1))


def _addresses(host: str, port: int) -> list[tuple[socket.AddressFamily, Any]]:
    """Where a host is, IPv4 first: what says localhost mostly means that."""
    name = host.removeprefix('[').removesuffix(']') or '0.0.0.0'
    try:
        found = socket.getaddrinfo(name, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except OSError as error:
        raise SettingsError(f'no such host: {host!r} ({error.strerror}; try 127.0.0.1)', field='host') from error
    return sorted(((family, address) for family, _, _, _, address in found), key=lambda each: each[0] != socket.AF_INET)
