"""``hailwhale doctor``: whether everything that is needed is there and well."""

from __future__ import annotations

import statistics
import sys
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator
from importlib.resources import files
from pathlib import Path
from typing import NamedTuple

from hailwhale.cli.options import settings_of
from hailwhale.errors import HailWhaleError, SettingsError, StorageError
from hailwhale.settings import SETTINGS, Settings, hide_secrets
from hailwhale.storage.conditions import read_info

OK, WARN, FAIL = 'OK', 'WARN', 'FAIL'
_PINGS = 20
_SLOW_MS = 5.0
_APART_WARN, _APART_FAIL = 2.0, 3_600.0


class Finding(NamedTuple):
    """One line: how it is, what it is about, what was found and, unless it is well, the way out."""

    level: str
    about: str
    text: str


def doctor_options(parser: ArgumentParser) -> None:
    """The options of ``doctor``."""
    parser.set_defaults(run=doctor, settings=tuple(setting.name for setting in SETTINGS if setting.name != 'secret'))


def doctor(arguments: Namespace) -> int:
    """Print what is well and what is not; 1 when something has failed."""
    failed = False
    for finding in examine(arguments):
        print(f'{finding.level:4}  {finding.about:11}  {finding.text}', flush=True)
        failed = failed or finding.level == FAIL
    return int(failed)


def examine(arguments: Namespace) -> Iterator[Finding]:
    """All findings, in order."""
    yield _versions()
    yield _page(Path(str(files('hailwhale'))) / 'static' / 'index.html')
    try:
        settings = settings_of(arguments)
    except SettingsError as error:
        yield Finding(FAIL, 'settings', error.message)
        return
    yield from _settings(settings)
    try:
        yield from _engine(settings)
    except HailWhaleError as error:
        yield Finding(FAIL, 'engine', error.message)


def _versions() -> Finding:
    import hailwhale

    python = '.'.join(map(str, sys.version_info[:3]))
    return Finding(OK, 'hailwhale', f'{hailwhale.__version__} on Python {python}, {sys.platform}')


def _page(page: Path) -> Finding:
    if page.is_file():
        return Finding(OK, 'page', 'built')
    return Finding(WARN, 'page', 'not built: the page at / is missing (in a checkout: make page)')


def _settings(settings: Settings) -> Iterator[Finding]:
    for setting in SETTINGS:
        value = getattr(settings, setting.name)
        shown = ' '.join(map(str, value)) if isinstance(value, tuple) else hide_secrets(str(value))
        if setting.name == 'secret' and shown:
            shown = '***'
        yield Finding(OK, 'setting', f'{setting.name} = {shown or "none"}')
    if settings.zones:
        yield Finding(OK, 'zones', f'{len(settings.zones)} of {len(settings.zones)} known: their days are counted')


def _engine(settings: Settings) -> Iterator[Finding]:
    from hailwhale.whale import Whale

    with Whale(settings=settings) as whale:
        engine = whale.storage.engine
        shards = {engine.place.node(shard).address: shard for shard in range(63, -1, -1)}
        for address, shard in shards.items():
            yield from examine_node(
                hide_secrets(address), _asking(lambda *command, shard=shard: engine.ask(shard, *command))
            )
        kept = ' '.join(str(slots.retention) for slots in whale.kept.intervals)
        yield Finding(OK, 'counters', f'{len(whale.pks())} names counted; kept: {kept}')


Ask = Callable[..., object]


def _asking(ask: Ask) -> Ask:
    return ask


def examine_node(address: str, ask: Ask) -> Iterator[Finding]:
    """What one engine process says of itself.  ``ask`` sends a command and answers its reply."""
    info = read_info(ask('INFO'))
    yield _version(address, info)
    yield _role(info)
    yield _persistence(info)
    yield _memory(info)
    yield _eviction(info)
    yield Finding(OK, 'keys', f'{ask("DBSIZE"):,}')
    yield _latency(ask)
    yield _clock(ask)


def _version(address: str, info: dict[str, str]) -> Finding:
    name = 'Valkey' if 'valkey_version' in info else 'Redis'
    version = info.get('valkey_version') or info.get('redis_version', '?')
    text = f'{name} {version} at {address}'
    major = info.get('redis_version', '0').split('.')[0]
    if not major.isdigit() or int(major) < 7:
        return Finding(FAIL, 'engine', f'{text} is too old: 7.0 or newer is needed')
    return Finding(OK, 'engine', text)


def _role(info: dict[str, str]) -> Finding:
    if info.get('role') == 'slave':
        return Finding(
            FAIL, 'role', f'a replica, which takes no counts: name {info.get("master_host")} in HAILWHALE_URL'
        )
    return Finding(OK, 'role', 'primary')


def _persistence(info: dict[str, str]) -> Finding:
    if info.get('aof_enabled') == '1':
        if info.get('aof_last_write_status', 'ok') != 'ok':
            return Finding(FAIL, 'persistence', 'the append-only file cannot be written: look at the disk')
        return Finding(OK, 'persistence', 'append-only file: a crash loses about a second at the most')
    if info.get('rdb_last_bgsave_status', 'ok') != 'ok':
        return Finding(FAIL, 'persistence', 'the last snapshot failed: look at the disk')
    return Finding(
        WARN,
        'persistence',
        'no append-only file: a crash loses all since the last snapshot (CONFIG SET appendonly yes)',
    )


def _memory(info: dict[str, str]) -> Finding:
    used, most = int(info.get('used_memory', 0)), int(info.get('maxmemory', 0))
    text = f'{used / 2**20:,.1f} MB used' + (f' of {most / 2**20:,.1f}' if most else '')
    if most and used >= most:
        return Finding(FAIL, 'memory', f'{text}: full, nothing is counted any more (raise maxmemory)')
    if most and used > 0.9 * most:
        return Finding(WARN, 'memory', f'{text}: nearly full, and then nothing is counted any more (raise maxmemory)')
    return Finding(OK, 'memory', text)


def _eviction(info: dict[str, str]) -> Finding:
    policy = info.get('maxmemory_policy', 'unknown')
    if policy == 'noeviction':
        return Finding(OK, 'eviction', policy)
    level = FAIL if int(info.get('maxmemory', 0)) else WARN
    return Finding(
        level, 'eviction', f'{policy}: a full engine would drop counters (CONFIG SET maxmemory-policy noeviction)'
    )


def _latency(ask: Ask) -> Finding:
    times = []
    for _ in range(_PINGS):
        began = time.perf_counter()
        ask('PING')
        times.append((time.perf_counter() - began) * 1000)
    text = f'{statistics.median(times):.2f} ms a round trip ({max(times):.2f} at the most)'
    if statistics.median(times) > _SLOW_MS:
        return Finding(WARN, 'latency', f'{text}: each question takes a few (bring the engine nearer)')
    return Finding(OK, 'latency', text)


def _clock(ask: Ask) -> Finding:
    try:
        reply = ask('TIME')
    except StorageError as error:
        return Finding(WARN, 'clock', f'cannot be compared: {error.message}')
    assert isinstance(reply, list)
    apart = abs(time.time() - float(reply[0]) - float(reply[1]) / 1e6)
    if apart > _APART_WARN:
        level = FAIL if apart > _APART_FAIL else WARN
        return Finding(
            level, 'clock', f'{apart:,.0f} s apart from that of the engine, which ends counters by its own (use NTP)'
        )
    return Finding(OK, 'clock', 'that of the engine agrees')
