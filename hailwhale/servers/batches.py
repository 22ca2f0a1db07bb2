"""Events by POST, one or many at once: read, written as they wait, pushed together; each kept or refused by itself.

What events have in common is read once: most of a flood names the same pks and dimensions again and again.
"""

from __future__ import annotations

import marshal
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from hailwhale import waiting
from hailwhale.access import Grant
from hailwhale.counter import MAX_COUNTERS, MAX_KEY_BYTES
from hailwhale.errors import HailWhaleError, InvalidInput, StorageError, StorageUnavailable, TokenRefused
from hailwhale.gathering import Gathering
from hailwhale.hail import Hail
from hailwhale.kept import Kept
from hailwhale.lenient import MAX_NODES, read_items, read_json, read_lines
from hailwhale.metrics import DEFAULT_METRIC, MAX_AMOUNT, MICROS_PER_UNIT, parse_amount, parse_metrics
from hailwhale.paths import Path, dimension_nodes, escape, pk_path
from hailwhale.servers.bodies import Environ, body_of
from hailwhale.servers.params import FORM, Parameters, check_json, media_type, raw, shown, value
from hailwhale.servers.queries import Queries
from hailwhale.settings import Settings
from hailwhale.storage import Arrival
from hailwhale.times import parse_time

#: What became of an event.
Outcome = bool | HailWhaleError

Push = Callable[[Mapping[int, Sequence[Arrival]]], Mapping[int, Sequence[bool] | StorageError]]

#: So many events are worth a round trip of their own.
_ALONE = 100
#: Events that are read before they are pushed: others get a turn in between.
SLICE = 1_000
#: What is remembered of each kind, and how long a text may be to be remembered by.
_REMEMBERED = 8_192
_LONGEST = 256
_MOST_NAMES = 1_024
_LINES = re.compile(r'application/(?:x-)?(?:ndjson|jsonl|jsonlines)')
_LIST = re.compile(rb'(?:\xef\xbb\xbf)?[ \t\n\r]*\[')
_MAX_ID = 256
_FIELDS = ('pk', 'dimensions', 'metrics', 'at', 'id', 'uid')
_KNOWN = frozenset(_FIELDS)
_ONE_HIT = waiting.amounts_part({DEFAULT_METRIC: MICROS_PER_UNIT})
_new = tuple.__new__
#: Of `marshal`: without references, by which equal values could differ.
_PLAIN = 2
_ALIASES = {'dimension': 'dimensions', 'metric': 'metrics'}

ONE = Parameters(pk=value, dimensions=value, metrics=value, at=value, id=raw, uid=raw)


class Batch(NamedTuple):
    """What a body holds: events, or in the place of one why it cannot be read."""

    events: Sequence[object]
    several: bool  #: whether it is a list, were it of one


class Events:
    """Reads events of any spelling: an address line, a form, a JSON object, a list of them, a line for each.

    Of the first two the answer is as `Parameters` gives it, or ``parts`` of a plain query; of all others it is a
    `Batch`, as ``batch``.
    """

    def __init__(self, settings: Settings, queries: Queries | None = None) -> None:
        self._queries = queries or Queries(settings)
        # Dimensions are as deep as paths may be, in an object.
        self._max_depth = settings.max_depth + 2
        self._max_nodes = max(MAX_NODES, settings.max_nodes)
        self._max_batch = settings.max_batch

    def read(self, environ: Environ, *, max_body: int, max_inflated: int | None = None) -> dict[str, Any]:
        """The event or events of a request."""
        if environ['REQUEST_METHOD'] == 'GET':
            parts = self._queries.parts(environ.get('QUERY_STRING', '').encode('latin-1'))
            if parts is not None:
                return {'parts': parts}
        media = media_type(environ)
        if environ['REQUEST_METHOD'] != 'POST' or media == FORM:
            return ONE.read(environ, max_body=max_body, max_inflated=max_inflated)
        self._check_address(environ)
        body = body_of(environ, max_body=max_body, max_inflated=max_body if max_inflated is None else max_inflated)
        return {'batch': self.batch(body, media)}

    @staticmethod
    def _check_address(environ: Environ) -> None:
        given = ONE.read({**environ, 'REQUEST_METHOD': 'GET'}, max_body=0)
        if given:
            name = next(iter(given))
            raise InvalidInput(f'{name} stands in the address of a POST (put it into the event)', field=name)

    def batch(self, body: bytes, media: str) -> Batch:
        """The events of a body."""
        depth, nodes = self._max_depth, self._max_nodes
        if _LINES.fullmatch(media):
            return Batch(read_lines(body, max_items=self._max_batch, max_depth=depth, max_nodes=nodes), several=True)
        check_json(media)
        if _begins_list(body):
            return Batch(read_items(body, max_items=self._max_batch, max_depth=depth, max_nodes=nodes), several=True)
        return Batch([read_json(body, max_bytes=len(body), max_depth=depth, max_nodes=nodes)], several=False)

    def pks(self, given: Mapping[str, Any]) -> list[Path]:
        """The pk of one event; those of a batch are looked at one by one, later."""
        if 'parts' in given:
            return [given['parts'][0].path]
        return [] if 'batch' in given else ONE.pks(given)

    def cost(self, given: Mapping[str, Any]) -> int:
        """What a rate pays for it: each event."""
        return max(1, len(given['batch'].events)) if 'batch' in given else 1


