"""The only code that speaks to the engine: counters in, counters out.

`connect` opens the engine behind a URL.  What it answers, a `Storage`, knows groups, children, slots and amounts; it
knows nothing of clocks, of what people may ask, or of HTTP.

**Atomicity.**  `Storage.count`, `Storage.commit` and `Storage.reset` do all that they are given in one step of the
engine, or nothing: the increments, the expiries, and what says that they were done (the event's id, the taken list,
the stored position).  A crash, of us or of the engine, leaves no half.  Everything in one call belongs to one shard.

One exception: a commit in which a counter passes the end of its range, 2^63, is taken back in a second step.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from hailwhale.errors import SettingsError, StorageRefused
from hailwhale.intervals import DAY
from hailwhale.storage import commits, events, keys, reads, resets, tables
from hailwhale.storage.cells import Cells, Lanes
from hailwhale.storage.commits import Commit, Position
from hailwhale.storage.events import Event
from hailwhale.storage.keys import SHARDS, Series, Slot, Slots, group, pk_group, series, shard_of
from hailwhale.storage.reads import Chunk, Columns, GroupRead, SeriesRead, chunks
from hailwhale.storage.redis import Engine, open_engine
from hailwhale.storage.resets import Reset, Span
from hailwhale.storage.wire import numbers, pack, strings, text

__all__ = [
    'SHARDS',
    'Cells',
    'Chunk',
    'Columns',
    'Commit',
    'Event',
    'GroupRead',
    'Lanes',
    'Position',
    'Reset',
    'Series',
    'SeriesRead',
    'Slot',
    'Slots',
    'Span',
    'Storage',
    'chunks',
    'connect',
    'group',
    'pk_group',
    'series',
    'shard_of',
]

FORMAT = '1'
_INTERVAL = 'interval:'


class Storage:
    """Counters on one engine.  Safe for threads, greenlets and forks."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        #: How many seconds after its chunk began the longest-kept counter ends (`keys.Slots.longest`).
        self.longest = 400 * DAY

    def close(self) -> None:
        """Hang up.  An embedded engine that this process runs ends cleanly."""
        self.engine.close()

    def ping(self) -> None:
        """Raise `StorageUnavailable` unless the engine answers."""
        self.engine.ask(0, 'PING')

    def intervals(self) -> dict[str, tuple[str, int]]:
        """What the writers of this store count, by interval: how long it is kept, and since when every event is in
        it.

        Since when is in epoch seconds; 0 means always.  Empty for a store in which nothing was counted yet.
        """
        fields = strings(self.engine.ask(0, 'HGETALL', keys.STORE))
        found = {name.decode(): value.decode() for name, value in zip(fields[::2], fields[1::2], strict=True)}
        written = found.get('format', FORMAT)
        if written != FORMAT:
            raise SettingsError(
                f'this store has format {written!r}, and this release reads {FORMAT!r} (use the release that wrote it, '
                'or another store)',
                field='url',
            )
        intervals = {}
        for name, value in found.items():
            if name.startswith(_INTERVAL):
                length, _, since = value.rpartition(' ')
                if not length or not since.isdigit():
                    raise StorageRefused(f'the key {keys.STORE} was damaged: its field {name!r} is {value!r}')
                intervals[name.removeprefix(_INTERVAL)] = (length, int(since))
        return intervals

    def register(self, intervals: Mapping[str, tuple[str, int]], *, replace: bool = False) -> None:
        """Tell the store what is counted (as `intervals` answers it); what it knows already stays, unless
        ``replace``."""
        command = 'HSET' if replace else 'HSETNX'
        commands = [pack('HSETNX', keys.STORE, 'format', FORMAT)]
        for name, (length, since) in intervals.items():
            commands.append(pack(command, keys.STORE, f'{_INTERVAL}{name}', f'{length} {since}'))
        self.engine.pipeline(0, commands)

    def extend(self, longest: int) -> None:
        """Let all tables of names last as long as counters that are kept ``longest``, where something is kept longer.

        Goes over every key of the store, a thousand at a time, while others go on.
        """
        tables.extend(self.engine, longest)

    # -- counting ----------------------------------------------------------------------------------------------------

    def count(self, event: Event, *, now: int) -> bool:
        """Count one event in one round trip; False, and nothing added, when its id was counted within 48 hours."""
        return events.count(self.engine, event, longest=self.longest, now=now)

    def fresh(self, shard: int, ids: Sequence[str], *, now: int) -> list[bool]:
        """For each id, whether no event with it was counted within the last 48 hours."""
        return commits.fresh(self.engine, shard, ids, now=now)

    def commit(self, commit: Commit, *, now: int) -> bool:
        """Do all of a commit in one transaction; False, and nothing done, when it was done before."""
        return commits.commit(self.engine, commit, longest=self.longest, now=now)

    def position(self, shard: int, name: str) -> str | None:
        """How far a reader has come in this shard, as its last commit stored it."""
        return text(self.engine.ask(shard, 'GET', keys.position_key(shard, name)))

    def reset(self, what: Reset) -> int:
        """Clear a node and all below it; how many nodes were cleared."""
        return resets.reset(self.engine, what)

    # -- waiting events ----------------------------------------------------------------------------------------------

    def push(self, shard: int, events: Sequence[bytes]) -> int:
        """Append events to the shard's list, in one step; how long it is now."""
        length = self.engine.ask(shard, 'RPUSH', keys.hits_key(shard), *events, again=False)
        assert isinstance(length, int)
        return length

    def waiting(self, shard: int, limit: int) -> tuple[str | None, list[bytes]]:
        """The first events of the shard's list, and the sequence that says where the list began when they were
        read."""
        sequence, events = self.engine.pipeline(
            shard, [pack('GET', keys.sequence_key(shard)), pack('LRANGE', keys.hits_key(shard), 0, limit - 1)]
        )
        return text(sequence), strings(events)

    def backlog(self) -> list[int]:
        """How many events wait, by shard."""
        asked = [(shard, pack('LLEN', keys.hits_key(shard))) for shard in range(SHARDS)]
        return numbers(self.engine.everywhere(asked))

    # -- reading -----------------------------------------------------------------------------------------------------

    def read_series(self, questions: Sequence[SeriesRead]) -> list[Columns]:
        """For each question, by metric, one amount per slot, in order; 0 where nothing was counted."""
        return reads.read_series(self.engine, questions)

    def read_groups(self, questions: Sequence[GroupRead]) -> list[dict[str, Columns]]:
        """For each question, by child and metric, one amount per slot; children with nothing at all are left out."""
        return reads.read_groups(self.engine, questions)

    def children(self, shard: int, group: str, eras: Iterable[int]) -> set[str]:
        """The names of all children of a group that were counted in some era."""
        return reads.children(self.engine, shard, group, eras)

    def top_children(self, group: str, eras: Iterable[int]) -> set[str]:
        """The names of all children of a group that every shard has a part of: the pks of the whole store."""
        return reads.top_children(self.engine, group, eras)

    def metric_names(self, shard: int, pk: str, eras: Iterable[int]) -> set[str]:
        """The names of all metrics that were counted under a pk (encoded) in some era."""
        return reads.metric_names(self.engine, shard, pk, eras)


def connect(url: str = '', *, home: Path, timeout: float = 5.0) -> Storage:
    """The counters on the engine at ``url``; '' means the bundled engine with its data in ``home``.

    Nothing is sent before the first use, except that the bundled engine is started.  ``timeout``: seconds that the
    engine may take to answer.  Raises `SettingsError` for an address that cannot be read.
    """
    return Storage(open_engine(url, home=home, timeout=timeout))
