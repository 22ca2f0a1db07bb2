"""The server is killed under load, again and again; each client knows what it was told."""

from __future__ import annotations

import http.client
from contextlib import closing
from pathlib import Path
from random import Random

from tests import engines
from tests.engines import Process
from tests.killing.clients import ServerProcess, server_round
from tests.killing.rounds import Arena


def test_what_a_server_answered_before_it_was_killed_is_counted_once(redis_arena: Arena) -> None:
    verdict = server_round(redis_arena, Random(5), kills=4)
    assert verdict.good, (str(verdict), verdict.wrong)
    assert verdict.acknowledged >= 3_000
    assert redis_arena.kills == 4


def test_a_server_whose_engine_is_away_does_not_answer_ok(tmp_path: Path) -> None:
    (port,) = engines.free_ports(1)
    with Process(engines.redis_binary(), tmp_path, port) as process:
        server = ServerProcess(f'redis://127.0.0.1:{port}/0', HAILWHALE_TIMEOUT='0.2')
        server.start()
        try:
            with closing(http.client.HTTPConnection('127.0.0.1', server.port, timeout=10)) as connection:
                answers = []
                for engine in (lambda: None, process.kill, process.start):
                    engine()
                    connection.request('GET', '/count?pk=signup')
                    with connection.getresponse() as response:
                        answers.append((response.status, response.read()[:2]))
        finally:
            server.kill()
    assert [status for status, _ in answers] == [200, 503, 200]
    assert [body == b'OK' for _, body in answers] == [True, False, True]