def _begins_list(body: bytes) -> bool:
    return _LIST.match(body) is not None


class _Pk(NamedTuple):
    """What is to be known of a pk."""

    path: Path
    text: str
    size: int  #: bytes of the text
    shard: int
    spied: tuple[str, ...]


class _Nodes(NamedTuple):
    """What is to be known of dimensions."""

    text: str
    nodes: int  #: how many there are, overall among them
    longest: int  #: bytes of the longest node


class Writer:
    """Writes events as they wait.  Remembers what comes again, as much of it as is small."""

    def __init__(self, hail: Hail) -> None:
        self._hail = hail
        # By `key_of` what was given.
        self.pks: dict[bytes | str, _Pk] = {}
        self.nodes: dict[bytes | str, _Nodes] = {}
        self._names: dict[str, str] = {}
        self._max_metrics = hail.whale.settings.max_metrics

    def slice(self, grant: Grant) -> WriterSlice:
        """Writes events that come at the same moment from one client."""
        return WriterSlice(self, self._hail, grant)

    def read_pk(self, key: bytes | str, given: object) -> _Pk:
        """Read a pk, and remember it by a key."""
        limits = self._hail.whale.settings.limits
        path = pk_path(given, max_name_bytes=limits.name, max_depth=limits.depth)
        shard, arrival = self._hail.read(path)
        text = waiting.pk_part(path)
        found = _Pk(path, text, len(text.encode()), shard, arrival.spied)
        _remember(self.pks, key, found)
        return found

    def read_nodes(self, key: bytes | str, given: object) -> _Nodes:
        """Read dimensions, and remember them by a key."""
        limits = self._hail.whale.settings.limits
        nodes = dimension_nodes(given, max_name_bytes=limits.name, max_depth=limits.depth, max_nodes=limits.nodes)
        text = waiting.nodes_part(nodes)
        found = _Nodes(text, len(nodes), max(map(len, text.encode().split(b' '))))
        _remember(self.nodes, key, found)
        return found

    def amounts(self, given: object) -> tuple[str, int]:
        """Metrics, as JSON has them: their text, and how many there are."""
        # Amounts seldom come again, names do.
        names = self._names
        if type(given) is dict and 0 < len(given) <= self._max_metrics and given.keys() <= names.keys():
            parts = [
                f'{names[name]} {amount * MICROS_PER_UNIT}'
                if type(amount) is int and -MAX_AMOUNT < amount < MAX_AMOUNT
                else f'{names[name]} {parse_amount(amount, name)}'
                for name, amount in given.items()
            ]
            if DEFAULT_METRIC not in given:
                parts.append(_ONE_HIT)
            return ' '.join(parts), len(parts)
        amounts = parse_metrics(given, max_metrics=self._max_metrics)
        # Exchanged, not changed: another thread may be about to look up what it has found in there.
        if any(name not in names for name in amounts):
            self._names = (names if len(names) < _MOST_NAMES else {}) | {name: escape(name) for name in amounts}
        return waiting.amounts_part(amounts), len(amounts)


def key_of(given: object) -> bytes | str:
    """What only the very same value has, of the same types: 1, '1' and true are three."""
    try:
        # A third of the time of `repr`.
        return marshal.dumps(given, _PLAIN)  # type: ignore[arg-type]
    except ValueError:
        return repr(given)


def _remember(known: dict[bytes | str, Any], key: bytes | str, found: object) -> None:
    if len(key) <= _LONGEST:
        if len(known) >= _REMEMBERED:
            known.clear()
        known[key] = found


