"""How a row becomes an event: the pk, dimensions, metrics and time of an event, written with ``{column}``s in them."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Literal, NamedTuple, TypeVar

from hailwhale.errors import InvalidAmount, InvalidDimensions, InvalidInput, InvalidMetric, InvalidTime
from hailwhale.metrics import Micros, parse_amount, parse_metrics
from hailwhale.paths import dimension_nodes, pk_path
from hailwhale.tally import Subject
from hailwhale.times import clock, parse_time, zone

T = TypeVar('T')
Key = str | tuple[str, ...]
Missing = Literal['0', 'skip', 'refuse']

#: Texts of one kind that are remembered before all are forgotten: a new text in every row takes no more memory.
_REMEMBERED = 200_000
_COLUMN = re.compile(r'\{\{|\}\}|\{([^{}]*)\}|[{}]')
# A time with a date and no word of an offset; what is written of a 'T' or blank on is its second group.
_DATED = re.compile(r'\s*\d{4}-[\dW-]+(?:[T ](.*))?', re.ASCII | re.IGNORECASE | re.DOTALL)
_OFFSET = re.compile(r'[Z+ -]', re.IGNORECASE)


class LeftOutError(Exception):
    """A row without an amount, where such rows are to be left out."""


class Text(NamedTuple):
    """A text with columns in it: literal pieces, and the places of columns among those that are used together."""

    parts: tuple[str | int, ...]

    def filled(self, texts: Sequence[str]) -> str:
        return ''.join([part if isinstance(part, str) else texts[part] for part in self.parts])


class Memo(dict[Key, T]):
    """What each text was read as; a text that cannot be read raises each time."""

    def __init__(self, read: Callable[[Key], T]) -> None:
        super().__init__()
        self._read = read

    def __missing__(self, key: Key) -> T:
        value = self._read(key)
        if len(self) >= _REMEMBERED:
            self.clear()
        self[key] = value
        return value


class Columns:
    """The columns that templates use, each once, in the order of their first use."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def place(self, name: str) -> int:
        """The place of a column among those used."""
        if name not in self.names:
            self.names.append(name)
        return self.names.index(name)

    def text(self, template: str, field: str) -> Text:
        """Read one template.  Raises `InvalidInput` for a brace without its other half."""
        parts: list[str | int] = []
        end = 0
        for found in _COLUMN.finditer(template):
            parts.append(template[end : found.start()])
            end = found.end()
            if found[1] is not None:
                parts.append(self.place(found[1]))
            elif len(found[0]) == 2:
                parts.append(found[0][0])
            else:
                raise InvalidInput(
                    f'a brace without its other half in {template!r} (write {{column}}, or {{{{ and }}}} for braces)',
                    field=field,
                )
        parts.append(template[end:])
        return Text(tuple(part for part in parts if part != ''))

    def tree(self, value: object, field: str) -> object:
        """The same value with every text in it read as a template."""
        if isinstance(value, str):
            return self.text(value, field)
        if isinstance(value, list | tuple):
            return [self.tree(item, field) for item in value]
        if isinstance(value, Mapping):
            return {_hashable(self.tree(name, field)): self.tree(below, field) for name, below in value.items()}
        return value

    def key(self, header: Sequence[str], field: str) -> Callable[[Sequence[str]], Key]:
        """What picks the columns out of a row: a tuple of their texts, or the text where there is but one."""
        places = [_place(header, name, field) for name in self.names]
        if not places:
            return lambda row: ()  # noqa: ARG005 - of any row
        pick: Callable[[Sequence[str]], Key] = itemgetter(*places)
        return pick


def _place(header: Sequence[str], name: str, field: str) -> int:
    found = [place for place, column in enumerate(header) if column == name]
    if len(found) == 1:
        return found[0]
    shown = ', '.join(header[:20]) + (', ...' if len(header) > 20 else '')
    why = 'no such column' if not found else 'more than one column is called'
    raise InvalidInput(f'{why}: {name!r} (there are {shown})', field=field)


def _hashable(value: object) -> Hashable:
    assert isinstance(value, Hashable)
    return value


def _texts(key: Key) -> Sequence[str]:
    return (key,) if isinstance(key, str) else key


def _filled(value: object, texts: Sequence[str]) -> object:
    if isinstance(value, Text):
        return value.filled(texts)
    if isinstance(value, list):
        return [_filled(item, texts) for item in value]
    if isinstance(value, dict):
        branches = {_hashable(_filled(name, texts)): _filled(below, texts) for name, below in value.items()}
        if len(branches) < len(value):
            raise InvalidDimensions(f'two branches have the same name: {list(branches)}', field='dimensions')
        return branches
    return value


