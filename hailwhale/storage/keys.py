"""Every key that HailWhale writes, and how names and buckets become fields.  No other file spells a key.

::

    hw:{0}:store                            hash    permanent: the format, and for every interval how long
                                                    it is kept and since when it is counted
    hw:{S}:epoch                            string  permanent: grows with each reset in shard S; a commit that
                                                    resolved names before a reset is tried again after it
    hw:{S}:n:ERA:PK:PARENT                  hash    child name -> number, of one parent; field '' is the next number
    hw:{S}:m:ERA:PK                         hash    metric name -> 1, of one pk; field '': the names of those of which a
                                                    level was set, a blank before each
    hw:{S}:INTERVAL:CHUNK:PK:PARENT:METRIC  hash    the children of one parent over one chunk of buckets:
                                                    field NUMBER * chunk length + offset -> whole amount,
                                                    field -1 - (the same)               -> millionths, where there
                                                    are any
    hw:{S}:ids:DAY                          set     ids of events counted on that day (48 h), 16 bytes of hash for each
    hw:{S}:hits                             list    permanent, until they are counted: waiting events
    hw:{S}:dead                             list    permanent: the last 10,000 events that could not be counted, and
                                                    why
    hw:{S}:seq                              string  permanent: how many waiting events were taken; and 1 for each time
                                                    that they were put in order, or that a slice was put back
    hw:{S}:at:NAME                          string  how far the reader NAME of a file or log has been counted (90 d)
    hw:{S}:spy:pk:NAME                      list    the last events of the pks that begin with NAME, newest first (1 d)
    hw:{S}:spy                              set     which spy logs of pks there are, the first 10,000 (1 d)
    hw:{S}:spy:uid:UID                      list    those of a visitor, as far as they lie in shard S
    hw:{S}:uses:TOKEN                       string  how often a sealed pixel was used; ends with the pixel
    hw:{S}:notes:PK                         zset    annotations of a pk, at most 500, by their moments: the moment, a
                                                    colon and the text; those of all pks have an empty PK, in shard
                                                    0. Ends when the last of them is older than any counter
    hw:{S}:probe                            string  whether the engine takes what is written was asked (60 s)
    hw:{0}:secrets                          hash    permanent: keys that seal tokens, by number, and which is used
    hw:{0}:keys                             hash    permanent: who may write, read and administer, secrets hashed
    hw:{0}:used                             hash    permanent: when each of those keys was last used
    hw:{S}:rate:KEY                         string  what an access key has taken of its rate in the current window
    hw:{S}:rate:KEY:before                  string  and in the one before it; both end with the windows

``{S}`` is the shard, a number below 64: the first segment of a pk chooses it, so a pk's whole tree shares one hash
tag, one cluster slot, and one transaction.  ``PK`` and ``PARENT`` are encoded paths (`hailwhale.paths.encode`):
names are escaped, so none can hold ``:``, end the hash tag early with ``}``, or disable it by being empty.

A dimension node is a child of the node above it: ``('geo', 'UK')`` of pk ``p`` lies under ``PK = p``, ``PARENT =
geo``. The overall node of a pk is a child of the pk above it, under the parent `CHILDREN`, which no encoded path can
equal: the products of ``Product`` lie under ``PK = Product``, ``PARENT = /``.

**Why so.**  The children of one node lie together, so a breakdown, a ranking and the rule of the important child are
one read a chunk, without an index of subdimensions.  Numbers instead of names keep a field at two to five bytes
however long the names are, and small hashes in the engine's compact form.  A table of numbers belongs to one *era*
of 32 days, and expires with the last counter of that era: a name that nothing counts any more is gone with its
counters.

Every key but the permanent ones expires: counters with the last bucket of their chunk.
"""

from __future__ import annotations

import zlib
from datetime import datetime
from functools import lru_cache
from hashlib import blake2b
from typing import NamedTuple

from hailwhale.intervals import DAY, Interval, day_number
from hailwhale.paths import Path, encode, escape
from hailwhale.periods import Retention
from hailwhale.times import clock

SHARDS = 64
#: How long the position of a reader that has stopped is remembered.
POSITION_KEPT = 90 * DAY
#: How many events that could not be counted are remembered in a shard.
DEAD_KEPT = 10_000
#: The parent under which the pks one segment longer lie.  An encoded path is never '/': an empty name encodes as '%'.
CHILDREN = '/'
STORE = 'hw:{0}:store'
SECRETS = 'hw:{0}:secrets'
KEYS = 'hw:{0}:keys'
KEYS_USED = 'hw:{0}:used'
#: Seconds that such a question is remembered.
PROBE_KEPT = 60
#: The child as which those are counted for which a parent has no room.
OTHER = '__other__'
ERA_DAYS = 32
#: Slots of one interval that are computed once; more than any question needs often.
REMEMBERED = 20_000
#: The first Monday of the epoch's week, in days since the epoch.
_FIRST_MONDAY = -3
_QUARTER = 900


