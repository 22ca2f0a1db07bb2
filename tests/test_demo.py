"""The demo, and with it an import of real data: the flights, compared with pandas on the same rows."""

import json
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import quote
from wsgiref.util import setup_testing_defaults

import pandas
import pytest

from hailwhale import cli, demo
from hailwhale.importing import Imported, mark_of
from hailwhale.servers.web import Application
from hailwhale.servers.whale_server import whale_routes
from hailwhale.settings import Settings
from hailwhale.whale import Whale
from tests.flights import counted_flights

ROOT = Path(__file__).resolve().parent.parent
FLIGHTS = demo.FLIGHTS


@pytest.fixture(scope='module')
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory in which the demo has counted the flights, and ended."""
    return counted_flights(tmp_path_factory)


@pytest.fixture(scope='module')
def whale(home: Path) -> Iterator[Whale]:
    settings = Settings.load({}, home=home, zones=[demo.ZONE])
    with Whale(settings=settings) as opened:
        yield opened


@pytest.fixture(scope='module')
def flights(whale: Whale) -> pandas.DataFrame:
    """The rows that the demo counted, at the times that it moved them to."""
    with (files('hailwhale') / 'data' / 'flights.csv.gz').open('rb') as packed:
        rows = pandas.read_csv(packed, compression='gzip', parse_dates=['time_hour'])
    mark = mark_of(whale, demo.NAME)
    assert mark is not None
    rows['at'] = rows['time_hour'] + timedelta(seconds=mark.shift)
    return rows


def test_all_flights_lie_within_a_year_until_today(whale: Whale, flights: pandas.DataFrame) -> None:
    assert len(flights) == FLIGHTS
    assert flights['at'].max().date() == datetime.now(UTC).date()
    assert whale.totals('flights', metrics=['flights', 'hits', 'delay', 'miles', 'delay/flights'], periods='year') == {
        'year': {
            '_': {
                'flights': FLIGHTS,
                'hits': FLIGHTS,
                'delay': flights['dep_delay'].sum(),
                'miles': flights['distance'].sum(),
                'delay/flights': pytest.approx(flights['dep_delay'].sum() / FLIGHTS),
            }
        }
    }


def test_departures_from_jfk_to_lax_by_carrier_are_those_of_pandas(whale: Whale, flights: pandas.DataFrame) -> None:
    there = flights[(flights['origin'] == 'JFK') & (flights['dest'] == 'LAX')]
    expected = there.groupby('carrier').agg(flights=('distance', 'size'), delay=('dep_delay', 'sum'))
    found = {}
    for _, carrier in whale.pks('flights'):
        totals = whale.totals(['flights', carrier], ['route', 'JFK', 'LAX'], ['flights', 'delay/flights'], 'year')
        (numbers,) = totals['year'].values()
        if numbers['flights']:
            found[carrier] = numbers
    assert found == {
        carrier: {'flights': row['flights'], 'delay/flights': pytest.approx(row['delay'] / row['flights'])}
        for carrier, row in expected.iterrows()
    }
    assert len(found) == 5


@pytest.mark.parametrize('zone', ['UTC', demo.ZONE])
def test_the_days_of_a_zone_are_those_of_pandas(whale: Whale, flights: pandas.DataFrame, zone: str) -> None:
    points = whale.plotpoints('flights', metrics=['flights', 'delay'], period='year', tz=zone)['_']
    by_day = flights.groupby(flights['at'].dt.tz_convert(zone).dt.date).agg(
        n=('at', 'size'), delay=('dep_delay', 'sum')
    )
    assert {start.date(): count for start, count in points['flights'].items() if count} == by_day['n'].to_dict()
    assert {start.date(): delay for start, delay in points['delay'].items() if delay} == by_day['delay'].to_dict()


def test_the_hours_of_the_last_month_are_those_of_pandas(whale: Whale, flights: pandas.DataFrame) -> None:
    points = whale.plotpoints(['flights', 'UA'], ['route', 'EWR'], 'flights', '1h:30d')['["route", "EWR"]']['flights']
    rows = flights[(flights['carrier'] == 'UA') & (flights['origin'] == 'EWR')]
    by_hour = rows.groupby('at').size()
    ended = min(points)
    assert {start: count for start, count in points.items() if count} == {
        at.to_pydatetime(): count for at, count in by_hour.items() if ended <= at <= max(points)
    }


def test_each_question_is_answered_as_pandas_does(whale: Whale, flights: pandas.DataFrame) -> None:
    answers = [asked(whale, path) for _, path in demo.QUESTIONS]
    delta = flights[(flights['carrier'] == 'DL') & (flights['origin'] == 'JFK') & (flights['dest'] == 'LAX')]
    assert answers[0]['year']['_'] == {
        'flights': FLIGHTS,
        'delay/flights': pytest.approx(flights['dep_delay'].sum() / FLIGHTS),
    }
    assert answers[1]['year']['["route", "JFK", "LAX"]'] == {
        'flights': len(delta),
        'delay/flights': pytest.approx(delta['dep_delay'].sum() / len(delta)),
    }
    by_day = flights.groupby(flights['at'].dt.tz_convert(demo.ZONE).dt.date).size()
    points = {datetime.fromtimestamp(ms / 1000, UTC): count for ms, count in answers[2]['_']['flights']}
    days = {pandas.Timestamp(start).tz_convert(demo.ZONE).date(): count for start, count in points.items()}
    assert len(days) == 7
    assert days == {day: by_day.get(day, 0) for day in days}


def asked(whale: Whale, path: str) -> Any:
    """What the whale server answers."""
    place, _, query = path.partition('?')
    environ: dict[str, Any] = {'PATH_INFO': place, 'QUERY_STRING': quote(query, safe='=&')}
    setup_testing_defaults(environ)
    environ['wsgi.input'] = BytesIO()
    status: list[str] = []

    def start(line: str, *_: object) -> Any:
        status.append(line)

    body = b''.join(Application(whale_routes(whale), max_body=0)(environ, start))
    assert status == ['200 OK']
    return json.loads(body)


def test_a_second_start_counts_nothing_again(whale: Whale, home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(['demo', '--no-serve', '--home', str(home)]) == 0
    assert '336,776 flights were counted before' in capsys.readouterr().err
    assert whale.total('flights', 'flights', period='year') == FLIGHTS


def test_the_demo_serves_and_prints_lines_that_work_as_pasted(home: Path) -> None:
    command = [sys.executable, '-m', 'hailwhale', 'demo', '--home', str(home), '--port', '0']
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as serving:
        assert serving.stdout is not None
        lines = []
        for line in serving.stdout:
            lines.append(line.strip())
            if 'Ctrl-C' in line:
                break
        curls = [line for line in lines if line.startswith('curl')]
        answers = [
            subprocess.run(['/bin/sh', '-c', f'{curl} -s -f'], capture_output=True, text=True, check=True).stdout
            for curl in curls
        ]
        serving.send_signal(signal.SIGTERM)
        serving.communicate()
    assert serving.returncode == 0
    assert re.search(r'http://127\.0\.0\.1:\d+/', lines[0] + lines[1])
    assert len(answers) == 3
    assert json.loads(answers[0])['year']['_']['flights'] == FLIGHTS


def test_a_server_alone_prints_its_address_and_ends_at_a_signal(tmp_path: Path) -> None:
    command = [sys.executable, '-m', 'hailwhale', 'serve', '--home', str(tmp_path), '--port', '0', '--access-log']
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as serving:
        assert serving.stdout is not None
        address = re.fullmatch(r'HailWhale at (http://127\.0\.0\.1:\d+/)\n', serving.stdout.readline())
        assert address
        asked = subprocess.run(['curl', '-sf', f'{address[1]}healthz'], capture_output=True, text=True, check=True)
        serving.send_signal(signal.SIGINT)
        _, told = serving.communicate()
    assert serving.returncode == 0
    assert json.loads(asked.stdout)['status'] == 'ok'
    assert 'GET /healthz' in told


def test_the_demo_never_counts_into_an_engine_of_yours(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(['demo', '--no-serve', '--url', 'redis://127.0.0.1:1/']) == 2
    assert 'leave --url out' in capsys.readouterr().err


def test_the_home_of_the_demo_lies_below_yours(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv('HAILWHALE_HOME', str(tmp_path))
    from hailwhale.cli.parser import parse
    from hailwhale.cli.serving import _demo_settings

    assert _demo_settings(parse(['demo'])).home == tmp_path / 'demo'
    given = _demo_settings(parse(['demo', '--home', str(tmp_path / 'x'), '--port', '99']))
    assert (given.home, given.port, given.url, given.zones) == (tmp_path / 'x', 99, '', (demo.ZONE,))


@pytest.fixture
def few_flights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two flights in the place of all."""
    few = tmp_path / 'data'
    few.mkdir()
    lines = ['time_hour,hour,carrier,origin,dest,distance,dep_delay', '2013-12-31T10:00:00Z,5,AA,JFK,MIA,1089,2']
    (few / 'flights.csv.gz').write_text('\n'.join([*lines, '2014-01-01T04:00:00Z,23,DL,JFK,SJU,1598,']))
    monkeypatch.setattr(demo, 'files', lambda _: tmp_path)