class WriterSlice:
    """Writes events that come at the same moment from one client."""

    def __init__(self, writer: Writer, hail: Hail, grant: Grant) -> None:
        self._writer = writer
        self._hail = hail
        self._grant = grant
        self._asks = grant.key_id is not None  # without a key all may be counted
        self._kept: Kept = hail.whale.kept
        self._now = hail.whale.clock()
        self._milliseconds = int(self._now * 1_000)
        self._moments: dict[int | None, int] = {}
        self._permitted: set[str] = set()

    def arrival(self, event: object) -> tuple[int, Arrival]:
        """An event and its shard.  Raises `InvalidInput`, and `Forbidden` for a pk that the key is not for."""
        if type(event) is not dict:
            raise event if isinstance(event, HailWhaleError) else _no_event(event)
        get = event.get
        at, id = get('at'), get('id')
        plain = event.keys() <= _KNOWN and (at is None or type(at) is int) and get('uid') is None
        if not plain or (id is not None and not _is_plain_id(id)):
            return self._rare(event)
        writer, given_pk, dimensions = self._writer, get('pk'), get('dimensions')
        key = key_of(given_pk)
        pk = writer.pks.get(key) or writer.read_pk(key, given_pk)
        key = key_of(dimensions)
        nodes = writer.nodes.get(key) or writer.read_nodes(key, dimensions)
        amounts, metrics = writer.amounts(get('metrics'))
        counters = len(pk.path) * nodes.nodes * metrics
        if counters > MAX_COUNTERS or counters * (pk.size + nodes.longest) > MAX_KEY_BYTES:
            return self._rare(event)
        if self._asks and pk.text not in self._permitted:
            self._permit(pk.path, pk.text)
        moment = self._moments.get(at)
        if moment is None:
            moment = self._moment(at)
        text = waiting.joined(moment, pk.text, nodes.text, amounts, id)
        # As Arrival(...), in half of the time.
        return pk.shard, _new(Arrival, (text, self._milliseconds, pk.spied, None, id is not None))

    def _rare(self, event: Mapping[str, object]) -> tuple[int, Arrival]:
        """An event of a less usual kind, or one that is refused."""
        given: dict[str, Any] = {_ALIASES.get(name, name): item for name, item in event.items()}
        if len(given) < len(event) or not given.keys() <= _KNOWN:
            raise _no_event(event)
        shard, arrival = self._hail.read(**given)
        pk = self._writer.read_pk(key_of(given.get('pk')), given.get('pk'))
        self._permit(pk.path, pk.text)
        return shard, arrival

    def _permit(self, pk: Path, text: str) -> None:
        self._grant.check(pk)
        self._permitted.add(text)

    def _moment(self, at: int | None) -> int:
        seconds = parse_time(at, self._now)
        self._kept.slots(seconds, int(self._now))
        moment = self._moments[at] = seconds // self._kept.moment * self._kept.moment
        return moment


def _is_plain_id(id: object) -> bool:
    return type(id) is str and 0 < len(id) <= _MAX_ID and id.isascii()


def _no_event(event: object) -> InvalidInput:
    return InvalidInput(f'not an event: {shown(event)} (an object with {", ".join(_FIELDS)})', field='event')


class Taker:
    """Takes events: each is kept, or refused by itself, when it answers.

    ``gathering``  pushes what comes one by one, with what others have
    ``push``       pushes slices that are worth a round trip of their own
    """

    def __init__(self, hail: Hail, gathering: Gathering, push: Push) -> None:
        self._writer = Writer(hail)
        self._gathering = gathering
        self._push = push

    def take_one(self, shard: int, arrival: Arrival) -> None:
        """Keep one.  Raises what it is refused for."""
        (outcome,) = self._gathering.push([(shard, arrival)])
        if outcome is False:
            raise TokenRefused('used_up')
        if outcome is not True:
            raise outcome

    def take(self, events: Sequence[object], grant: Grant) -> list[Outcome]:
        """What became of each event, in their order."""
        outcomes: list[Outcome] = []
        for start in range(0, len(events), SLICE):
            some = events[start : start + SLICE]
            try:
                found = self._take_slice(some, grant)
            except StorageError as error:
                found = [error] * len(some)
            outcomes += found
            away = [outcome for outcome in found if isinstance(outcome, StorageUnavailable)]
            if away and True not in found:
                # An engine that is away takes its time to be so, and none of the next would fare better.
                return outcomes + away[:1] * (len(events) - len(outcomes))
        return outcomes

    def _take_slice(self, events: Sequence[object], grant: Grant) -> list[Outcome]:
        """Events of one moment, in one round trip."""
        arrival = self._writer.slice(grant).arrival
        outcomes: list[Outcome] = [True] * len(events)
        arrivals: dict[int, list[Arrival]] = {}
        places: dict[int, list[int]] = {}
        for place, event in enumerate(events):
            try:
                shard, written = arrival(event)
            except HailWhaleError as error:
                outcomes[place] = error
                continue
            if shard in arrivals:
                arrivals[shard].append(written)
                places[shard].append(place)
            else:
                arrivals[shard], places[shard] = [written], [place]
        for shard, refused in self._refused(arrivals).items():
            for place in places[shard]:
                outcomes[place] = refused
        return outcomes

    def _refused(self, arrivals: Mapping[int, Sequence[Arrival]]) -> dict[int, StorageError]:
        """The shards of which nothing was kept, and why."""
        if sum(map(len, arrivals.values())) < _ALONE:
            several = [(shard, arrival) for shard, of_shard in arrivals.items() for arrival in of_shard]
            pushed = zip(several, self._gathering.push(several), strict=True)
            return {shard: outcome for (shard, _), outcome in pushed if isinstance(outcome, StorageError)}
        found = self._push(arrivals)
        return {shard: outcome for shard, outcome in found.items() if isinstance(outcome, StorageError)}