class Series(NamedTuple):
    """Where the counters of one node of one pk lie: a child in a group of siblings."""

    shard: int
    group: str
    child: str


class Slot(NamedTuple):
    """Where one bucket of one interval lies."""

    name: str  #: 'INTERVAL:CHUNK', the part of the key
    offset: int  #: of the bucket within the chunk
    length: int  #: buckets in a chunk
    expires: int  #: epoch seconds at which the chunk's key ends
    era: int  #: which table of numbers its fields use


def shard_of(pk: Path) -> int:
    """The shard of a pk: by its first segment alone, so that every prefix and every longer pk shares it."""
    return zlib.crc32(pk[0].encode()) % SHARDS


@lru_cache(maxsize=65_536)
def series(pk: Path, node: Path) -> Series:
    """Where ``node`` of ``pk`` is counted; ``()`` is the overall node.

    >>> series(('Product', '42'), ())
    Series(shard=49, group='Product:/', child='42')
    >>> series(('Product', '42'), ('country', 'US')).group
    'Product/42:country'
    """
    if node:
        return Series(shard_of(pk), group(pk, node[:-1]), escape(node[-1]))
    return Series(shard_of(pk), pk_group(pk[:-1]), escape(pk[-1]))


def series_at(shard: int, pk: str, node: str) -> Series:
    """Where an encoded node of an encoded pk of this shard is counted.

    >>> series_at(49, 'Product/42', 'country/US') == series(('Product', '42'), ('country', 'US'))
    True
    """
    if node:
        parent, _, child = node.rpartition('/')
        return Series(shard, f'{pk}:{parent}', child)
    above, _, child = pk.rpartition('/')
    return Series(shard, f'{above}:{CHILDREN}', child)


def group(pk: Path, parent: Path) -> str:
    """The siblings below a dimension node, as the keys spell them."""
    return f'{encode(pk)}:{encode(parent)}'


def pk_group(pk: Path) -> str:
    """The pks that are one segment longer than ``pk``, as the keys spell them."""
    return f'{encode(pk)}:{CHILDREN}'


def chunk_length(interval: Interval) -> int:
    """How many buckets of ``interval`` share a hash: two hours of minutes, a day of hours, 32 days, a year of
    months."""
    if interval.unit in ('s', 'm'):
        return 120
    return {'h': 24, 'd': ERA_DAYS, 'w': 16, 'mo': 12, 'y': 8}[interval.unit]


def step(interval: Interval) -> int:
    """Seconds in which the running numbers of buckets grow by one; in the mean, where they differ."""
    if interval.unit in ('s', 'm', 'h') and '@' in interval.name:
        # Two hours by clocks that change by one may last only one, but begin at a quarter in every zone.
        return min(interval.width, _QUARTER)
    return interval.width


def ordinal(interval: Interval, start: int) -> int:
    """The running number of the bucket that begins at ``start``: larger for every later bucket, in any zone."""
    if interval.unit in ('s', 'm', 'h'):
        return start // step(interval)
    date = datetime.fromtimestamp(start, clock(interval.zone).tzinfo)
    if interval.unit == 'y':
        return (date.year - 1970) // interval.count
    if interval.unit == 'mo':
        return ((date.year - 1970) * 12 + date.month - 1) // interval.count
    days = day_number(date)
    if interval.unit == 'w':
        return (days - _FIRST_MONDAY) // 7 // interval.count
    return days // interval.count


