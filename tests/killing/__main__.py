"""``make soak``: kill again and again, and hold what was acknowledged against what was counted.

Every round is made of the seed and its number alone, so ``--seed S --round N`` repeats one that failed.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from random import Random

from tests import engines
from tests.engines import Process, Server
from tests.killing.clients import server_round
from tests.killing.ledger import Verdict, audit, few
from tests.killing.nursery import Nursery
from tests.killing.rounds import Arena, arena_of, commands_of, load_round, points, random_round

#: Of so many rounds one is under load, one kills the engine itself, and one the HTTP server.
LOAD_EVERY, ENGINE_EVERY, SERVER_EVERY = 50, 25, 250
KILLS_UNDER_LOAD, KILLS_OF_THE_SERVER = 10, 5


class Soak:
    """The engines, and the rounds on them."""

    def __init__(self, stack: ExitStack, directory: Path, seed: str) -> None:
        self.seed = seed
        self.total = Verdict()
        self._directory = directory
        self._known: dict[Arena, dict[str, int]] = {}
        nursery = Nursery()
        stack.callback(nursery.close)
        servers = [
            stack.enter_context(engines.embedded_server(self._under('embedded'))),
            stack.enter_context(engines.redis_server(self._under('redis'))),
            stack.enter_context(engines.cluster(self._under('cluster'))),
        ]
        self._arenas = [stack.enter_context(arena_of(server, nursery)) for server in servers]
        options = ('--appendonly', 'yes', '--appendfsync', 'always')
        (port,) = engines.free_ports(1)
        self._process = stack.enter_context(
            Process(engines.redis_binary(), self._under('durable'), port, None, *options)
        )
        durable = Server(f'redis://127.0.0.1:{port}/0', (self._process.node,))
        self._durable = stack.enter_context(arena_of(durable, nursery))

    def _under(self, name: str) -> Path:
        found = self._directory / name
        found.mkdir()
        return found

    @property
    def kills(self) -> int:
        return sum(arena.kills for arena in (*self._arenas, self._durable))

    def round(self, number: int) -> tuple[str, Verdict]:
        """The round of a number: what it was, and what it came to."""
        dice = Random(f'{self.seed} {number}')
        if number % ENGINE_EVERY == 1:
            return self._kill_engine(dice)
        if number % SERVER_EVERY == 2:
            return 'the server under load', server_round(self._arenas[1], dice, kills=KILLS_OF_THE_SERVER)
        # The cluster needs the longest, and most of it is what the others do as well.
        arena = dice.choices(self._arenas, (4, 4, 1))[0]
        name = self._arenas.index(arena)
        if number % LOAD_EVERY == 0:
            verdict = load_round(arena, dice, self._directory, kills=KILLS_UNDER_LOAD, events=500)
            return f'engine {name}, under load', verdict
        what, verdict = random_round(arena, dice, self._known.setdefault(arena, {}))
        return f'engine {name}, {what}', verdict

    def _kill_engine(self, dice: Random) -> tuple[str, Verdict]:
        arena, events = self._durable, few(dice)
        known = self._known.setdefault(arena, {})
        if not known:
            known['few'] = commands_of(arena, lambda: arena.push(events), 'drain')

        def kill() -> None:
            self._process.kill()
            self._process.start()
            arena.kills += 1

        (fault,) = points(known['few'], some=1, seed=dice.randrange(10**6))
        arena.empty()
        arena.push(events)
        arena.run('drain', fault, kill)
        arena.drain()
        return f'the engine killed {fault.kind} command {fault.at}', audit(arena.server, events)


@contextmanager
def soaking(seed: str) -> Iterator[Soak]:
    with tempfile.TemporaryDirectory() as directory, ExitStack() as stack:
        yield Soak(stack, Path(directory), seed)


def main(arguments: Sequence[str] | None = None) -> int:
    """Go on until so many were killed; 1 where anything was lost, doubled or counted by half."""
    parser = argparse.ArgumentParser('make soak', description=__doc__)
    parser.add_argument('--rounds', type=int, default=2_000, help='how often something is killed (default 2000)')
    parser.add_argument('--seed', default=str(time.time_ns()), help='repeat the rounds of another run')
    parser.add_argument('--round', type=int, help='the one round of this number, instead of all')
    options = parser.parse_args(arguments)
    print(f'seed {options.seed}', flush=True)
    began, number, bad = time.monotonic(), options.round or 0, 0
    with soaking(options.seed) as soak:
        while soak.kills < options.rounds:
            what, verdict = soak.round(number)
            soak.total += verdict
            if not verdict.good:
                bad += 1
                print(f'round {number} ({what}): {verdict}\n  ' + '\n  '.join(verdict.wrong), flush=True)
                print(f'  repeat it: python -m tests.killing --seed {options.seed} --round {number}', flush=True)
            number += 1
            if options.round is not None:
                break
            if number % 100 == 0:
                print(
                    f'{time.monotonic() - began:.0f} s: kills {soak.kills}, {soak.total}', file=sys.stderr, flush=True
                )
        print(f'counted once besides, of what was sent and never acknowledged: {soak.total.besides}')
        print(f'kills {soak.kills}, {soak.total}')
        return int(bad > 0)


if __name__ == '__main__':
    raise SystemExit(main())
