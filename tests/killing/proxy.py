"""A proxy that knows where each command ends, and can stop the world before, within or after any one of them.

It serves in the caller's own thread, and only while `Proxy.serve` runs: what happens at a fault point happens while
nothing else moves, so a round can be repeated exactly.
"""

from __future__ import annotations

import selectors
import socket
import struct
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import NamedTuple

from tests.engines import PATIENCE
from tests.killing.resp import command_end, command_name, reply_end

Address = str | tuple[str, int]  # a unix socket's path, or host and port

#: Where a command can be stopped: the engine never sees it, sees half of it, or does it and nobody hears of it.
KINDS = ('before', 'within', 'after')


class Fault(NamedTuple):
    """A point in the talk between a client and the engine: the ``at``-th command since the proxy was armed, from 1."""

    kind: str
    at: int


@dataclass(eq=False)
class Pair:
    """A client's connection and the one to the engine that belongs to it."""

    client: socket.socket
    engine: socket.socket
    asked: bytearray = field(default_factory=bytearray)  #: of the client, not passed on yet
    answered: bytearray = field(default_factory=bytearray)  #: of the engine, not yet a whole reply
    told: bytearray = field(default_factory=bytearray)  #: for the client, not sent yet
    names: list[str] = field(default_factory=list)  #: commands that the engine has not answered yet


