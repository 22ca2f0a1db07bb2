"""An import: every row of a source to the counters, fast, each exactly once.

**Once.**  An import has a name.  How many rows it has counted is stored for each shard, in the same transaction as the
counters of those rows; so an import that was killed goes on where it stopped, and one that was finished has nothing
left to do.  The name is remembered for 90 days.

**Fast.**  One thread reads and adds up slices of rows; another sends them, so that the engine works meanwhile.
A slice is as large as the increments that one transaction may hold: while one runs, other clients of the engine wait.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import NamedTuple

from hailwhale.errors import HailWhaleError, InvalidInput, StorageConflict
from hailwhale.importing.sources import Broken, Rows, Source
from hailwhale.importing.templates import Key, Layout, LeftOutError, Memo
from hailwhale.intervals import DAY
from hailwhale.kept import Kept
from hailwhale.metrics import Micros
from hailwhale.storage import SHARDS, Commit, Lanes, Position, Storage, shard_of
from hailwhale.tally import Subject, Tally
from hailwhale.times import parse_time
from hailwhale.whale import Whale

#: Increments in one transaction, roughly: it holds up other clients for about a third of a second.
INCREMENTS = 100_000
_FIRST_SLICE = 8_000
_MAX_SLICE = 100_000
#: Slices that wait for the engine; more would only take memory.
_AHEAD = 2


class BadRow(NamedTuple):
    """A row that was not counted, and why; ``line`` is the one it ends in, from 1."""

    line: int
    reason: str


@dataclass(slots=True)
class Imported:
    """What became of the rows so far.

    ``rows`` = ``counted`` + ``before`` (counted by an earlier run of the same import) + ``left_out`` + ``bad``
    """

    rows: int = 0
    counted: int = 0
    before: int = 0
    left_out: int = 0
    bad: int = 0
    share: float = 0.0  #: how much of the source has been read, from 0 to 1; 0 where that cannot be told
    shift: int = 0  #: seconds by which all times were moved


class Mark(NamedTuple):
    """How far an import has come in one shard, as the store keeps it."""

    run: int  #: the same file may be counted again: from 1
    rows: int  #: of those, which this shard has counted
    shift: int
    layout: str

    @classmethod
    def read(cls, text: str) -> Mark:
        return cls(*json.loads(text))

    def text(self) -> str:
        return json.dumps(list(self), separators=(',', ':'))


class Job(NamedTuple):
    """One row, read."""

    number: int
    subject: Subject
    at: int
    packed: int


def _ignore(_: object) -> None:
    pass


@dataclass(slots=True)
class Import:
    """An import, ready to `run`.

    ``name``        goes on where an import of this name stopped, and counts nothing twice; by default the content of
                    the file and the layout are its name.  A stream without a name is not remembered
    ``again``       count everything once more
    ``move_to``     move all times by whole days so that the latest lies on this day (days since the epoch, in UTC)
    ``increments``  about how many one transaction may hold
    ``on_bad``      is told every row that cannot be counted
    ``on_progress`` is told how far it has come, after each slice
    """

    whale: Whale
    source: Source
    layout: Layout
    name: str | None = None
    again: bool = False
    move_to: int | None = None
    increments: int = INCREMENTS
    on_bad: Callable[[BadRow], None] = _ignore
    on_progress: Callable[[Imported], None] = _ignore

    def run(self) -> Imported:
        """Count every row that was not counted yet.

        Raises `InvalidInput` for a source or layout that cannot be read, `StorageError` when the engine fails: what was
        counted until then is remembered, and the same import goes on from there.
        """
        name = self.name or self._default_name()
        layout = self.layout.fingerprint()
        marks = Marks.load(self.whale.storage, name, layout, again=self.again)
        imported = Imported(shift=self._shift(marks))
        marks.shift = imported.shift
        with self.source.open(self.layout.columns()) as rows, _Sender(self.whale, marks) as sender:
            _Loop(self, rows, sender, imported).run()
        imported.share = 1.0
        self.on_progress(imported)
        return imported

    def _default_name(self) -> str | None:
        return f'file {self.source.fingerprint()} {self.layout.fingerprint()}' if self.source.again else None

    def _shift(self, marks: Marks) -> int:
        """By how many seconds times move: as before, where an import goes on."""
        if marks.going_on:
            return marks.shift
        if self.move_to is None:
            return 0
        if not self.source.again:
            raise InvalidInput(
                'times of a stream cannot be moved: it is read once (save it as a file first)', field='move_to'
            )
        last = latest(self.source, self.layout, now=self.whale.clock())
        return 0 if last is None else (self.move_to - last // DAY) * DAY


def latest(source: Source, layout: Layout, *, now: float) -> int | None:
    """The latest time in a source, in epoch seconds; None where no row has one."""
    with source.open(layout.columns()) as rows:
        reader = layout.reader(rows.header, now=now)
        width, key = reader.width, reader.time_key
        texts = {key(row) for row in rows.rows if len(row) == width}
    return max(_moments(texts, reader.times), default=None)


def _moments(texts: set[Key], times: Memo[int]) -> Iterator[int]:
    for text in texts:
        try:
            yield times[text]
        except HailWhaleError:
            continue


def day_of(moment: object) -> int:
    """The day of a moment (as `hailwhale.times.parse_time` reads it), in days since the epoch, in UTC."""
    return parse_time(moment, 0) // DAY


def mark_of(whale: Whale, name: str) -> Mark | None:
    """How far the latest import of a name has come, in the shard where it came furthest; None where there was none."""
    return max(Marks.load(whale.storage, name, None, again=False).known(), default=None)


class Marks:
    """How far an import has come, shard by shard; without a name nothing is remembered."""

    def __init__(self, name: str | None, layout: str, known: dict[int, str], run: int, shift: int) -> None:
        self.name = name
        self.shift = shift
        self._layout = layout
        self._known = known
        self._run = run
        marks = zip(known, self.known(), strict=True)
        self.done = {shard: mark.rows for shard, mark in marks if mark.run == run}
        #: Whether the same run has been started before.
        self.going_on = bool(self.done)
        self.furthest = max(self.done.values(), default=0)

    def known(self) -> list[Mark]:
        """What is stored."""
        return list(map(Mark.read, self._known.values()))

    @classmethod
    def load(cls, storage: Storage, name: str | None, layout: str | None, *, again: bool) -> Marks:
        """Read them.  Raises `InvalidInput` where the name belongs to another layout."""
        if name is None:
            return cls(None, layout or '', {}, 1, 0)
        found = {shard: storage.position(shard, place_of(name)) for shard in range(SHARDS)}
        known = {shard: text for shard, text in found.items() if text is not None}
        last = max(map(Mark.read, known.values()), default=Mark(1, 0, 0, layout or ''))
        if not again and layout not in (None, last.layout):
            raise InvalidInput(
                f'{name!r} was imported with other columns or metrics (choose another name, or count it again)',
                field='name',
            )
        return cls(name, layout or last.layout, known, last.run + (again and bool(known)), last.shift)

    def step(self, shard: int, rows: int) -> Position | None:
        """What a commit that brings a shard up to a row stores."""
        if self.name is None:
            return None
        after = Mark(self._run, rows, self.shift, self._layout).text()
        position = Position(place_of(self.name), self._known.get(shard), after)
        self._known[shard] = after
        return position


def place_of(name: str) -> str:
    """The name of a position: those of other readers are never the same."""
    return f'import {name}'


class _Loop:
    """Reads rows, and hands them over in slices."""

    def __init__(self, what: Import, rows: Rows, sender: _Sender, imported: Imported) -> None:
        self._what = what
        self._rows = rows
        self._sender = sender
        self._imported = imported
        now = what.whale.clock()
        self._reader = what.layout.reader(rows.header, now=now)
        self._slicer = _Slicer(sender.kept, int(now), list(self._reader.constants), what.increments)

    def run(self) -> None:
        jobs: list[Job] = []
        for job in self._jobs():
            jobs.append(job)
            if len(jobs) >= self._slicer.size:
                self._hand_over(jobs)
                jobs = []
        self._hand_over(jobs)

    def _hand_over(self, jobs: Sequence[Job]) -> None:
        for commits, last in self._slicer.commits(jobs):
            self._sender.send(commits, last)
        self._imported.counted += len(jobs)
        self._imported.share = self._rows.share()
        self._what.on_progress(self._imported)

    def _jobs(self) -> Iterator[Job]:
        """The rows that are still to be counted; the loop that every row goes through."""
        read, imported, width = self._read(), self._imported, self._reader.width
        done, furthest = self._sender.marks.done, self._sender.marks.furthest
        number = 0
        for number, row in enumerate(self._rows.rows, 1):
            try:
                if len(row) != width:
                    raise InvalidInput(_why_not(row, width))
                subject, at, packed = read(row)
            except LeftOutError:
                imported.left_out += 1
            except HailWhaleError as error:
                imported.bad += 1
                self._what.on_bad(BadRow(self._rows.line(), error.message))
            else:
                if number <= furthest and number <= done.get(shard_of(subject.pk), 0):
                    imported.before += 1
                else:
                    imported.rows = number
                    yield Job(number, subject, at, packed)
        imported.rows = number

    def _read(self) -> Callable[[list[str]], tuple[Subject, int, int]]:
        """What reads one row: every text is looked up, and understood only where it is new."""
        reader, shift, lanes = self._reader, self._imported.shift, self._slicer.lanes
        kept, now = self._sender.kept, self._slicer.now
        variable = {name for name, _, _ in reader.variables}
        constant = lanes.pack({name: micros for name, micros in reader.constants.items() if name not in variable})

        def moment(key: Key) -> int:
            at = reader.times[key] + shift
            kept.slots(at, now)
            return at

        def lane(name: str, micros: Callable[[Key], Micros]) -> Memo[int]:
            bits = lanes.shift(name)
            return Memo(lambda key: micros(key) << bits)

        subjects, times = reader.subjects, Memo(moment)
        subject_key, time_key = reader.subject_key, reader.time_key
        amounts = [(key, lane(name, micros)) for name, key, micros in reader.variables]

        def read(row: list[str]) -> tuple[Subject, int, int]:
            packed = constant
            for key, memo in amounts:
                packed += memo[key(row)]
            return subjects[subject_key(row)], times[time_key(row)], packed

        return read


def _why_not(row: list[str], width: int) -> str:
    return row.reason if isinstance(row, Broken) else f'{len(row)} columns where there should be {width}'


class _Slicer:
    """Adds up rows, in slices whose transactions are neither too large nor needlessly small."""

    def __init__(self, kept: Kept, now: int, metrics: Sequence[str], increments: int) -> None:
        self.now = now
        self.lanes = Lanes()
        self.size = _FIRST_SLICE
        self._kept = kept
        self._cells = max(1, increments // len(metrics))
        # Every slice shares these lanes, so each has its place before the first row.
        for name in metrics:
            self.lanes.shift(name)

    def commits(self, jobs: Sequence[Job]) -> Iterator[tuple[list[Commit], int]]:
        """The commits of these rows, with the number of the last row that they hold."""
        if not jobs:
            return
        tally = Tally(self._kept, self.now)
        tally.lanes = self.lanes
        for _, subject, at, packed in jobs:
            tally.add_packed(subject, at, packed)
        commits = list(tally.commits())
        cells = max(sum(map(len, commit.cells.values())) for commit in commits)
        fitting = max(1, len(jobs) * self._cells // cells)
        self.size = min(fitting, 2 * self.size, _MAX_SLICE)
        if fitting >= len(jobs) // 2 or len(jobs) == 1:
            yield commits, jobs[-1].number
        else:
            half = len(jobs) // 2
            yield from self.commits(jobs[:half])
            yield from self.commits(jobs[half:])


class _Sender:
    """Commits slices in order, in a thread of its own."""

    def __init__(self, whale: Whale, marks: Marks) -> None:
        self.kept = whale.kept
        self.marks = marks
        self._storage = whale.storage
        self._now = int(whale.clock())
        self._failed = False
        self._thread = ThreadPoolExecutor(1, 'hailwhale-import')
        self._waiting: deque[Future[None]] = deque()

    def send(self, commits: Sequence[Commit], rows: int) -> None:
        """Commit, later; raises what went wrong with slices sent before."""
        while len(self._waiting) >= _AHEAD:
            self._waiting.popleft().result()
        for commit in commits:
            commit.position = self.marks.step(commit.shard, rows)
        self._waiting.append(self._thread.submit(self._commit, commits))

    def _commit(self, commits: Sequence[Commit]) -> None:
        for commit in commits:
            # Nothing may follow a slice that failed: its rows would be taken for counted.
            failed, self._failed = self._failed, True
            if failed or not self._storage.commit(commit, now=self._now):
                raise StorageConflict(f'the same rows are being imported by another process ({self.marks.name})')
            self._failed = False

    def __enter__(self) -> _Sender:
        return self

    def __exit__(self, *error: object) -> None:
        try:
            while self._waiting and error[0] is None:
                self._waiting.popleft().result()
        finally:
            self._thread.shutdown(cancel_futures=True)
