"""Rounds: something is killed, then everything is drained undisturbed, then the books are held against the counters."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any

from hailwhale import Hail, Whale
from hailwhale.settings import Settings
from hailwhale.storage import shard_of
from hailwhale.storage.keys import hits_key
from tests.engines import Server
from tests.killing.ledger import SETTINGS, Sale, Verdict, audit, few, flood, sales
from tests.killing.nursery import Child, Nursery
from tests.killing.proxy import KINDS, Address, Fault, Proxy
from tests.storage.stores import NOW

#: What happens at a fault point: the client is killed; it is cut off, and lives; another drains before it goes on; both
#: the second and the first.
ACTS = ('kill', 'cut', 'overtake', 'fight')
#: What nobody of ours writes.
POISON = (
    b'rubbish',
    b'',
    b'\xff\xfe\x00',
    b'["signup"]',
    b'4102444800\tsignup\t\thits 1' + b'0' * 90,
    b'1e999\tsignup\t\thits 1000000',
    b'-4102444800\tsignup\t\thits 1000000',
    b'4102444800\t\t\thits 1000000',
    b'[["signup"], [[]], 1e99, {"hits": 1}, null]',
    b'\t' * 50,
    b'a\r\n$5\r\nb\r\n*3\r\n',
    b'[' * 50_000,
)


def addresses(server: Server) -> list[Address]:
    """Where the processes of an engine listen."""
    found: list[Address] = []
    for node in server.nodes:
        given = node.connection_pool.connection_kwargs
        found.append(given['path'] if 'path' in given else ('127.0.0.1', given['port']))
    return found


class Arena:
    """An engine, a proxy in front of it, and children that are killed while they talk through it."""

    def __init__(self, server: Server, nursery: Nursery) -> None:
        self.server = server
        self.nursery = nursery
        self.kills = 0
        self.proxy = Proxy(addresses(server))
        self.proxy.listen(nursery.fileno(), nursery.hear)
        self.hail = self.hail_at(NOW)

    def hail_at(self, now: float, **settings: Any) -> Hail:
        """A hail of this process, not through the proxy, with its clock at a moment."""
        return Hail(Whale(self.server.url, settings=Settings.load({}, **SETTINGS | settings), clock=lambda: now))

    def close(self) -> None:
        self.proxy.close()
        self.hail.whale.close()

    def empty(self) -> None:
        """As if nothing had ever been counted: the engine has even forgotten its scripts."""
        self.server.empty()
        for node in self.server.nodes:
            node.script_flush()

    def push(self, sales: Sequence[Sale]) -> None:
        self.hail.push_many([sale.given for sale in sales])

    def poison(self, pk: str = 'signup') -> int:
        """Put texts into a list that no event of ours looks like; how many."""
        shard = shard_of((pk,))
        self.hail.whale.storage.engine.ask(shard, 'RPUSH', hits_key(shard), *POISON)
        return len(POISON)

    def start(self, job: str, *, direct: bool = False, **given: Any) -> Child:
        """A child at work, through the proxy unless ``direct``."""
        url = self.server.url if direct else self.proxy.url
        return self.nursery.start(job, **{'url': url, 'now': NOW, 'settings': SETTINGS} | given)

    def run(
        self, job: str, fault: Fault | None = None, act: str | Callable[[], object] = 'kill', **given: Any
    ) -> Child:
        """A child at work until it ends; at the fault it meets its fate."""
        child: Child

        def strike() -> None:
            if callable(act):
                act()
            if act in ('overtake', 'fight'):
                self.hail.drain(3)
            if act in ('kill', 'fight'):
                child.kill()
                self.kills += 1
            if act in ('kill', 'fight', 'cut'):
                self.proxy.cut()

        self.proxy.arm(fault, strike)
        child = self.start(job, **given)
        self.proxy.serve(lambda: child.ended)
        assert 'crash' not in child.said, child.said['crash']
        assert child.status == (-9 if act in ('kill', 'fight') and fault and not self.proxy.fault else 0)
        return child

    def drain(self) -> None:
        """Drain all there is, undisturbed."""
        while self.hail.drain():
            pass


@contextmanager
def arena_of(server: Server, nursery: Nursery) -> Iterator[Arena]:
    arena = Arena(server, nursery)
    try:
        yield arena
    finally:
        arena.close()


def commands_of(arena: Arena, prepare: Callable[[], object], job: str, **given: Any) -> int:
    """How many commands a job needs where nobody disturbs it."""
    arena.empty()
    prepare()
    arena.run(job, **given)
    return len(arena.proxy.names)


def points(commands: int, *, some: int | None = None, seed: int = 1, kinds: Sequence[str] = KINDS) -> list[Fault]:
    """Every fault point of so many commands, or some of them."""
    every = [Fault(kind, at) for at in range(1, commands + 1) for kind in kinds]
    return every if some is None else Random(seed).sample(every, min(some, len(every)))


def drain_round(arena: Arena, fault: Fault, act: str, events: Sequence[Sale], *, poisoned: bool = False) -> Verdict:
    """A drainer meets its fate at a fault point; then another drains undisturbed."""
    arena.empty()
    arena.push(events)
    dead = arena.poison() if poisoned else 0
    arena.run('drain', fault, act)
    arena.drain()
    return audit(arena.server, events, dead=dead)


def push_round(arena: Arena, fault: Fault, act: str, events: Sequence[Sale], *, tries: int = 1) -> Verdict:
    """A pusher meets its fate; one whose events have ids is started again until it was told that they are kept."""
    arena.empty()
    given = [sale.given for sale in events]
    child = arena.run('push', fault, act, events=given, tries=tries)
    if 'did' not in child.said and tries > 1:
        child = arena.run('push', events=given, tries=tries)
        assert 'did' in child.said, child.said
    arena.drain()
    if 'did' in child.said:
        return audit(arena.server, events)
    return audit(arena.server, (), events)


class Pusher:
    """A child that pushes, how far it has come, and whoever takes its place when it is killed."""

    def __init__(self, arena: Arena, events: Sequence[Sale], log: Path, *, batch: int = 10, **given: Any) -> None:
        self.events = events
        self._arena = arena
        self._log = log
        self._batch = batch
        self._given = given
        self.child = self._start(0)

    def _start(self, first: int) -> Child:
        given = [sale.given for sale in self.events]
        return self._arena.start(
            'push_on', direct=True, events=given, first=first, batch=self._batch, log=str(self._log), **self._given
        )

    def kill(self) -> None:
        """Kill the child; another goes on: after what it was told is kept, or without ids after all that it tried."""
        self.child.kill()
        tried, told = self.books()
        # With ids, what was tried and not answered is pushed again.
        self.child = self._start(max([0, *(told if self.events[0].id else tried)]))

    def books(self) -> tuple[dict[int, int], dict[int, float]]:
        """The batches that were tried, by the place after their last event, with the first; when each was told."""
        tried, told = {}, {}
        for line in self._log.read_text().splitlines() if self._log.exists() else []:
            first, end, *moment = line.split()
            tried[int(end)] = int(first)
            if moment:
                told[int(end)] = float(moment[0])
        return tried, told

    def moments(self) -> dict[Sale, float]:
        """When each event was acknowledged."""
        tried, told = self.books()
        return {sale: moment for end, moment in told.items() for sale in self.events[tried[end] : end]}

    def parted(self) -> tuple[list[Sale], list[Sale]]:
        """The events that were acknowledged, and those that were only tried."""
        tried, told = self.books()
        sure = [sale for end, first in tried.items() if end in told for sale in self.events[first:end]]
        unsure = [sale for end, first in tried.items() if end not in told for sale in self.events[first:end]]
        return sure, unsure


def load_round(
    arena: Arena, dice: Random, directory: Path, *, kills: int, events: int = 1_000, pause: float = 0.03
) -> Verdict:
    """Two who push and two who drain, of whom one is killed at a random moment, again and again."""
    arena.empty()
    pushers = []
    for number, ids in enumerate((1.0, 0.0)):
        log = directory / f'{time.monotonic_ns()}'
        pushers.append(Pusher(arena, sales(dice, events, ids=ids, first=number * events, plain=True), log))
    drainers = [arena.start('drain_on', direct=True) for _ in range(2)]
    for _ in range(kills):
        time.sleep(dice.random() * 2 * pause)
        victim = dice.randrange(4)
        if victim < 2:
            pushers[victim].kill()
        else:
            drainers[victim - 2].kill()
            drainers[victim - 2] = arena.start('drain_on', direct=True)
        arena.kills += 1
    for pusher in pushers:
        pusher.child.wait()
    for drainer in drainers:
        drainer.kill()
    arena.drain()
    parted = [pusher.parted() for pusher in pushers]
    return audit(
        arena.server, [sale for sure, _ in parted for sale in sure], [sale for _, unsure in parted for sale in unsure]
    )


def random_round(arena: Arena, dice: Random, known: dict[str, int]) -> tuple[str, Verdict]:
    """One of the rounds above at a random point; what it was.  ``known``: how many commands each needs, so far."""
    (what,) = dice.choices(('few', 'many', 'poison', 'push', 'retry', 'flood'), (20, 20, 20, 20, 20, 1))
    act = dice.choice(('kill', 'kill', 'fight'))
    if what not in known:
        known[what] = _commands_of(arena, what, _events(what, Random(0)))
    events = _events(what, dice)
    fault = Fault(dice.choice(KINDS), dice.randint(1, known[what]))
    if what in ('push', 'retry'):
        verdict = push_round(arena, fault, 'kill', events, tries=20 if what == 'retry' else 1)
    else:
        verdict = drain_round(arena, fault, act, events, poisoned=what == 'poison')
    return f'{what}, {act} {fault.kind} command {fault.at}', verdict


def _events(what: str, dice: Random) -> list[Sale]:
    if what == 'flood':
        return flood(dice)
    if what == 'many':
        return sales(dice, 30, ids=0.3, alike=0.3)
    return [sale for sale in few(dice) if sale.id or what != 'retry']


def _commands_of(arena: Arena, what: str, events: Sequence[Sale]) -> int:
    """How many commands a round of this kind needs, more or less; behind the last one nobody is killed."""
    if what in ('push', 'retry'):
        return commands_of(arena, lambda: None, 'push', events=[sale.given for sale in events])
    return commands_of(arena, lambda: arena.push(events), 'drain')