@dataclass(frozen=True, slots=True)
class Layout:
    """How rows become events: the arguments of ``count_now``, in whose texts ``{column}`` stands for the row's text.

    ``metrics``  names that count 1 each, or names with amounts: numbers, or templates such as ``'{price}'``
    ``at``       when it happened; None: now
    ``zone``     the zone of times that name no offset
    ``missing``  what an empty amount means: ``'0'`` nothing of that metric, ``'skip'`` leave the row out,
                 ``'refuse'`` a bad row
    ``empty``    the texts that are empty amounts

    >>> layout = Layout(pk=['flights', '{carrier}'], metrics={'flights': 1, 'delay': '{late}'}, at='{day}')
    >>> reader = layout.reader(['day', 'carrier', 'late'], now=1_700_000_000)
    >>> row = ['2023-11-14', 'UA', '2.5']
    >>> reader.subjects[reader.subject_key(row)].pk, reader.times[reader.time_key(row)]
    (('flights', 'UA'), 1699920000)
    """

    pk: object = None
    dimensions: object = None
    metrics: object = None
    at: str | None = None
    zone: str = 'UTC'
    missing: Missing = '0'
    empty: tuple[str, ...] = ('',)

    def fingerprint(self) -> str:
        """A short text that differs for layouts that count differently."""
        parts = [self.pk, self.dimensions, self.metrics, self.at, zone(self.zone), self.missing, sorted(self.empty)]
        return hashlib.blake2b(json.dumps(parts, default=str).encode(), digest_size=9).hexdigest()

    def columns(self) -> list[str]:
        """The columns that are used, each once."""
        used = Columns()
        for value, field in ((self.pk, 'pk'), (self.dimensions, 'dimensions'), (self.at, 'at')):
            used.tree(value, field)
        for template in _templates(self.metrics).values():
            used.tree(template, 'metrics')
        return used.names

    def reader(self, header: Sequence[str], *, now: float) -> Reader:
        """What reads rows with these columns.  Raises `InvalidInput` for what could be no event, whatever the row."""
        return Reader(self, header, now)


def _templates(metrics: object) -> dict[object, str]:
    """The metrics whose amounts are templates."""
    if not isinstance(metrics, Mapping):
        return {}
    return {name: amount for name, amount in metrics.items() if isinstance(amount, str)}


class Reader:
    """Reads rows with given columns: each kind of text is picked out by a key, and read where it is new.

    ``constants`` holds every metric, those of ``variables`` (name, key, what reads the amount) with 0.  What
    reads texts raises `InvalidInput` for those that cannot be counted, `LeftOutError` where a row is to be left out.
    """

    def __init__(self, layout: Layout, header: Sequence[str], now: float) -> None:
        self.width = len(header)
        self._layout = layout
        self._now = now
        self._zone = None if zone(layout.zone) == 'UTC' else clock(zone(layout.zone))
        self.subject_key, self.subjects = self._subjects(header)
        self.time_key, self.times = self._times(header)
        self.constants: dict[str, Micros] = {}
        self.variables: list[tuple[str, Callable[[Sequence[str]], Key], Callable[[Key], Micros]]] = []
        self._read_metrics(header)

    def _subjects(self, header: Sequence[str]) -> tuple[Callable[[Sequence[str]], Key], Memo[Subject]]:
        used = Columns()
        pk = used.tree(self._layout.pk, 'pk')
        dimensions = used.tree(self._layout.dimensions, 'dimensions')

        def read(key: Key) -> Subject:
            texts = _texts(key)
            return Subject(pk_path(_filled(pk, texts)), dimension_nodes(_filled(dimensions, texts)))

        key = used.key(header, 'pk')
        _probe(used, lambda texts: read(texts))
        return key, Memo(read)

    def _times(self, header: Sequence[str]) -> tuple[Callable[[Sequence[str]], Key], Memo[int]]:
        used = Columns()
        if self._layout.at is None:
            return used.key(header, 'at'), Memo(lambda key: int(self._now))  # noqa: ARG005 - of any row
        template = used.text(self._layout.at, 'at')
        if not used.names:
            self._moment(template.filled(()))
        return used.key(header, 'at'), Memo(lambda key: self._moment(template.filled(_texts(key))))

    def _moment(self, text: str) -> int:
        if not text.strip():
            raise InvalidTime('the time is empty', field='at')
        at = parse_time(text, self._now)
        dated = _DATED.fullmatch(text)
        if self._zone is None or dated is None or _OFFSET.search((dated[1] or '').strip()):
            return at
        return self._zone.first(at)

    def _read_metrics(self, header: Sequence[str]) -> None:
        templates = _templates(self._layout.metrics)
        metrics = self._layout.metrics
        if isinstance(metrics, Mapping):
            metrics = {name: 0 if name in templates else amount for name, amount in metrics.items()}
        self.constants = parse_metrics(metrics)
        for name in self.constants:
            if '{' in name or '}' in name:
                raise InvalidMetric(
                    f'not the name of a metric: {name!r} (columns belong into pk, dimensions, amounts)', field='metrics'
                )
        for variable, template in templates.items():
            used = Columns()
            read = self._amount(str(variable), used.text(template, 'metrics'))
            self.variables.append((str(variable), used.key(header, 'metrics'), read))

    def _amount(self, name: str, template: Text) -> Callable[[Key], Micros]:
        def read(key: Key) -> Micros:
            text = template.filled(_texts(key)).strip()
            if text not in self._layout.empty:
                return parse_amount(text, name)
            if self._layout.missing == 'skip':
                raise LeftOutError
            if self._layout.missing == 'refuse':
                raise InvalidAmount(f'the amount of {name} is empty', field='metrics')
            return 0

        return read


def _probe(used: Columns, read: Callable[[tuple[str, ...]], object]) -> None:
    """Read a row of distinct names: what is wrong with every row is said once, before the first of them."""
    read(tuple(f'column {place}' for place in range(len(used.names))))
