"""The flights that the package carries for its demo."""

import csv
import gzip
import importlib.util
from importlib.resources import files
from pathlib import Path
from types import ModuleType

import pandas
import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGED = files('hailwhale') / 'data' / 'flights.csv.gz'


@pytest.fixture(scope='module')
def packaged() -> pandas.DataFrame:
    with PACKAGED.open('rb') as packed:
        return pandas.read_csv(packed, compression='gzip', dtype={'dep_delay': 'Int64'})


@pytest.fixture(scope='module')
def make_flights() -> ModuleType:
    spec = importlib.util.spec_from_file_location('make_flights', ROOT / 'tools' / 'make_flights.py')
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope='module')
def flights(make_flights: ModuleType) -> pandas.DataFrame:
    return make_flights.source_rows()


def test_the_packaged_flights_are_the_rows_of_the_source(packaged: pandas.DataFrame, flights: pandas.DataFrame) -> None:
    columns = list(packaged.columns)
    source = flights[columns].astype({'dep_delay': 'Int64'})
    pandas.testing.assert_frame_equal(
        packaged.sort_values(columns, ignore_index=True), source.sort_values(columns, ignore_index=True)
    )
    assert len(packaged) == 336_776


def test_the_packaged_flights_are_in_the_order_of_their_hours(packaged: pandas.DataFrame) -> None:
    assert packaged['time_hour'].is_monotonic_increasing


def test_a_flight_that_never_left_has_an_empty_delay(flights: pandas.DataFrame) -> None:
    with PACKAGED.open('rb') as packed, gzip.open(packed, 'rt', encoding='ascii', newline='') as text:
        delays = [row['dep_delay'] for row in csv.DictReader(text)]
    assert delays.count('') == 8_255
    assert sum(map(int, filter(None, delays))) == int(flights['dep_delay'].sum())


def test_making_the_file_again_gives_the_same_rows_and_no_time(make_flights: ModuleType, tmp_path: Path) -> None:
    again = tmp_path / 'again.csv.gz'
    make_flights.write(again)
    packed = again.read_bytes()
    # A gzip header: magic, method, flags (no name), four bytes of time.
    assert packed[:8] == b'\x1f\x8b\x08\x00\x00\x00\x00\x00'
    assert gzip.decompress(packed) == gzip.decompress(PACKAGED.read_bytes())
