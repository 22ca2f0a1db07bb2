"""Where rows come from: CSV or NDJSON, plain or compressed, a file or a stream."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import json
import os
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal, NamedTuple, cast

from hailwhale.errors import InvalidInput

Format = Literal['csv', 'ndjson']

_GZIP = b'\x1f\x8b'
_NDJSON = ('.ndjson', '.jsonl', '.json')


class Broken(list[str]):
    """A row that cannot be read, and so has no columns."""

    def __init__(self, reason: str) -> None:
        super().__init__()
        self.reason = reason


class Rows(NamedTuple):
    """An opened source."""

    header: Sequence[str]
    rows: Iterator[list[str]]  #: a text for each column; a `Broken` for what is no row
    line: Callable[[], int]  #: the line in which the row just read ends, from 1
    share: Callable[[], float]  #: how much of the source has been read, from 0 to 1; 0 where that cannot be told


@dataclass(frozen=True, slots=True)
class Source:
    """A file of rows, gzipped or not, or a stream that can be read once.

    ``format``     by default ``ndjson`` for names that end so (or in ``.jsonl``, ``.json``), else ``csv``
    ``delimiter``  between columns; by default a tab for names that end in ``.tsv``, else a comma
    ``columns``    their names, for CSV whose first line is a row already

    `InvalidInput` for what cannot be read as a whole; a single bad row is a `Broken` one.
    """

    place: Path | BinaryIO
    format: Format | None = None
    delimiter: str | None = None
    columns: Sequence[str] | None = None

    @property
    def name(self) -> str:
        """What to call it."""
        return str(self.place) if isinstance(self.place, Path) else 'standard input'

    @property
    def again(self) -> bool:
        """Whether it can be read more than once: a pipe that has a name (``<(zcat log.gz)``) cannot."""
        return isinstance(self.place, Path) and not self.place.is_fifo() and not self.place.is_char_device()

    def fingerprint(self) -> str:
        """A text that is the same for the same content, whatever it is called."""
        assert isinstance(self.place, Path)
        with _readable(self.name), self.place.open('rb') as file:
            return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=12)).hexdigest()

    @contextmanager
    def open(self, used: Sequence[str]) -> Iterator[Rows]:
        """Read it from the start.  ``used`` are the columns wanted; NDJSON has these alone."""
        with _readable(self.name), self._binary() as raw:
            size = os.fstat(raw.fileno()).st_size if self.again else 0
            packed = cast(io.BufferedReader, raw).peek(2)[:2] == _GZIP
            plain = cast(BinaryIO, gzip.GzipFile(fileobj=raw)) if packed else raw
            # What is no UTF-8 stays in the text as such, so that only the rows that count it are bad.
            text = io.TextIOWrapper(plain, 'utf-8-sig', errors='surrogateescape', newline='')
            try:
                read = self._ndjson(text, used) if self._is_ndjson() else self._csv(text)
                yield Rows(*read, share=lambda: raw.tell() / size if size else 0.0)
            finally:
                text.detach()

    @contextmanager
    def _binary(self) -> Iterator[BinaryIO]:
        if isinstance(self.place, Path):
            with self.place.open('rb') as file:
                yield file
        else:
            yield cast(BinaryIO, io.BufferedReader(cast(io.RawIOBase, self.place)))

    def _suffixes(self) -> list[str]:
        return [suffix.lower() for suffix in self.place.suffixes] if isinstance(self.place, Path) else []

    def _is_ndjson(self) -> bool:
        if self.format:
            return self.format == 'ndjson'
        return any(suffix in _NDJSON for suffix in self._suffixes()[-2:])

    def _csv(self, text: io.TextIOWrapper) -> tuple[Sequence[str], Iterator[list[str]], Callable[[], int]]:
        delimiter = self.delimiter or ('\t' if '.tsv' in self._suffixes() else ',')
        # Strict: else a quote that is never closed takes all rows after it into its own, in silence.
        reader = csv.reader(text, delimiter=delimiter, strict=True)
        rows = _csv_rows(reader)
        header = self.columns or next(rows, None)
        if header is None or isinstance(header, Broken):
            raise InvalidInput(
                f'no line with the names of columns in {self.name} (name them with columns)', field='file'
            )
        return header, rows, lambda: reader.line_num

    def _ndjson(
        self, text: io.TextIOWrapper, used: Sequence[str]
    ) -> tuple[Sequence[str], Iterator[list[str]], Callable[[], int]]:
        lines = _Lines(text)
        return used, _ndjson_rows(lines, used), lambda: lines.number


def _csv_rows(reader: Iterator[list[str]]) -> Iterator[list[str]]:
    while True:
        try:
            # Blank lines are none of the rows.
            yield from filter(None, reader)
            return
        except csv.Error as error:
            yield Broken(str(error))


class _Lines:
    def __init__(self, text: io.TextIOWrapper) -> None:
        self._text = text
        self.number = 0

    def __iter__(self) -> Iterator[str]:
        for line in self._text:
            self.number += 1
            yield line


def _ndjson_rows(lines: _Lines, used: Sequence[str]) -> Iterator[list[str]]:
    # Numbers stay as they are written: exact.
    decode = json.JSONDecoder(parse_float=str, parse_int=str, parse_constant=str).decode
    for line in lines:
        if not line.strip():
            continue
        try:
            row = decode(line)
        except (ValueError, RecursionError) as error:
            yield Broken(f'not JSON: {error}')
            continue
        yield [_text(row.get(name)) for name in used] if isinstance(row, dict) else Broken('not a JSON object')


def _text(value: object) -> str:
    """The text of a JSON value; what is not there, or null, is empty."""
    if isinstance(value, str):
        return value
    return '' if value is None else json.dumps(value, ensure_ascii=False)


@contextmanager
def _readable(name: str) -> Iterator[None]:
    try:
        yield
    except (OSError, EOFError, zlib.error) as cause:
        reason = cause.strerror if isinstance(cause, OSError) and cause.strerror else str(cause)
        raise InvalidInput(f'cannot read {name}: {reason}', field='file') from cause
