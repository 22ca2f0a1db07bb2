"""A server under load that is killed again and again, and clients that know what they were told."""

from __future__ import annotations

import http.client
import json
import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from random import Random

from tests import engines
from tests.fresh import unmeasured
from tests.killing.ledger import SETTINGS, Sale, Verdict, audit, sales
from tests.killing.rounds import Arena

CONNECTIONS = 48
_JSON = {'Content-Type': 'application/json'}


class ServerProcess:
    """``hailwhale serve``, which can be killed and started again at the same port."""

    def __init__(self, url: str, **environ: str) -> None:
        self._environ = environ
        (self.port,) = engines.free_ports(1)
        self._command = [sys.executable, '-m', 'hailwhale', 'serve', '--url', url, '--port', str(self.port)]
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        environ = unmeasured(PYTHONPATH=os.pathsep.join(sys.path), HAILWHALE_KEEP=SETTINGS['keep'], **self._environ)
        self._process = subprocess.Popen(self._command, env=environ, stdout=subprocess.PIPE)
        assert self._process.stdout is not None
        assert self._process.stdout.readline().startswith(b'HailWhale at')

    def kill(self) -> None:
        assert self._process is not None
        with self._process:
            self._process.kill()


class Client(threading.Thread):
    """One connection: sends its events a few at a time; those with ids until it was told that they are kept."""

    def __init__(self, port: int, events: Sequence[Sale]) -> None:
        super().__init__()
        self.sure: list[Sale] = []
        self.unsure: list[Sale] = []
        self._port = port
        self.left = list(events)

    def run(self) -> None:
        deadline = time.monotonic() + engines.PATIENCE
        while self.left and time.monotonic() < deadline:
            try:
                with closing(http.client.HTTPConnection('127.0.0.1', self._port, timeout=5)) as connection:
                    connection.connect()
                    while self.left:
                        self._send(connection)
            except (OSError, http.client.HTTPException):
                # As a program would: the server may be back in a moment.
                time.sleep(0.02 + random.random() * 0.03)

    def _send(self, connection: http.client.HTTPConnection) -> None:
        some, kept = [sale for sale in self.left[:3] if sale.id] or self.left[:1], False
        try:
            connection.request('POST', '/count', json.dumps([sale.given for sale in some]), _JSON)
            with connection.getresponse() as response:
                answer = response.read()
            assert response.status in (200, 503), (response.status, answer)
            kept = response.status == 200
        finally:
            if kept or not some[0].id:
                (self.sure if kept else self.unsure).extend(some)
                del self.left[: len(some)]


def server_round(arena: Arena, dice: Random, *, kills: int, events: int = 4_000) -> Verdict:
    """A server that counts and drains is killed while many clients send, each of them its own; then all is drained."""
    arena.empty()
    # A server has no other clock than that of its machine.
    now = int(time.time()) // 60 * 60
    told = sales(dice, events * 3 // 4, ids=1.0, plain=True) + sales(dice, events // 4, first=events, plain=True)
    told = [replace(sale, at=now) for sale in told]
    server = ServerProcess(arena.server.url)
    server.start()
    clients = [Client(server.port, told[place::CONNECTIONS]) for place in range(CONNECTIONS)]
    for client in clients:
        client.start()
    for _ in range(kills):
        time.sleep(0.2 + dice.random() * 0.3)
        server.kill()
        arena.kills += 1
        server.start()
    for client in clients:
        client.join()
    server.kill()
    hail = arena.hail_at(now)
    while hail.drain():
        pass
    hail.whale.close()
    assert not any(client.left for client in clients), 'the server took too long'
    sure = [sale for client in clients for sale in client.sure]
    return audit(arena.server, sure, [sale for client in clients for sale in client.unsure])