class Slots:
    """The slots of one kept interval; each is computed once and remembered while it is in use."""

    def __init__(self, retention: Retention) -> None:
        self.retention = retention
        self.interval = retention.interval
        self.name = escape(retention.interval.name)
        self.length = chunk_length(self.interval) * self.interval.width // step(self.interval)
        self._known: dict[int, Slot] = {}
        self._ends: dict[int, int] = {}

    def at(self, start: int) -> Slot:
        """The slot of the bucket that begins at ``start``."""
        slot = self._known.get(start)
        if slot is None:
            if len(self._known) >= REMEMBERED:
                self._known.clear()
                self._ends.clear()
            slot = self._known[start] = self._slot(start)
        return slot

    def _slot(self, start: int) -> Slot:
        chunk, offset = divmod(ordinal(self.interval, start), self.length)
        expires = self._ends.get(chunk)
        if expires is None:
            expires = self._ends[chunk] = self.retention.expires(self._last(chunk, start))
        return Slot(f'{self.name}:{chunk}', offset, self.length, expires, self.era(chunk))

    def _last(self, chunk: int, start: int) -> int:
        """The start of the last bucket of a chunk that holds the bucket which begins at ``start``."""
        last = following = start
        # Days of 23 hours, months and leap years: only the calendar itself knows where a chunk ends.
        while ordinal(self.interval, following) // self.length == chunk:
            last, following = following, self.interval.next(following)
        return last

    def era(self, chunk: int) -> int:
        """Which table of numbers the fields of a chunk use."""
        return chunk * self.length * step(self.interval) // (ERA_DAYS * DAY)

    def chunks(self, since: int, until: int) -> list[tuple[int, int]]:
        """Every chunk with a moment between two, and its era."""
        first, last = (ordinal(self.interval, self.interval.floor(at)) // self.length for at in (since, until))
        return [(chunk, self.era(chunk)) for chunk in range(first, last + 1)]

    @property
    def longest(self) -> int:
        """Seconds from the start of a chunk to the end of its key, at the most."""
        # Two months may be three days longer than those from the epoch on, and a zone a day behind.
        return (self.length + 1) * step(self.interval) + self.retention.expires(0) + 5 * DAY


def era_expires(era: int, longest: int) -> int:
    """When the tables of an era end: after every counter whose chunk began in it (``longest`` as in
    `Slots.longest`)."""
    return (era + 1) * ERA_DAYS * DAY + longest


def tag(shard: int) -> str:
    """What the keys of one shard begin with."""
    return f'hw:{{{shard}}}:'


def shard_within(key: str) -> int:
    """The shard that a key names."""
    return int(key[key.index('{') + 1 : key.index('}')])


def epoch_key(shard: int) -> str:
    return f'hw:{{{shard}}}:epoch'


def names_key(shard: int, era: int, group: str) -> str:
    return f'hw:{{{shard}}}:n:{era}:{group}'


def metrics_key(shard: int, era: int, pk: str) -> str:
    return f'hw:{{{shard}}}:m:{era}:{pk}'


def counters_key(shard: int, slot_name: str, group: str, metric: str) -> str:
    return f'hw:{{{shard}}}:{slot_name}:{group}:{metric}'


def id_digest(id: str) -> bytes:
    """An id as it is remembered: 16 bytes, however long it is."""
    return blake2b(id.encode(), digest_size=16).digest()


def ids_key(shard: int, day: int) -> str:
    return f'hw:{{{shard}}}:ids:{day}'


def ids_keys(shard: int, now: int, kept: int = 2 * DAY) -> tuple[str, ...]:
    """The sets that may hold an id that was counted within ``kept`` seconds; a new one goes into the first.

    That of tomorrow is among them: another writer's clock may be past midnight already.
    """
    day = now // DAY
    days = (day, day + 1, *range(day - 1, day - 1 - -(-kept // DAY), -1))
    return tuple(ids_key(shard, each) for each in days)


def ids_expire(now: int, kept: int = 2 * DAY) -> int:
    """When the set of today's ids ends."""
    return (now // DAY + 1) * DAY + kept


def hits_key(shard: int) -> str:
    return f'hw:{{{shard}}}:hits'


def dead_key(shard: int) -> str:
    return f'hw:{{{shard}}}:dead'


def sequence_key(shard: int) -> str:
    return f'hw:{{{shard}}}:seq'


def position_key(shard: int, name: str) -> str:
    return f'hw:{{{shard}}}:at:{escape(name)}'


def spied_logs_key(shard: int) -> str:
    return f'hw:{{{shard}}}:spy'


def spied_pk_key(shard: int, name: str) -> str:
    return f'hw:{{{shard}}}:spy:pk:{escape(name)}'


def spied_uid_key(shard: int, uid: str) -> str:
    return f'hw:{{{shard}}}:spy:uid:{escape(uid)}'


def notes_key(pk: Path) -> tuple[int, str]:
    """Where the annotations of a pk lie, and in which shard; ``()`` has those of all pks."""
    shard = shard_of(pk) if pk else 0
    return shard, f'hw:{{{shard}}}:notes:{encode(pk)}'


def probe_key(shard: int) -> str:
    return f'hw:{{{shard}}}:probe'


def uses_key(shard: int, token: str) -> str:
    return f'hw:{{{shard}}}:uses:{escape(token)}'


def rate_keys(name: str) -> tuple[int, str, str]:
    """Where what was taken of a rate is counted: the shard, the key of the window before, that of the current one."""
    shard = shard_of((name,))
    key = f'hw:{{{shard}}}:rate:{escape(name)}'
    return shard, f'{key}:before', key
