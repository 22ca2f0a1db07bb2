"""An event as it waits for a drain: one line of text, made so that equal events of a minute are equal texts.

::

    MOMENT \\t PK \\t NODES \\t AMOUNTS [\\t ID]

    MOMENT   epoch seconds, floored to what the kept intervals can tell apart
    PK       the encoded path: Product/42
    NODES    every encoded node below overall, parents before children: country country/US device device/phone
    AMOUNTS  escaped name and millionths by turns: revenue 5250000 hits 1000000
    ID       escaped, where the event has one

Escaped names hold neither blanks nor control characters, so blanks and tabs stand between parts only.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from hailwhale.counter import MAX_COUNTERS, MAX_KEY_BYTES, Read
from hailwhale.errors import HailWhaleError, InvalidInput
from hailwhale.kept import Kept
from hailwhale.metrics import MAX_AMOUNT, MICROS_PER_UNIT, Micros, metric_name
from hailwhale.paths import Path, decode, encode, escape, unescape
from hailwhale.storage import Commit, Lanes, Slot, shard_of
from hailwhale.tally import Subject, metrics_of_pks, placed, rolled_up, spread
from hailwhale.times import parse_time

_MAX_MICROS = MAX_AMOUNT * MICROS_PER_UNIT
_MAX_DIGITS = 24
#: As long as the id of an event may be.
_MAX_ID = 256
#: Parts of texts that are remembered from one sum to the next, and metrics that have a lane of their own.
_REMEMBERED, _LANES = 50_000, 32
#: Metrics of different events that are added up together: each makes all sums longer.
_MOST_LANES = 256


class Nodes(NamedTuple):
    """The nodes of an event: encoded, overall first; and how long the longest is in bytes."""

    texts: tuple[str, ...]
    longest: int


def written(read: Read, moment: int) -> bytes:
    """An event as it waits, with its moment floored to a multiple of ``moment`` seconds.

    >>> written(Read(Subject(('Product', '42'), ((), ('geo',))), 1_700_000_123, {'hits': 10**6}, None), 60)
    b'1700000100\\tProduct/42\\tgeo\\thits 1000000'
    """
    pk, nodes = read.subject
    return joined(read.at // moment * moment, pk_part(pk), nodes_part(nodes), amounts_part(read.amounts), read.id)


def pk_part(pk: Path) -> str:
    """The pk, as it stands in the text."""
    return encode(pk)


def nodes_part(nodes: Iterable[Path]) -> str:
    """The nodes below overall, as they stand in the text."""
    return ' '.join([encode(node) for node in nodes if node])


def amounts_part(amounts: Mapping[str, Micros]) -> str:
    """The amounts, as they stand in the text."""
    return ' '.join([f'{escape(name)} {micros}' for name, micros in amounts.items()])


def joined(at: int, pk: str, nodes: str, amounts: str, id: str | None = None) -> bytes:
    """The text of an event from its parts; ``at`` is floored already, ``id`` is not escaped yet."""
    if id is None:
        return f'{at}\t{pk}\t{nodes}\t{amounts}'.encode()
    return f'{at}\t{pk}\t{nodes}\t{amounts}\t{escape(id)}'.encode()


def read(text: bytes) -> Read:
    """The event of a text.  Raises `InvalidInput` for what `written` never writes of a checked event."""
    try:
        moment, pk, nodes, amounts, *id = text.decode().split('\t')
        if len(id) > 1:
            raise ValueError(f'{4 + len(id)} parts')
        names, several, packed = read_pk(pk), read_nodes(nodes), read_amounts(amounts)
        check_size(pk, several, len(packed))
        return Read(
            Subject(names, tuple(map(decode, several.texts))),
            read_moment(moment),
            packed,
            read_id(id[0]) if id else None,
        )
    except (ValueError, HailWhaleError) as error:
        raise InvalidInput(f'not a waiting event: {error}') from error


def read_moment(text: str) -> int:
    """The moment, in epoch seconds."""
    return parse_time(_whole(text), 0)


def read_pk(text: str) -> Path:
    """The path of a pk."""
    names = decode(text)
    if not names:
        raise ValueError('no pk')
    return names


def read_nodes(text: str) -> Nodes:
    """The nodes, the overall one among them."""
    known = {'': None}
    for node in text.split(' ') if text else ():
        parent = node.rpartition('/')[0]
        if not node or node in known or parent not in known:
            raise ValueError(f'the node {node!r:.80} is empty, comes again, or comes before the one above it')
        decode(node)
        known[node] = None
    return Nodes(tuple(known), max(map(len, known)) if text.isascii() else max(len(node.encode()) for node in known))


def read_amounts(text: str) -> dict[str, Micros]:
    """The amounts by metric."""
    parts = text.split(' ')
    amounts = {}
    for name, micros in zip(parts[::2], parts[1::2], strict=True):
        amounts[metric_name(unescape(name))] = _micros(micros)
    if 2 * len(amounts) < len(parts):
        raise ValueError('one metric comes twice')
    return amounts


def read_id(text: str) -> str:
    """The id of an event."""
    id = unescape(text)
    if not 0 < len(id) <= _MAX_ID:
        raise ValueError(f'an id of {len(id)} characters')
    return id


def check_size(pk: str, nodes: Nodes, metrics: int) -> None:
    """Raise for an event so large that others would wait for it: none of ours is."""
    counters = (pk.count('/') + 1) * len(nodes.texts) * metrics
    if counters > MAX_COUNTERS or counters * (len(pk.encode()) + nodes.longest) > MAX_KEY_BYTES:
        raise ValueError(f'{counters} counters in each interval')


def _micros(text: str) -> Micros:
    micros = _whole(text)
    if not -_MAX_MICROS < micros < _MAX_MICROS:
        raise ValueError(f'an amount of {micros} micros is too large')
    return micros


def _whole(text: str) -> int:
    """A whole number, in the one spelling that is ours."""
    number = int(text) if len(text) <= _MAX_DIGITS else None
    if str(number) != text:
        raise ValueError(f'not a whole number: {text!r:.80}')
    return number  # type: ignore[return-value] # 'None' is no text of a number


def dimensions_of(nodes: Iterable[Path]) -> object:
    """Dimensions that touch these nodes, as short as they can be written.

    >>> dimensions_of([(), ('geo',), ('geo', 'UK'), ('device',), ('device', 'phone'), ('device', 'tablet')])
    {'geo': 'UK', 'device': {'phone': None, 'tablet': None}}
    """
    tree: dict[str, Any] = {}
    for node in nodes:
        below = tree
        for name in node:
            below = below.setdefault(name, {})
    return {name: _shortest(below) for name, below in tree.items()} or None


def _shortest(tree: dict[str, Any]) -> object:
    if len(tree) == 1 and not any(tree.values()):
        return next(iter(tree))
    return {name: _shortest(below) for name, below in tree.items()} or None


def ids_in(texts: Iterable[bytes]) -> list[str]:
    """The ids of those that have one that can be read."""
    ids = []
    for text in texts:
        if text.count(b'\t') == 4:
            try:
                ids.append(read_id(text.rpartition(b'\t')[2].decode()))
            except (ValueError, HailWhaleError):
                # `Adder.sum` will find it.
                continue
    return ids


class TooWide(Exception):
    """Events with more metrics than are added up together; not one event alone."""


class Sum(NamedTuple):
    """Many events added up."""

    commit: Commit
    increments: int  #: how many counters it touches
    largest: int  #: no counter moves by more micros


class Adder:
    """Adds up texts: equal ones are counted first, then each part that is new is read once.  Not for several threads.

    >>> from hailwhale.periods import Retention
    >>> adder = Adder(Kept([Retention.parse('1d:1y')], {}))
    >>> commit, increments, _ = adder.sum(49, [b'1700000000\\tProduct/42\\tgeo\\thits 1000000'] * 3, 1_700_000_000)
    >>> commit.events, increments
    (3, 4)
    """

    def __init__(self, kept: Kept) -> None:
        self.kept = kept
        self._lanes = Lanes()
        self._amounts: dict[bytes, int] = {}
        self._nodes: dict[bytes, tuple[str, ...]] = {}
        #: Of all the amounts: the most metrics of one event, and the largest.
        self._widest = self._largest = 0

    def sum(self, shard: int, texts: Sequence[bytes], now: int, counted: Collection[str] = ()) -> Sum:
        """The commit of events of one shard, each id once and none of those that are ``counted``.

        Raises `InvalidInput` where one of them cannot be counted (`check` tells which), and `TooWide`.
        """
        self._forget()
        ids: dict[str, None] = {}
        try:
            grouped, events = self._grouped(shard, texts, now, ids, counted)
        except (ValueError, HailWhaleError) as error:
            raise InvalidInput(f'not waiting events: {error}') from error
        if self._doubtful(grouped):
            for text in texts:
                read(text)
        by_slot = rolled_up({slots: spread(pks, self._nodes.__getitem__) for slots, pks in grouped.items()})
        metrics = metrics_of_pks(grouped, self._lanes)
        increments = sum(len(nodes) * len(metrics[pk]) for pks in by_slot.values() for pk, nodes in pks.items())
        commit = Commit(shard, placed(shard, by_slot), self._lanes, metrics, list(ids), events=events)
        return Sum(commit, increments, self._largest * len(texts))

    def check(self, shard: int, text: bytes, now: int) -> None:
        """Raise `InvalidInput` for an event that cannot be counted in a shard."""
        event = read(text)
        if shard_of(event.subject.pk) != shard:
            raise InvalidInput(f'not a waiting event of shard {shard}: its pk belongs to {shard_of(event.subject.pk)}')
        self.kept.slots(event.at, now, accepted=True)

    def _forget(self) -> None:
        """Begin again where too much was remembered."""
        if len(self._nodes) > _REMEMBERED:
            self._nodes.clear()
        if len(self._amounts) > _REMEMBERED or len(self._lanes.names) > _LANES:
            self._lanes = Lanes()
            self._amounts.clear()
            self._widest = self._largest = 0

    def _grouped(
        self, shard: int, texts: Iterable[bytes], now: int, ids: dict[str, None], counted: Collection[str]
    ) -> tuple[_Groups, int]:
        """By slots, pk and nodes the sum of the amounts, and how many events that is; ``ids`` gets theirs."""
        found: _Groups = {}
        moments: dict[bytes, dict[str, dict[bytes, int]]] = {}
        pks: dict[bytes, str] = {}
        all_amounts, all_nodes = self._amounts, self._nodes
        events = 0
        for text, times in Counter(texts).items():
            parts = text.split(b'\t')
            if len(parts) == 5:
                id = read_id(parts.pop().decode())
                if id in ids or id in counted:
                    continue
                ids[id] = None
                times = 1
            moment, pk, nodes, amounts = parts
            packed = all_amounts.get(amounts) or self._learn(amounts)
            if nodes not in all_nodes:
                all_nodes[nodes] = read_nodes(nodes.decode()).texts
            name = pks.get(pk) or pks.setdefault(pk, _pk_of(shard, pk))
            of_moment = moments.get(moment)
            if of_moment is None:
                slots = tuple(self.kept.slots(read_moment(moment.decode()), now, accepted=True))
                of_moment = moments[moment] = found.setdefault(slots, {})
            of_pk = of_moment.get(name)
            if of_pk is None:
                of_pk = of_moment[name] = {}
            of_pk[nodes] = of_pk.get(nodes, 0) + (packed if times == 1 else packed * times)
            events += times
        return found, events

    def _learn(self, text: bytes) -> int:
        amounts = read_amounts(text.decode())
        if self._lanes.names and len(self._lanes.names) + len(amounts) > _MOST_LANES:
            self._lanes = Lanes()
            self._amounts.clear()
            raise TooWide
        self._widest = max(self._widest, len(amounts))
        self._largest = max(self._largest, *map(abs, amounts.values()))
        packed = self._amounts[text] = self._lanes.pack(amounts)
        return packed

    def _doubtful(self, grouped: _Groups) -> bool:
        """Whether one of the events may be too large.  Hardly ever is one so large that it is looked at by itself."""
        for pks in grouped.values():
            for pk, several in pks.items():
                most = MAX_COUNTERS // (self._widest * (pk.count('/') + 1))
                length = MAX_KEY_BYTES // MAX_COUNTERS - 4 * len(pk)
                if any(len(nodes) > length or len(self._nodes[nodes]) > most for nodes in several):
                    return True
        return False


_Groups = dict[tuple[Slot, ...], dict[str, dict[bytes, int]]]


def _pk_of(shard: int, text: bytes) -> str:
    pk = text.decode()
    if shard_of(read_pk(pk)) != shard:
        raise ValueError('a pk of another shard')
    return pk