class Proxy:
    """Listens at ``ports``, one for each engine process behind it; what says where those are is rewritten."""

    def __init__(self, engines: Sequence[Address]) -> None:
        self.names: list[str] = []  #: the commands since it was armed
        self.fault: Fault | None = None
        self._act: Callable[[], object] = lambda: None
        self._engines = engines
        self._pairs: list[Pair] = []
        self._selector = selectors.DefaultSelector()
        self._listeners = [socket.create_server(('127.0.0.1', 0)) for _ in engines]
        self.ports: list[int] = [listener.getsockname()[1] for listener in self._listeners]
        self._held: Pair | None = None
        self._command = b''
        self._withheld = b''
        for listener, engine in zip(self._listeners, engines, strict=True):
            self._selector.register(listener, selectors.EVENT_READ, (self._accept, (listener, engine)))

    @property
    def url(self) -> str:
        """The address to give to a client."""
        if len(self.ports) == 1:
            return f'redis://127.0.0.1:{self.ports[0]}/0'
        return 'redis+cluster://' + ','.join(f'127.0.0.1:{port}' for port in self.ports)

    def arm(self, fault: Fault | None = None, act: Callable[[], object] = lambda: None) -> None:
        """Begin to number commands; at ``fault`` everything stands still while ``act`` runs, and then goes on."""
        self.cut()
        self.names, self.fault, self._act = [], fault, act

    def listen(self, fd: int, heard: Callable[[], object]) -> None:
        """Call ``heard`` whenever there is something to read."""
        self._selector.register(fd, selectors.EVENT_READ, (heard, ()))

    def serve(self, until: Callable[[], object], *, seconds: float = PATIENCE) -> None:
        """Pass on what is said until something is true."""
        deadline = time.monotonic() + seconds
        while not until():
            assert time.monotonic() < deadline, f'not within {seconds} s; the last commands: {self.names[-5:]}'
            for key, events in self._selector.select(0.05):
                act, given = key.data
                if events & selectors.EVENT_WRITE:
                    self._tell(*given)
                if events & selectors.EVENT_READ:
                    act(*given)

    def cut(self) -> None:
        """Reset all connections, in both directions."""
        for pair in list(self._pairs):
            self._drop(pair)

    def close(self) -> None:
        self.cut()
        for listener in self._listeners:
            listener.close()
        self._selector.close()

    # -- connections -------------------------------------------------------------------------------------------------

    def _accept(self, listener: socket.socket, address: Address) -> None:
        client, _ = listener.accept()
        engine = socket.socket(socket.AF_UNIX if isinstance(address, str) else socket.AF_INET)
        try:
            engine.connect(address)
        except OSError:
            # Nobody there: the client finds the same.
            client.close()
            engine.close()
            return
        for each in (client, engine):
            if each.family != socket.AF_UNIX:
                each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        client.setblocking(False)
        pair = Pair(client, engine)
        self._pairs.append(pair)
        self._selector.register(client, selectors.EVENT_READ, (self._hear_client, (pair,)))
        self._selector.register(engine, selectors.EVENT_READ, (self._hear_engine, (pair,)))

    def _drop(self, pair: Pair) -> None:
        if pair not in self._pairs:
            return
        self._pairs.remove(pair)
        for each in (pair.client, pair.engine):
            self._selector.unregister(each)
            # A reset, not an orderly end.
            each.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
            each.close()
        if self._held is pair:
            self._held = None
        self._go_on()

    def _receive(self, pair: Pair, side: socket.socket) -> bytes:
        """What one side said; b'' when the pair has ended, or had done so."""
        if pair not in self._pairs:
            return b''
        data = b''
        with suppress(BlockingIOError):
            try:
                data = side.recv(1 << 18)
            except (ConnectionError, TimeoutError):
                data = b''
            if not data:
                self._drop(pair)
        return data

    # -- what is said ------------------------------------------------------------------------------------------------

    def _hear_client(self, pair: Pair) -> None:
        pair.asked += self._receive(pair, pair.client)
        self._pass_on(pair)

    def _hear_engine(self, pair: Pair) -> None:
        pair.answered += self._receive(pair, pair.engine)
        while pair.names and (end := reply_end(pair.answered)) is not None:
            reply, name = self._rewritten(bytes(pair.answered[:end]), pair.names[0]), pair.names.pop(0)
            del pair.answered[:end]
            if self._held is pair and not pair.names and self.fault and self.fault.kind == 'after':
                self._withheld = reply
            else:
                pair.told += reply
            del name
        self._tell(pair)
        self._fire()

    def _rewritten(self, reply: bytes, name: str) -> bytes:
        """A reply that says where the others are says: behind the proxy."""
        if len(self.ports) > 1 and (name.startswith('CLUSTER') or reply.startswith((b'-MOVED', b'-ASK'))):
            for port, engine in zip(self.ports, self._engines, strict=True):
                assert isinstance(engine, tuple)
                reply = reply.replace(b':%d\r\n' % engine[1], b':%d\r\n' % port)
        return reply

    def _tell(self, pair: Pair) -> None:
        if pair not in self._pairs:
            return
        try:
            with suppress(BlockingIOError):
                del pair.told[: pair.client.send(pair.told)]
        except ConnectionError:
            self._drop(pair)
            return
        wanted = selectors.EVENT_READ | (selectors.EVENT_WRITE if pair.told else 0)
        key = self._selector.get_key(pair.client)
        if key.events != wanted:
            self._selector.modify(pair.client, wanted, key.data)

    def _pass_on(self, pair: Pair) -> None:
        """Pass on what a client has asked, up to the fault."""
        block = bytearray()
        while self._held is None and (end := command_end(pair.asked)) is not None:
            command = bytes(pair.asked[:end])
            del pair.asked[:end]
            self.names.append(command_name(command))
            if self.fault and len(self.names) == self.fault.at:
                self._held, self._command, self._withheld = pair, command, b''
                if self.fault.kind != 'after':
                    break
            pair.names.append(self.names[-1])
            block += command
        self._send(pair, block)
        self._fire()

    def _send(self, pair: Pair, data: bytes | bytearray) -> None:
        if data and pair in self._pairs:
            try:
                pair.engine.sendall(data)
            except ConnectionError:
                self._drop(pair)

    # -- the fault ---------------------------------------------------------------------------------------------------

    def _fire(self) -> None:
        """Act, once all that came before is done and answered."""
        pair, fault = self._held, self.fault
        if pair is None or fault is None or any(each.names for each in self._pairs):
            return
        self.fault = None
        half = len(self._command) // 2 if fault.kind == 'within' else 0
        self._send(pair, self._command[:half])
        self._act()
        if self._held is not pair:
            return
        if fault.kind == 'after':
            pair.told += self._withheld
            self._tell(pair)
        else:
            pair.names.append(self.names[-1])
            self._send(pair, self._command[half:])
        self._held = None
        self._go_on()

    def _go_on(self) -> None:
        for pair in list(self._pairs):
            self._pass_on(pair)