@pytest.mark.usefixtures('few_flights')
def test_counting_without_serving_tells_how_many_and_ends(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(['demo', '--no-serve', '--home', str(tmp_path)]) == 0
    printed = capsys.readouterr()
    assert printed.out == ''
    assert '100%' in printed.err
    assert printed.err.endswith('counted 2 flights\n')


@pytest.mark.usefixtures('few_flights')
def test_flights_counted_on_an_earlier_day_are_moved_to_today(embedded_url: str) -> None:
    settings = Settings.load({}, zones=[demo.ZONE])
    told: list[Imported] = []

    def counted(days_back: int, **options: Any) -> tuple[int, list[int]]:
        with Whale(
            embedded_url, settings=settings, clock=lambda: datetime.now(UTC).timestamp() - days_back * 86_400
        ) as then:
            new = demo.count_flights(then, progress=told.append, **options).counted
        with Whale(embedded_url, settings=settings) as now:
            return new, list(now.plotpoints('flights', metrics='flights', period='1d:4d')['_']['flights'].values())

    assert counted(1) == (2, [0, 1, 1, 0])
    assert counted(1) == (0, [0, 1, 1, 0])
    assert counted(0) == (2, [0, 0, 1, 1])
    assert counted(0, again=True) == (2, [0, 0, 1, 1])
    assert counted(0) == (0, [0, 0, 1, 1])
    assert told[-1].share == 1.0
