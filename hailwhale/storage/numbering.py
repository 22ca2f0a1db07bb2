"""The numbers of children, which fields are made of.  New children of a parent without room are counted as one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Container, Iterable, Mapping
from typing import NamedTuple

from hailwhale.storage import keys
from hailwhale.storage.cells import tables
from hailwhale.storage.keys import Series, Slot, era_expires
from hailwhale.storage.redis import evaluate, evaluation
from hailwhale.storage.wire import Reply, Wire, numbers

#: Names that one call of a script looks up; more would hold up other clients.
_NAMES_AT_ONCE = 5_000
_REFUSED = -1

Table = tuple[int, str]  # era, group
Sums = Mapping[Slot, Mapping[Series, int]]
Metrics = Mapping[str, Collection[str]]
Batch = list[tuple[Table, list[str]]]


class Numbered(NamedTuple):
    """What is counted in the end, and the numbers of all children in it."""

    cells: Sums
    pks: Metrics  #: encoded pk -> the metrics counted under it
    numbers: Mapping[Table, Mapping[str, int]]


class Question:
    """The call that looks up every number which some sums need; to ask again later whether they are still the same."""

    def __init__(self, shard: int, cells: Sums, *, room: int, longest: int) -> None:
        batches = list(_batches(tables(cells)))
        #: b'' where nothing, or too much, is to be looked up.
        self.call = _call(shard, batches[0], room=room, longest=longest) if len(batches) == 1 else b''
        self._batch = batches[0] if self.call else []

    def found(self, reply: Reply) -> Mapping[Table, Mapping[str, int]] | None:
        """The numbers; None where a name has no room."""
        answers = numbers(reply)
        if min(answers) < 0:
            return None
        each = iter(answers)
        return {table: dict(zip(names, each, strict=False)) for table, names in self._batch}


class Folding:
    """Some children, as (group, child), that are counted as `keys.OTHER`; and so all that lies below them.

    >>> folding = Folding({('shop:geo', 'X'), ('Product:/', '9999')})
    >>> folding.group('shop:geo/X'), folding.group('shop:geo/XY'), folding.child('shop:geo', 'X')
    ('shop:geo/__other__', 'shop:geo/XY', '__other__')
    >>> folding.group('Product/9999:geo'), folding.pk('Product/9999/red')
    ('Product/__other__:geo', 'Product/__other__/red')
    """

    def __init__(self, refused: Container[tuple[str, str]]) -> None:
        self._refused = refused
        self._groups: dict[str, str] = {}

    def child(self, group: str, child: str) -> str:
        """What a child of a group is counted as."""
        return keys.OTHER if (group, child) in self._refused else child

    def group(self, group: str) -> str:
        """Where the children of a group are counted."""
        found = self._groups.get(group)
        if found is None:
            pk, _, parent = group.partition(':')
            below = parent if parent == keys.CHILDREN else self._path(f'{pk}:', parent, '')
            found = self._groups[group] = f'{self.pk(pk)}:{below}'
        return found

    def pk(self, pk: str) -> str:
        """What a pk is counted as, both encoded."""
        return self._path('', pk, f':{keys.CHILDREN}')

    def _path(self, before: str, path: str, after: str) -> str:
        """An encoded path; each of its names is a child of the group that the names above it name."""
        names = path.split('/')
        if path:
            above = ['/'.join(names[:end]) for end in range(len(names))]
            names = [self.child(f'{before}{group}{after}', name) for group, name in zip(above, names, strict=True)]
        return '/'.join(names)

    def cells(self, cells: Sums) -> Sums:
        """The sums of those that are counted as one."""
        return {slot: self._sums(of_slot) for slot, of_slot in cells.items()}

    def _sums(self, sums: Mapping[Series, int]) -> Mapping[Series, int]:
        found: dict[Series, int] = {}
        for (shard, group, child), packed in sums.items():
            place = Series(shard, self.group(group), self.child(group, child))
            found[place] = found.get(place, 0) + packed
        return found

    def metrics(self, pks: Metrics) -> Metrics:
        """The metrics of those pks that are counted as one."""
        found: defaultdict[str, set[str]] = defaultdict(set)
        for pk, metrics in pks.items():
            found[self.pk(pk)].update(metrics)
        return found


def number(wire: Wire, shard: int, cells: Sums, pks: Metrics, *, room: int, longest: int) -> Numbered:
    """The number of every child, from its group's table; new children get the next one.

    A new child of a parent that has ``room`` for no more is counted as `keys.OTHER`, in all eras alike.  Numbers given
    to a commit that then fails stay in the table and expire with it.
    """
    found: dict[Table, dict[str, int]] = {}
    while refused := _look_up(wire, shard, cells, found, room=room, longest=longest):
        # Each time another name becomes `OTHER`, which has room everywhere: this ends.
        folding = Folding(refused)
        cells, pks = folding.cells(cells), folding.metrics(pks)
    return Numbered(cells, pks, found)


def _look_up(
    wire: Wire, shard: int, cells: Sums, found: dict[Table, dict[str, int]], *, room: int, longest: int
) -> set[tuple[str, str]]:
    """Find the numbers that are not ``found`` yet; the children, as (group, child), that have no room."""
    for batch in _batches(_unknown(tables(cells), found)):
        answers = numbers(evaluate(wire, 'number', _call(shard, batch, room=room, longest=longest)))
        each = iter(answers)
        if min(answers) < 0:
            return {(group, name) for (_, group), names in batch for name in names if next(each) == _REFUSED}
        for table, names in batch:
            found.setdefault(table, {}).update(zip(names, each, strict=False))
    return set()


def _call(shard: int, batch: Batch, *, room: int, longest: int) -> bytes:
    """The call of `scripts/number.lua`."""
    places = [keys.names_key(shard, era, group) for (era, group), _ in batch]
    args: list[str | int] = [room]
    for (era, _), names in batch:
        args += (era_expires(era, longest), len(names), *names)
    return evaluation('number', places, args)


def _unknown(needed: Mapping[Table, set[str]], found: Mapping[Table, Mapping[str, int]]) -> Mapping[Table, set[str]]:
    """The names to look up.  Parents come before children where they do not fit into one batch: nothing that lies
    below a name without room gets a number then."""
    left = {table: names - found[table].keys() if table in found else names for table, names in needed.items()}
    if sum(map(len, left.values())) <= _NAMES_AT_ONCE:
        return left
    return dict(sorted(left.items(), key=_depth))


def _depth(table: tuple[Table, set[str]]) -> tuple[int, int]:
    (_, group), _ = table
    pk, _, parent = group.partition(':')
    return _length(pk), -1 if parent == keys.CHILDREN else _length(parent)


def _length(path: str) -> int:
    return path.count('/') + 1 if path else 0


def _batches(needed: Mapping[Table, Iterable[str]]) -> Iterable[Batch]:
    """The names to look up, at most `_NAMES_AT_ONCE` at a time."""
    batch: Batch = []
    room = _NAMES_AT_ONCE
    for table, wanted in needed.items():
        names = list(wanted)
        while names:
            taken, names = names[:room], names[room:]
            batch.append((table, taken))
            room -= len(taken)
            if not room:
                yield batch
                batch, room = [], _NAMES_AT_ONCE
    if batch:
        yield batch
