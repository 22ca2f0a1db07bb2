"""Events in plain queries, read without waiting and remembered part by part.

The same few pks, dimensions and amounts come again and again, in texts that are equal to the last byte.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from hailwhale.counter import MAX_COUNTERS, MAX_KEY_BYTES
from hailwhale.errors import HailWhaleError, InvalidInput
from hailwhale.metrics import parse_metrics
from hailwhale.paths import Path, dimension_nodes, pk_path
from hailwhale.servers.heads import is_plain_query
from hailwhale.servers.params import KEY, Parameters, value
from hailwhale.storage import Arrival, shard_of
from hailwhale.storage.keys import spied_pk_key
from hailwhale.waiting import amounts_part, joined, nodes_part, pk_part

if TYPE_CHECKING:
    from hailwhale.settings import Settings

#: Parts of queries that are remembered, and how long one may be.
_REMEMBERED = 32_768
_LONGEST = 1_024
_NAMES = {b'pk': 'pk', b'dimensions': 'dimensions', b'metrics': 'metrics'}
_NAMES |= {b'dimension': 'dimensions', b'metric': 'metrics', KEY.encode(): KEY}
_KEY = re.compile(rb'[A-Za-z0-9_-]+')
_PARAMETERS = Parameters(pk=value, dimensions=value, metrics=value)
_new = tuple.__new__


class _Pk(NamedTuple):
    text: str
    path: Path
    levels: int
    characters: int  #: of the longest key, without its node
    shard: int
    spied: tuple[str, ...]


class _Nodes(NamedTuple):
    text: str
    number: int
    characters: int  #: of the longest


class _Amounts(NamedTuple):
    text: str
    number: int


#: What a query says: pk, dimensions, amounts, key.
Parts = tuple[_Pk, _Nodes, _Amounts, str | None]


class Queries:
    """Reads the events of plain queries, without waiting for anything."""

    def __init__(self, settings: Settings) -> None:
        self._limits = settings.limits
        self._spies = settings.spy > 0
        self._readers: dict[str, Callable[[object], Any]] = {
            'pk': self._pk,
            'dimensions': self._nodes,
            'metrics': self._amounts,
        }
        # What each parameter says, by its text: its place in `_none`, and its part.
        self._parts: dict[bytes, tuple[int, Any]] = {}
        self._none = [*[read(None) for read in self._readers.values()], None]

    def read(self, query: bytes, moment: int, now: float) -> tuple[Path, int, Arrival, str | None] | None:
        """The event of a query: its pk, its shard, itself, and the key that stands there; None: others have to read it.

        ``moment``: seconds that no kept interval tells apart.
        """
        parts = self.parts(query)
        return None if parts is None else (parts[0].path, *written(parts, moment, now), parts[3])

    def parts(self, query: bytes) -> Parts | None:
        """What a query says; None: others have to read it."""
        known, none = self._parts, self._none
        found = none.copy()
        for pair in query.split(b'&'):
            part = known.get(pair) or self._learn(pair)
            if part is None:
                return None
            place, said = part
            if found[place] is not none[place]:
                return None
            found[place] = said
        pk, nodes, amounts, key = found
        counters = pk.levels * nodes.number * amounts.number
        # `hailwhale.counter` looks closer at what may be too much.
        if counters > MAX_COUNTERS or counters * (pk.characters + nodes.characters) * 12 > MAX_KEY_BYTES:
            return None
        return pk, nodes, amounts, key

    def _learn(self, pair: bytes) -> tuple[int, Any] | None:
        """What a parameter says; None for one that others have to read."""
        spelled, _, text = pair.partition(b'=')
        name = _NAMES.get(spelled)
        if name is None or not text or not is_plain_query(pair):
            return None
        try:
            part = self._part(name, pair, text)
        except HailWhaleError:
            return None
        if len(pair) <= _LONGEST:
            if len(self._parts) >= _REMEMBERED:
                self._parts.clear()
            self._parts[pair] = part
        return part

    def _part(self, name: str, pair: bytes, text: bytes) -> tuple[int, Any]:
        if name == KEY:
            return len(self._readers), _key(text)
        return list(self._readers).index(name), self._readers[name](_given(name, pair))

    def _pk(self, given: object) -> _Pk:
        path = pk_path(given, max_name_bytes=self._limits.name, max_depth=self._limits.depth)
        shard = shard_of(path)
        spied = (spied_pk_key(shard, path[0]),) if self._spies else ()
        return _Pk(pk_part(path), path, len(path), sum(map(len, path)) + len(path) + 16, shard, spied)

    def _nodes(self, given: object) -> _Nodes:
        limits = self._limits
        nodes = dimension_nodes(given, max_name_bytes=limits.name, max_depth=limits.depth, max_nodes=limits.nodes)
        return _Nodes(nodes_part(nodes), len(nodes), max(sum(map(len, node)) for node in nodes))

    def _amounts(self, given: object) -> _Amounts:
        amounts = parse_metrics(given, max_metrics=self._limits.metrics)
        return _Amounts(amounts_part(amounts), len(amounts))


def written(parts: Parts, moment: int, now: float) -> tuple[int, Arrival]:
    """The shard and the event of what a query says, as it waits."""
    pk, nodes, amounts, _ = parts
    text = joined(int(now) // moment * moment, pk.text, nodes.text, amounts.text)
    # As Arrival(...), in half of the time.
    return pk.shard, _new(Arrival, (text, int(now * 1_000), pk.spied, None, False))


def _given(name: str, pair: bytes) -> object:
    environ = {'REQUEST_METHOD': 'GET', 'QUERY_STRING': pair.decode()}
    return _PARAMETERS.read(environ, max_body=0).get(name)


def _key(text: bytes) -> str:
    # Where a character is quoted it is no key, or one that others recognize.
    if not _KEY.fullmatch(text):
        raise InvalidInput(f'not a key: {text!r:.80}', field=KEY)
    return text.decode()
