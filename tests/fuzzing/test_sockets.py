"""A server process, and clients that send anything: it answers everybody else, and does not grow."""

from __future__ import annotations

import gzip
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from random import Random

import pytest

from tests.engines import Server, until
from tests.fresh import unmeasured
from tests.fuzzing.seeds import mutated, seeds

#: Seconds that a client waits, and megabytes that a server may have more after all of it.
PATIENCE = 20.0
MOST_GROWN = 48
REQUESTS = 10_000
#: Statuses of whatever is sent: what no server of ours says is 500.
STATUS = re.compile(rb'HTTP/1\.1 ([0-9]{3}) ')
ALLOWED = {
    b'100',
    b'200',
    b'204',
    b'304',
    b'400',
    b'401',
    b'403',
    b'404',
    b'405',
    b'408',
    b'413',
    b'414',
    b'415',
    b'422',
    b'503',
}


class Serving:
    """``hailwhale serve``, and how much memory it has."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        assert process.stdout is not None
        port = re.search(r':(\d+)/', process.stdout.readline())
        assert port
        self.address = ('127.0.0.1', int(port[1]))

    def megabytes(self) -> float:
        told = subprocess.run(['ps', '-o', 'rss=', '-p', str(self.process.pid)], capture_output=True, check=True)
        return int(told.stdout) / 1_024

    def plug(self) -> socket.socket:
        return socket.create_connection(self.address, timeout=PATIENCE)

    def send(self, *parts: bytes, done: bool = True) -> bytes:
        """What comes back until the server hangs up; ``done``: it may know that no more is sent."""
        heard = []
        # It may hang up on what it does not want to read.
        with self.plug() as plug, suppress(ConnectionResetError):
            with suppress(BrokenPipeError):
                for part in parts:
                    plug.sendall(part)
                if done:
                    plug.shutdown(socket.SHUT_WR)
            while part := plug.recv(65_536):
                heard.append(part)
        return b''.join(heard)

    def is_well(self) -> bool:
        """Whether it counts and answers, as if nothing had been."""
        asked = b'GET /count?pk=well HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n'
        return self.send(asked).endswith(b'\r\n\r\nOK') and self.process.poll() is None


@pytest.fixture(scope='module')
def served(redis_server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    home = tmp_path_factory.mktemp('home')
    command = [sys.executable, '-m', 'hailwhale', 'serve', '--url', redis_server.url, '--home', str(home)]
    with (
        (home / 'log').open('w+') as log,
        subprocess.Popen(
            [*command, '--port', '0'], stdout=subprocess.PIPE, stderr=log, text=True, env=unmeasured()
        ) as process,
    ):
        found = Serving(process)
        until(found.is_well, 'it counts')
        yield found
        process.terminate()
        assert process.wait(PATIENCE) == 0


def anything(dice: Random) -> list[bytes]:
    """Noise, a request with changes, a part of one, or many in one piece."""
    match dice.randrange(4):
        case 0:
            return [dice.randbytes(dice.randint(1, 300))]
        case 1:
            return [mutated(dice, 'requests')[1:]]
        case 2:
            whole = dice.choice(seeds('requests'))[1:]
            return [whole[: dice.randint(1, len(whole))]]
    return [dice.choice(seeds('requests'))[1:] for _ in range(dice.randint(2, 20))]


def test_ten_thousand_requests_of_any_kind_leave_the_server_as_it_was(served: Serving) -> None:
    dice = Random(20_261_122)
    statuses: set[bytes] = set()
    sent, before = 0, 0.0
    while sent < REQUESTS:
        several = anything(dice)
        statuses.update(STATUS.findall(served.send(b''.join(several))))
        sent += len(several)
        if not before and sent > REQUESTS / 10:
            # What it remembers of requests, it has begun to remember.
            before = served.megabytes()
    assert statuses <= ALLOWED
    assert len(statuses) > 5
    assert served.is_well()
    assert served.megabytes() - before < MOST_GROWN


def post(*lines: bytes) -> bytes:
    return b'\r\n'.join(
        [b'POST /count HTTP/1.1', b'Host: localhost', b'Content-Type: application/json', *lines, b'', b'']
    )


@pytest.mark.parametrize('framing', [b'Content-Length: 100000000', b'Transfer-Encoding: chunked'])
def test_a_body_of_a_hundred_megabytes_is_refused_and_not_kept(served: Serving, framing: bytes) -> None:
    before, piece = served.megabytes(), b'[' * 1_000_000
    parts = [piece] * 100 if b'Length' in framing else [b'f4240\r\n', piece, b'\r\n'] * 100
    answer = served.send(post(framing), *parts, done=False)
    # Whoever sends on in spite of the answer may not hear it.
    assert answer == b'' or b' 413 ' in answer
    assert served.megabytes() - before < MOST_GROWN
    assert served.is_well()


def test_a_bomb_of_gzip_is_refused_and_takes_no_more_memory_than_an_honest_body(served: Serving) -> None:
    bomb = gzip.compress(b'[' * 200_000_000, 9)
    assert len(bomb) < 300_000
    before = served.megabytes()
    for _ in range(3):
        answer = served.send(
            post(b'Content-Encoding: gzip', b'Connection: close', b'Content-Length: %d' % len(bomb)), bomb
        )
        assert answer.startswith(b'HTTP/1.1 413 ')
        assert b'limit_exceeded' in answer
    assert served.megabytes() - before < MOST_GROWN
    assert served.is_well()


def test_a_head_without_an_end_is_cut_off(served: Serving) -> None:
    before = served.megabytes()
    with served.plug() as plug, suppress(ConnectionResetError, BrokenPipeError):
        plug.sendall(b'GET /count?pk=a HTTP/1.1\r\n')
        for _ in range(500):
            plug.sendall(b'X: ' + b'a' * 10_000 + b'\r\n')
        pytest.fail('five megabytes of headers were taken')
    assert served.megabytes() - before < MOST_GROWN
    assert served.is_well()
