"""Settings: one table, from which the environment, the flags of the command line and the docs page are read."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from hailwhale.errors import InvalidInput, SettingsError
from hailwhale.intervals import DAY, WEEKDAYS
from hailwhale.lengths import Last
from hailwhale.limits import Limits
from hailwhale.periods import DEFAULT_PERIODS, Period, Retention
from hailwhale.times import shown, zone

__all__ = ['SETTINGS', 'Setting', 'Settings', 'hide_secrets']

_DATA_HOME = '~/.local/share'
_SIZE = re.compile(r'(\d{1,12})\s*([km]?)b?', re.ASCII | re.IGNORECASE)
_COUNT = re.compile(r'(\d{1,12})([km]?)', re.ASCII | re.IGNORECASE)
_SECRET = re.compile(r'\d{1,3}:[A-Za-z0-9_-]{43}', re.ASCII)
_ORIGIN = re.compile(r'https?://[A-Za-z0-9.-]+(?::\d{1,5})?|https?://\[[0-9A-Fa-f:.]+\](?::\d{1,5})?', re.ASCII)
# To the last '@': a password that nobody escaped may hold one, or a '/'.
_LOGIN = re.compile(r'://(?:([^:@/]*):)?.*@', re.DOTALL)
_SECRET_OPTION = re.compile(r'((?:password|secret|token)=)[^&#\s]*', re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Setting:
    """One row of the table.  ``default`` is a text as the environment would have it; ``parse`` raises ValueError."""

    name: str
    env: str
    default: str
    parse: Callable[[str], object]
    help: str


@dataclass(frozen=True, slots=True, repr=False)
class Settings:
    """All settings, read and checked.

    >>> settings = Settings.load({'HAILWHALE_PORT': '9000'}, zones=['Asia/Tokyo'])
    >>> settings.port, settings.zones
    (9000, ('Asia/Tokyo',))
    """

    url: str
    home: Path
    zones: tuple[str, ...]
    keep: tuple[Retention, ...]
    periods: tuple[str, ...]
    week_start: int
    important: float
    cache_seconds: float
    host: str
    port: int
    cors: tuple[str, ...]
    boards: Path | None
    max_body: int
    timeout: float
    max_inflated: int
    max_batch: int
    max_name: int
    max_depth: int
    max_nodes: int
    max_metrics: int
    max_children: int
    max_backlog: int
    max_streams: int
    ids_kept: int
    max_ids: int
    spy: int
    spy_kept: int
    replicas: int
    secret: str

    @classmethod
    def load(cls, environ: Mapping[str, str] | None = None, **overrides: object) -> Settings:
        """Read the settings: an override, else the environment, else the default.

        Overrides go by a setting's name, as a text or as the value itself; None is no override.  ``environ`` is that of
        the process unless given; an empty variable counts as not set.  Raises `SettingsError`.
        """
        environ = os.environ if environ is None else environ
        _check_names(overrides)
        values = {setting.name: _read(setting, environ, overrides.get(setting.name)) for setting in SETTINGS}
        settings = cls(**values)  # type: ignore[arg-type] # each row parses to the type of its field: a test compares
        return replace(settings, keep=tuple(_with_weeks(kept, settings.week_start) for kept in settings.keep))

    @property
    def limits(self) -> Limits:
        """What one event may hold."""
        return Limits(self.max_name, self.max_depth, self.max_nodes, self.max_metrics)

    def __repr__(self) -> str:
        fields = {name: getattr(self, name) for name in self.__slots__} | {
            'url': hide_secrets(self.url),
            'secret': '***' if self.secret else '',
        }
        return f'Settings({", ".join(f"{name}={value!r}" for name, value in fields.items())})'


def hide_secrets(text: str) -> str:
    """An address without its password, for messages and logs.

    >>> hide_secrets('redis://me:secret@db:6379/0'), hide_secrets('redis://db?password=secret&db=1')
    ('redis://me:***@db:6379/0', 'redis://db?password=***&db=1')
    """
    return _SECRET_OPTION.sub(r'\1***', _LOGIN.sub(_hidden_login, text))


def _hidden_login(match: re.Match[str]) -> str:
    return '://***@' if match[1] is None else f'://{match[1]}:***@'


def _check_names(overrides: Iterable[str]) -> None:
    names = [setting.name for setting in SETTINGS]
    for name in overrides:
        if name not in names:
            raise SettingsError(f'no such setting: {name!r} (there are {", ".join(names)})', field=name)


def _read(setting: Setting, environ: Mapping[str, str], override: object) -> object:
    given, source = _text(override), setting.name
    if override is None:
        given, source = environ.get(setting.env, '').strip(), setting.env
        given = given or _default(setting, environ)
    try:
        return setting.parse(given)
    except (ValueError, RuntimeError) as error:
        cause = error.message if isinstance(error, InvalidInput) else str(error)
        value = "'***'" if setting.name == 'secret' else shown(hide_secrets(given))
        raise SettingsError(f'{source} cannot be {value}: {hide_secrets(cause)}', field=setting.name) from None


def _text(value: object) -> str:
    if isinstance(value, list | tuple):
        return ','.join(str(item) for item in value)
    return str(value).strip()


def _default(setting: Setting, environ: Mapping[str, str]) -> str:
    data_home = environ.get('XDG_DATA_HOME', '')
    # What is not absolute is to be ignored, says the XDG base directory specification.
    if setting.name == 'home' and data_home.startswith('/'):
        return f'{data_home}/hailwhale'
    return setting.default


def _with_weeks(kept: Retention, week_start: int) -> Retention:
    if kept.interval.unit != 'w' or kept.interval.week_start:
        return kept
    return replace(kept, interval=replace(kept.interval, week_start=week_start))


def _words(text: str) -> list[str]:
    return [word for word in re.split(r'[\s,]+', text) if word]


def _url(text: str) -> str:
    if text and ('://' not in text or re.search(r'\s', text)):
        raise ValueError('try redis://localhost:6379/0, unix:///run/valkey.sock, or nothing for the bundled engine')
    return text


def _home(text: str) -> Path:
    if not text or '\0' in text:
        raise ValueError('name a directory, such as /var/lib/hailwhale')
    return Path(text).expanduser().absolute()


def _zones(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(zone(word) for word in _words(text)))


def _periods(text: str) -> tuple[str, ...]:
    periods = tuple(dict.fromkeys(Period.parse(word).name for word in _words(text)))
    if not periods:
        raise ValueError('name at least one period, such as 1h:7d')
    return periods


def _week_start(text: str) -> int:
    day = text.lower()
    if day in ('0', '1', '2', '3', '4', '5', '6'):
        return int(day)
    names = ('monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday')
    if day not in names and day not in WEEKDAYS:
        raise ValueError('try monday or sunday, or 0 for Monday to 6 for Sunday')
    return WEEKDAYS.index(day[:3])


def _number(text: str, *, least: float, most: float) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not least <= number <= most:
        raise ValueError(f'a number from {least:g} to {most:g} is needed')
    return number


def _important(text: str) -> float:
    return _number(text, least=0, most=1)


def _cache_seconds(text: str) -> float:
    return _number(text, least=0, most=86_400)


def _timeout(text: str) -> float:
    return _number(text, least=0.001, most=3_600)


def _host(text: str) -> str:
    if not text or re.search(r'[\s/@]', text):
        raise ValueError('try 127.0.0.1, ::1, or 0.0.0.0 for all interfaces')
    return text


def _port(text: str) -> int:
    if not re.fullmatch(r'[0-9]{1,5}', text) or int(text) > 65_535:
        raise ValueError('a number from 0 to 65535 is needed; 0 takes any free port')
    return int(text)


def _cors(text: str) -> tuple[str, ...]:
    origins = tuple(dict.fromkeys(word.rstrip('/').lower() for word in _words(text)))
    for origin in origins:
        if origin != '*' and not _ORIGIN.fullmatch(origin):
            raise ValueError(f'not an origin: {origin!r} (try https://example.org)')
    return origins


def _boards(text: str) -> Path | None:
    if '\0' in text:
        raise ValueError('name a directory, such as /etc/hailwhale/boards')
    return Path(text).expanduser().absolute() if text else None


def _size(text: str) -> int:
    match = _SIZE.fullmatch(text)
    size = int(match[1]) * {'': 1, 'k': 1024, 'm': 1024**2}[match[2].lower()] if match else 0
    if not 1_024 <= size <= 1024**3:
        raise ValueError('a number of bytes from 1024 to 1024m is needed; try 1m')
    return size


def _whole(least: int, most: int) -> Callable[[str], int]:
    """Reads a whole number between two; ``k`` and ``m`` are thousands and millions."""

    def read(text: str) -> int:
        match = _COUNT.fullmatch(text)
        count = int(match[1]) * {'': 1, 'k': 1_000, 'm': 1_000_000}[match[2].lower()] if match else -1
        if not least <= count <= most:
            raise ValueError(f'a whole number from {least} to {most} is needed')
        return count

    return read


def _seconds(text: str) -> int:
    """A length of time from a minute to a month, in seconds."""
    seconds = Last.parse(text).seconds
    if not 60 <= seconds <= 31 * DAY:
        raise ValueError('a length of time from 1m to 31d is needed')
    return seconds


def _secret(text: str) -> str:
    words = _words(text)
    numbers = [word.partition(':')[0] for word in words]
    if not all(map(_SECRET.fullmatch, words)) or len(set(numbers)) < len(words) or any(int(n) > 255 for n in numbers):
        raise ValueError(
            'NUMBER:KEY is needed, the numbers from 0 to 255, each once, the keys 43 characters of base64 (make one '
            'with hailwhale secret)'
        )
    return ' '.join(words)


#: Every setting, in the order of the docs page.
SETTINGS = (
    Setting(
        'url',
        'HAILWHALE_URL',
        '',
        _url,
        'Address of the engine, ``redis://localhost:6379/0``. None: the bundled engine.',
    ),
    Setting(
        'home',
        'HAILWHALE_HOME',
        f'{_DATA_HOME}/hailwhale',
        _home,
        'Directory of the bundled engine and its data; ``hailwhale`` below ``XDG_DATA_HOME`` where that is set.',
    ),
    Setting('zones', 'HAILWHALE_ZONES', '', _zones, 'Time zones whose days, weeks and months are counted as such.'),
    Setting(
        'keep',
        'HAILWHALE_KEEP',
        '1m:1d 1h:35d 1d:13mo',
        Retention.parse_list,
        'Intervals that are counted, and how long each is kept.',
    ),
    Setting(
        'periods',
        'HAILWHALE_PERIODS',
        ' '.join(DEFAULT_PERIODS),
        _periods,
        'Periods that totals answer when none is named.',
    ),
    Setting('week_start', 'HAILWHALE_WEEK_START', 'monday', _week_start, 'The day on which weeks begin.'),
    Setting(
        'important',
        'HAILWHALE_IMPORTANT',
        '0.1',
        _important,
        'The share of its parent, from 0 to 1, from which a child counts as important in a ranking.',
    ),
    Setting(
        'cache_seconds', 'HAILWHALE_CACHE_SECONDS', '60', _cache_seconds, 'How long cached totals and plotpoints live.'
    ),
    Setting('host', 'HAILWHALE_HOST', '127.0.0.1', _host, 'Address on which the servers listen.'),
    Setting('port', 'HAILWHALE_PORT', '8085', _port, 'Port on which the servers listen; 0 takes any free one.'),
    Setting(
        'cors', 'HAILWHALE_CORS', '', _cors, 'Origins whose pages may ask, ``https://example.org``; ``*`` means all.'
    ),
    Setting(
        'boards',
        'HAILWHALE_BOARDS',
        '',
        _boards,
        'Directory of boards, ``*.board.json``, that the page shows to everybody; they are only read.',
    ),
    Setting(
        'max_body', 'HAILWHALE_MAX_BODY', '1m', _size, 'Most bytes in the body of a request; ``k`` and ``m`` are read.'
    ),
    Setting('timeout', 'HAILWHALE_TIMEOUT', '5', _timeout, 'Seconds that the engine may take to answer.'),
    Setting(
        'max_inflated',
        'HAILWHALE_MAX_INFLATED',
        '16m',
        _size,
        'Most bytes in the body of a request once it is inflated; ``k`` and ``m`` are read.',
    ),
    Setting('max_batch', 'HAILWHALE_MAX_BATCH', '10000', _whole(1, 1_000_000), 'Most events in one request.'),
    Setting('max_name', 'HAILWHALE_MAX_NAME', '512', _whole(1, 4_096), 'Most bytes in one name of a path.'),
    Setting('max_depth', 'HAILWHALE_MAX_DEPTH', '16', _whole(1, 64), 'Most names in one path.'),
    Setting(
        'max_nodes', 'HAILWHALE_MAX_NODES', '256', _whole(1, 4_096), 'Most dimension nodes that one event may count.'
    ),
    Setting('max_metrics', 'HAILWHALE_MAX_METRICS', '64', _whole(1, 1_024), 'Most metrics of one event.'),
    Setting(
        'max_children',
        'HAILWHALE_MAX_CHILDREN',
        '100000',
        _whole(1, 10_000_000),
        'Most children of one node within 32 days; those beyond are counted as one, ``__other__``.',
    ),
    Setting(
        'max_backlog',
        'HAILWHALE_MAX_BACKLOG',
        '2000000',
        _whole(1, 1_000_000_000),
        'Most events that wait in one of the 64 shards; more are refused until some are drained.',
    ),
    Setting(
        'max_streams',
        'HAILWHALE_MAX_STREAMS',
        '1000',
        _whole(0, 10_000),
        'Most streams that are open in one process of a server; 0 lets none open.',
    ),
    Setting('ids_kept', 'HAILWHALE_IDS_KEPT', '48h', _seconds, 'How long the id of an event is remembered at least.'),
    Setting(
        'max_ids',
        'HAILWHALE_MAX_IDS',
        '10000000',
        _whole(1, 1_000_000_000),
        'Most ids that one of the 64 shards remembers of a day; more are refused until the next day.',
    ),
    Setting('spy', 'HAILWHALE_SPY', '1000', _whole(0, 100_000), 'Events that each spy log holds; 0 keeps none.'),
    Setting('spy_kept', 'HAILWHALE_SPY_KEPT', '1d', _seconds, 'How long a spy log lasts after its last event.'),
    Setting(
        'replicas',
        'HAILWHALE_REPLICAS',
        '0',
        _whole(0, 16),
        'Replicas of the engine that must have a waiting event before it counts as kept.',
    ),
    Setting(
        'secret',
        'HAILWHALE_SECRET',
        '',
        _secret,
        'Keys that seal tokens, ``NUMBER:KEY``, the first one for new tokens. None: keys that the store keeps.',
    ),
)
