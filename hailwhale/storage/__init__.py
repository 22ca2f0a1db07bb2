"""The only code that speaks to the engine: counters in, counters out.

`connect` opens the engine behind a URL.  What it answers, a `Storage`, knows groups, children, slots and amounts; it
knows nothing of clocks, of what people may ask, or of HTTP.

**Atomicity.**  `Storage.count`, `Storage.commit` and `Storage.reset` do all that they are given in one step of the
engine, or nothing: the increments, the expiries, and what says that they were done (the event's id, the taken list,
the stored position).  A crash, of us or of the engine, leaves no half.  Everything in one call belongs to one shard.

One exception: a commit in which a counter passes the end of its range, 2^63, is taken back in a second step.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from hailwhale.errors import SettingsError, StorageError, StorageRefused
from hailwhale.intervals import DAY
from hailwhale.storage import commits, conditions, events, keys, reads, resets, secrets, tables, waiting
from hailwhale.storage.bounds import DEFAULT, Bounds
from hailwhale.storage.cells import Cells, Lanes
from hailwhale.storage.commits import Commit, Position, Prepared
from hailwhale.storage.conditions import Condition
from hailwhale.storage.events import Event
from hailwhale.storage.keys import SHARDS, Series, Slot, Slots, group, pk_group, series, series_at, shard_of
from hailwhale.storage.prepared import PreparedSeries
from hailwhale.storage.reads import Chunk, Columns, GroupRead, SeriesRead, chunks
from hailwhale.storage.redis import Engine, open_engine
from hailwhale.storage.resets import Reset, Span
from hailwhale.storage.secrets import Secrets
from hailwhale.storage.waiting import Arrival, Use
from hailwhale.storage.wire import pack, strings, text

__all__ = [
    'SHARDS',
    'Arrival',
    'Bounds',
    'Cells',
    'Chunk',
    'Columns',
    'Commit',
    'Condition',
    'Event',
    'GroupRead',
    'Lanes',
    'Position',
    'PreparedSeries',
    'Reset',
    'Secrets',
    'Series',
    'SeriesRead',
    'Slot',
    'Slots',
    'Span',
    'Storage',
    'Use',
    'chunks',
    'connect',
    'group',
    'pk_group',
    'series',
    'series_at',
    'shard_of',
]

FORMAT = '1'
_INTERVAL = 'interval:'


class Storage:
    """Counters on one engine.  Safe for threads, greenlets and forks."""

    def __init__(self, engine: Engine, bounds: Bounds = DEFAULT) -> None:
        self.engine = engine
        self.bounds = bounds
        #: How many seconds after its chunk began the longest-kept counter ends (`keys.Slots.longest`).
        self.longest = 400 * DAY

    def close(self) -> None:
        """Hang up.  An embedded engine that this process runs ends cleanly."""
        self.engine.close()

    def ping(self) -> None:
        """Raise `StorageUnavailable` unless the engine answers."""
        self.engine.ask(0, 'PING')

    def probe(self) -> None:
        """Raise `StorageError` unless every node of the engine takes what is written."""
        for shard in self.engine.one_shard_a_node():
            self.engine.ask(shard, 'SET', keys.probe_key(shard), 1, 'EX', keys.PROBE_KEPT)

    def condition(self) -> Condition:
        """The memory and the keys of all nodes together, as they tell them: no key is looked at."""
        return conditions.condition(self.engine)

    def names(self, now: int) -> list[int]:
        """How many names of the first level were counted in the era of 32 days that ``now`` lies in, by shard."""
        return conditions.names(self.engine, now)

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
        return events.count(self.engine, event, longest=self.longest, bounds=self.bounds, now=now)

    def set_level(self, event: Event, *, now: int) -> None:
        """Set the amounts of the last child of an event's last group, and move all others by the same difference."""
        events.set_level(self.engine, event, longest=self.longest, bounds=self.bounds, now=now)

    def fresh(self, shard: int, ids: Sequence[str], *, now: int) -> list[bool]:
        """For each id, whether no event with it was counted within the last 48 hours."""
        return commits.fresh(self.engine, shard, ids, kept=self.bounds.ids_kept, now=now)

    def commit(
        self,
        commit: Commit,
        *,
        now: int,
        meanwhile: Callable[[], object] | None = None,
        behind: Iterable[Commit] = (),
    ) -> bool:
        """Do all of a commit in one transaction; False, and nothing done, when it was done before.

        ``meanwhile`` is called once, while the engine is at work on it; it must not raise.  Those ``behind`` will be
        next: what they ask the engine (`prepare`) goes out with it.
        """
        shards = range(SHARDS) if not self.engine.place.spread else (commit.shard,)
        asking = [one.prepared for one in behind if one.prepared and one.shard in shards]
        return commits.commit(
            self.engine, commit, longest=self.longest, bounds=self.bounds, now=now, meanwhile=meanwhile, behind=asking
        )

    def prepare(self, commit: Commit) -> None:
        """Let a commit that has to wait for its turn be prepared until then.  Sends nothing yet."""
        commit.prepared = Prepared(commit, longest=self.longest, room=self.bounds.children)

    def position(self, shard: int, name: str) -> str | None:
        """How far a reader has come in this shard, as its last commit stored it."""
        return text(self.engine.ask(shard, 'GET', keys.position_key(shard, name)))

    def reset(self, what: Reset) -> int:
        """Clear a node and all below it; how many nodes were cleared."""
        return resets.reset(self.engine, what)

    # -- waiting events ----------------------------------------------------------------------------------------------

    def push(self, arrivals: Mapping[int, Sequence[Arrival]]) -> dict[int, list[bool] | StorageError]:
        """Append events to the lists of their shards, with one round trip a node; what became of them, by shard.

        In a shard all are kept or none.  A list says for each event, in order, whether it was kept: False for those
        whose sealed pixel is used up.  An error says why none of the shard's events was kept, or that nobody knows:
        `BacklogFull` where there is no room, `StorageUnavailable` also for a connection that broke on the way.  What
        happens in one shard changes nothing in the others, and no error is raised.
        """
        return waiting.push(self.engine, arrivals, self.bounds)

    def waiting(self, shard: int, limit: int, after: int = 0) -> tuple[str | None, list[bytes]]:
        """The first events of the shard's list but ``after`` of them, and the sequence that says where the list began
        when they were read."""
        return waiting.waiting(self.engine, shard, limit, after)

    def backlog(self) -> list[int]:
        """How many events wait, by shard."""
        return waiting.backlog(self.engine)

    def sequences(self) -> list[int]:
        """How many events have been taken off the lists since the store was made, by shard.

        Each time that a list was put in order counts as one more, and so does a slice that was put back.
        """
        return waiting.sequences(self.engine)

    def spied(self, logs: Iterable[str], limit: int) -> list[bytes]:
        """The last entries of spy logs (`keys.spied_pk_key`, `keys.spied_uid_key`), of all together, newest first.

        Each is when the event came, in epoch milliseconds, a tab, and the event.
        """
        return waiting.spied(self.engine, logs, limit)

    def spied_logs(self) -> list[str]:
        """The keys of all spy logs of pks; some of them may have ended."""
        return waiting.spied_logs(self.engine)

    def dead(self, limit: int, shards: Iterable[int] = range(SHARDS)) -> dict[int, list[bytes]]:
        """The last events that could not be counted, by shard, newest first; ``limit`` of each shard at the most."""
        return waiting.dead(self.engine, shards, limit)

    def put_aside(self) -> list[int]:
        """How many events that could not be counted are kept, by shard."""
        return waiting.put_aside(self.engine)

    def revive(self, shard: int, entries: Sequence[tuple[bytes, bytes]]) -> int:
        """Let events that were put aside wait again; how many.

        Each is an entry as `dead` answers it, and the text that waits from now on: in one step the one is taken off and
        the other appended, so that no event is in both places, or in none.  An entry that is there no more is passed
        over.  One whose text is empty is only taken off.
        """
        return waiting.revive(self.engine, shard, entries)

    # -- secrets -----------------------------------------------------------------------------------------------------

    def secrets(self) -> Secrets:
        """The keys that seal tokens."""
        return secrets.read(self.engine)

    def add_secret(self, number: int, text: str, *, first: int | None) -> bool:
        """Keep a new key, which seals from now on.

        False, and nothing done, unless ``first`` (None: none at all) is the first until now and the number is free: of
        two that make one at once only one does, and then both find the same.
        """
        return secrets.add(self.engine, number, text, first=first)

    def forget_secret(self, number: int, *, first: int) -> bool:
        """Forget a key: tokens of it are refused from now on.

        False, and nothing done, where there is none of that number, where ``first`` is not the first, and for the first
        itself.
        """
        return secrets.forget(self.engine, number, first=first)

    # -- reading -----------------------------------------------------------------------------------------------------

    def read_series(self, questions: Sequence[SeriesRead]) -> list[Columns]:
        """For each question, by metric, one amount per slot, in order; 0 where nothing was counted."""
        return reads.read_series(self.engine, questions)

    def prepare_series(
        self, shard: int, groups: Sequence[str], chunks: Sequence[Chunk], metrics: Sequence[str]
    ) -> PreparedSeries:
        """Questions for a child of each of some groups of a shard, to be asked of many children."""
        return PreparedSeries(self.engine, shard, groups, chunks, metrics)

    def read_groups(self, questions: Sequence[GroupRead]) -> list[dict[str, Columns]]:
        """For each question, by child and metric, one amount per slot; children with nothing at all are left out."""
        return reads.read_groups(self.engine, questions)

    def fetch_groups(self, questions: Sequence[GroupRead]) -> list[Callable[[], dict[str, Columns]]]:
        """The same, told apart when each is called, in whatever thread: of large groups that takes longest."""
        return reads.fetch_groups(self.engine, questions)

    def children(self, shard: int, group: str, eras: Iterable[int]) -> set[str]:
        """The names of all children of a group that were counted in some era."""
        return reads.children(self.engine, shard, group, eras)

    def top_children(self, group: str, eras: Iterable[int]) -> set[str]:
        """The names of all children of a group that every shard has a part of: the pks of the whole store."""
        return reads.top_children(self.engine, group, eras)

    def metric_names(self, shard: int, pk: str, eras: Iterable[int]) -> set[str]:
        """The names of all metrics that were counted under a pk (encoded) in some era."""
        return reads.metric_names(self.engine, shard, pk, eras)


def connect(url: str = '', *, home: Path, timeout: float = 5.0, bounds: Bounds = DEFAULT) -> Storage:
    """The counters on the engine at ``url``; '' means the bundled engine with its data in ``home``.

    Nothing is sent before the first use, except that the bundled engine is started.  ``timeout``: seconds that the
    engine may take to answer.  Raises `SettingsError` for an address that cannot be read.
    """
    return Storage(open_engine(url, home=home, timeout=timeout), bounds)
