"""The command line: what it prints, where, and how it ends."""

import gc
import io
import json
import os
import re
import signal
import subprocess
import sys
import time
from argparse import ArgumentTypeError, Namespace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from hailwhale import cli
from hailwhale.cli import asking, doctor, drawing, options, progress
from hailwhale.cli.filling import no_collector
from hailwhale.cli.parser import parse
from hailwhale.errors import StorageRefused
from hailwhale.importing import Imported
from hailwhale.settings import SETTINGS
from hailwhale.whale import Whale
from tests.cli.conftest import Run
from tests.consoles import ROOT
from tests.fresh import unmeasured

# -- the program -----------------------------------------------------------------------------------------------------


def test_the_version_is_that_of_the_package(run: Run) -> None:
    code, out, _ = run('--version')
    assert code == 0
    assert re.fullmatch(r'hailwhale \d+\.\d+\.\d+\n', out)


def test_a_process_of_its_own_runs_a_command(embedded_url: str) -> None:
    command = [sys.executable, '-m', 'hailwhale', 'count', 'signup', '--url', embedded_url]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, 'counted\n', '')


def test_importing_the_command_line_imports_no_part_of_it() -> None:
    program = 'import sys, hailwhale.cli; print([name for name in sys.modules if name.startswith("hailwhale.")])'
    done = subprocess.run([sys.executable, '-c', program], cwd=ROOT, env=unmeasured(), capture_output=True, text=True)
    assert set(eval(done.stdout)) == {'hailwhale.cli', 'hailwhale.errors', 'hailwhale.parts'}


@pytest.mark.parametrize(
    ('given', 'threads'), [({}, 1), ({'OPENBLAS_NUM_THREADS': '2'}, 2), ({'OMP_NUM_THREADS': '2'}, 2)]
)
def test_matrices_are_reckoned_with_in_one_thread_unless_told_otherwise(given: dict[str, str], threads: int) -> None:
    program = (
        'import hailwhale.cli\n'
        'hailwhale.cli.main(["sample-size", "--rate", ".1", "--lift", ".2"])\n'
        'import json, threadpoolctl\n'
        'print(json.dumps(threadpoolctl.threadpool_info()))'
    )
    env = {name: value for name, value in unmeasured().items() if not name.endswith('_NUM_THREADS')} | given
    done = subprocess.run([sys.executable, '-c', program], cwd=ROOT, env=env, capture_output=True, text=True)
    pools = json.loads(done.stdout.splitlines()[-1])
    # No more than there are cores; and where NumPy comes with another library, nothing is said to it.
    most = len(os.sched_getaffinity(0)) if hasattr(os, 'sched_getaffinity') else os.cpu_count() or 1
    assert {pool['num_threads'] for pool in pools if pool['internal_api'] == 'openblas'} <= {min(threads, most)}


@pytest.mark.parametrize(('name', 'expected'), [('COLUMNS', '1'), ('OMP_NUM_THREADS', None)])
def test_who_says_how_many_threads_there_are_is_heard(
    run: Run, monkeypatch: pytest.MonkeyPatch, name: str, expected: str | None
) -> None:
    monkeypatch.delenv('OPENBLAS_NUM_THREADS', raising=False)
    monkeypatch.delenv('OMP_NUM_THREADS', raising=False)
    monkeypatch.setenv(name, '2')
    run('sample-size', '--rate', '.1', '--lift', '.2')
    assert os.environ.get('OPENBLAS_NUM_THREADS') == expected


def test_without_a_command_or_with_a_wrong_one_the_usage_is_shown(run: Run) -> None:
    for argv in ((), ('dance',), ('count',), ('top', 'x', '-n', '0'), ('plot', 'x', '--limit', 'x')):
        code, out, err = run(*argv)
        assert (code, out) == (2, '')
        assert err.startswith('usage: hailwhale')


@pytest.mark.parametrize('command', ['serve', 'count', 'totals', 'plot', 'top', 'import', 'demo', 'doctor'])
def test_every_command_tells_its_options(run: Run, command: str) -> None:
    code, out, _ = run(command, '--help')
    assert code == 0
    assert '--home' in out
    assert '``' not in out


def test_every_setting_but_the_secret_is_an_option_of_serve_with_its_help(run: Run) -> None:
    shown = ' '.join(run('serve', '--help')[1].split())
    assert '--secret' not in shown
    for setting in SETTINGS:
        if setting.name == 'secret':
            continue
        assert f'--{setting.name.replace("_", "-")} ' in shown
        assert setting.env in shown
        assert setting.help.replace('``', '')[:40].split('-')[0] in shown


def test_settings_stand_before_or_after_the_command(
    run: Run, embedded_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv('HAILWHALE_URL', 'redis://127.0.0.1:1/')
    assert run('--url', embedded_url, 'count', 'signup')[0] == 0
    assert run('--url', 'redis://127.0.0.1:2/', 'count', 'signup', '--url', embedded_url)[0] == 0


def test_an_engine_that_is_away_is_one_clear_line_and_exit_1(run: Run) -> None:
    code, out, err = run('count', 'signup', '--url', 'redis://127.0.0.1:1/', '--timeout', '0.1')
    assert (code, out) == (1, '')
    assert re.fullmatch(r'hailwhale: no engine at .*\n', err)


def test_a_value_that_cannot_be_read_is_one_clear_line_and_exit_2(run: Run) -> None:
    for argv in (('count', '["a"'), ('count', 'a', '--port', '1'), ('totals', 'a', '--period', '1x')):
        code, _, err = run(*argv)
        assert code == 2
        assert 'Traceback' not in err
    assert run('totals', 'a', '--period', '1x')[2].startswith("hailwhale: period: not a period: '1x'")
    assert run('count', 'a', '--timeout', 'x')[2].startswith('hailwhale: timeout cannot be')


class Interrupted(io.RawIOBase):
    """A stream; while it is read, somebody presses Ctrl-C."""

    def readable(self) -> bool:
        return True

    def readinto(self, _: object) -> int:
        signal.raise_signal(signal.SIGINT)
        return 0


def test_ctrl_c_ends_a_command_quietly_with_130(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, 'stdin', io.TextIOWrapper(io.BufferedReader(Interrupted())))
    assert run('import', '-', '--pk', '{a}') == (130, '', '')


def test_a_pipe_that_nobody_reads_ends_a_command_quietly(embedded_url: str) -> None:
    command = f'{sys.executable} -m hailwhale top nothing --url {embedded_url}'
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(command.split(), cwd=ROOT, stdout=write, stderr=subprocess.PIPE, check=False)
    os.close(write)
    assert (done.returncode, done.stderr) == (141, b'')


@pytest.mark.parametrize(
    ('output', 'code', 'told'),
    [('&9', 1, 'hailwhale: cannot write the answer: Bad file descriptor\n'), ('&-', 0, '')],
)
def test_an_answer_that_cannot_be_written_is_told_in_one_line(
    embedded_url: str, output: str, code: int, told: str
) -> None:
    command = f'{sys.executable} -m hailwhale top nothing --url {embedded_url} 9</dev/null >{output}'
    done = subprocess.run(['sh', '-c', command], cwd=ROOT, stderr=subprocess.PIPE, text=True, check=False)
    assert (done.returncode, done.stderr) == (code, told)


# -- count, totals, plot, top ----------------------------------------------------------------------------------------


def test_an_event_is_counted_and_printed_in_aligned_columns(run: Run) -> None:
    event = ('count', '["Product", 42]', '--dimensions', '{country: US}', '--metrics', '{price: 1234.50, sales: 1}')
    assert run(*event, '--id', 'a') == (0, 'counted\n', '')
    assert run(*event, '--id', 'a') == (0, 'was counted before\n', '')
    assert run('count', 'Product/42')[0] == 0
    code, out, _ = run('totals', 'Product', '--metrics', '["price", "price/hits"]', '--period', '["day", "hour"]')
    assert code == 0
    assert out.splitlines() == [
        'period  dimension    price  price/hits',
        'day     _          1,234.5     1,234.5',
        'hour    _          1,234.5     1,234.5',
    ]
    assert run('totals', 'Product/42', '--period', 'day')[1].split()[-1] == '1'
    code, out, _ = run('totals', 'Product', '--metric', 'price', '--dimension', 'country', '--period', 'day', '--json')
    assert json.loads(out) == {'day': {'country': {'price': 1234.5}}}


@pytest.mark.parametrize('number', ['1e5', '.50', '+5', '007', '1.50', '12'])
def test_a_pk_that_is_a_number_is_named_as_it_is_written(run: Run, embedded_url: str, number: str) -> None:
    run('count', number)
    with Whale(embedded_url) as whale:
        assert whale.pks() == [[number]]
    assert run('totals', number, '--period', 'day', '--metrics', '10')[1].split()[-1] == '10'


def test_totals_are_those_of_all_default_periods_unless_some_are_named(run: Run) -> None:
    run('count', 'signup', '--at', '2020-01-01')
    rows = run('totals', 'signup')[1].splitlines()[1:]
    assert [row.split()[0] for row in rows] == ['year', 'thirty', 'seven', 'day', 'hour', 'mtd', 'ytd']


def test_one_series_is_drawn_as_a_graph_with_axes_and_extremes(run: Run) -> None:
    run('count', 'sale', '--metrics', '{price: 8}')
    code, out, _ = run('plot', 'sale', '--metric', 'price', '--period', '1h:24h', '--width', '60', '--height', '6')
    lines = out.splitlines()
    assert code == 0
    assert lines[0] == '_ price'
    assert [line.split()[0] for line in (lines[1], lines[4], lines[6])] == ['8', '4', '0']
    assert lines[7] == f'  └{"─" * 57}'
    assert '⡏' in lines[1] or '⢸' in lines[1]
    assert lines[-1].startswith('min 0 (')
    assert lines[-1].endswith('total 8')
    assert max(map(len, lines[:-1])) <= 60


def test_several_series_are_a_small_graph_each(run: Run) -> None:
    run('count', 'sale', '--dimensions', '{country: [US, NY]}')
    run('count', 'sale', '--dimensions', '{country: UK}')
    code, out, _ = run('plot', 'sale', '--dimension', 'country', '--depth', '1', '--sort=-hits', '--period', 'hour')
    lines = out.splitlines()
    assert code == 0
    assert lines[0].split() == ['min', 'max', 'total']
    assert [line.split('  ')[0] for line in lines[1:4]] == [
        'country hits',
        '["country", "UK"] hits',
        '["country", "US"] hits',
    ]
    assert all(line.rstrip()[-1] in '▁▂▃▄▅▆▇█' for line in lines[1:4])
    code, out, _ = run('plot', 'sale', '--period', '1h:2h', '--json', '--limit', '0')
    points = json.loads(out)['_']['hits']
    assert [count for _, count in points] == [0, 2]


def test_days_are_written_as_dates_and_narrow_axes_drop_what_has_no_room(run: Run) -> None:
    run('count', 'sale')
    days = run('plot', 'sale', '--period', '1d:7d', '--width', '60')[1].splitlines()
    assert len(re.findall(r'\d{4}-\d\d-\d\d', days[-2])) == 3
    hours = run('plot', 'sale', '--period', '1h:7h', '--width', '44')[1].splitlines()
    assert len(re.findall(r'\d\d:\d\d', hours[-2])) == 2
    tall = run('plot', 'sale', '--period', '1h:7h', '--width', '1', '--height', '3')[1].splitlines()
    assert len(tall) == 7
    assert asking._time_axis([datetime(1970, 1, 1, hour, tzinfo=UTC) for hour in range(2)], 20) == '1970-01-01 00:00'


def test_the_largest_children_are_printed_with_bars(run: Run) -> None:
    for name, price in (('a', 4), ('b', 8), ('c\x1b[31m', -1)):
        run('count', json.dumps(['shop', name]), '--metrics', f'{{price: {price}}}', '--dimensions', '{country: UK}')
    code, out, _ = run('top', 'shop', '--metric', 'price', '--width', '40')
    lines = out.splitlines()
    assert code == 0
    assert [line.split()[:2] for line in lines[1:]] == [
        ['b', '8'],
        ['a', '4'],
        ['c\N{REPLACEMENT CHARACTER}[31m', '-1'],
    ]
    assert len(lines[1].split()[2]) == pytest.approx(2 * len(lines[2].split()[2]), abs=1)
    assert '█' not in lines[3]
    assert json.loads(run('top', 'shop', '-n', '1', '--json')[1]) == [{'name': 'a', 'hits': 1}]
    assert run('top', 'shop', '--dimension', 'country', '--period', 'day')[1].split()[:3] == ['hits', 'UK', '3']
    assert run('top', 'nothing') == (0, 'nothing was counted there\n', '')
    code, out, _ = run('top', '["shop", "c\\u001b[31m"]', '--dimensions', 'country', '--metrics', 'price')
    assert out.splitlines()[1] == 'UK     -1'


def test_a_terminal_without_braille_gets_plain_characters(run: Run, embedded_url: str) -> None:
    run('count', 'sale', '--dimensions', 'UK')
    command = [sys.executable, '-m', 'hailwhale', 'plot', 'sale', '--url', embedded_url, '--period', '1h:9h']
    for option, mark in (('--depth=0', '*'), ('--depth=1', '________#\n')):
        done = subprocess.run(
            [*command, option],
            cwd=ROOT,
            env={**os.environ, 'PYTHONIOENCODING': 'ascii'},
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout.isascii()
        assert mark in done.stdout
        assert '\\u' not in done.stdout


@pytest.mark.parametrize('values', [[0], [5], [-3, 3], [0, 0, 0], list(range(500)), [-1.5] * 3, [1, 5]])
def test_a_line_is_never_broken_and_fills_its_width(values: list[float]) -> None:
    lines = drawing.line(values, 20, 4)
    assert [len(line) for line in lines] == [20] * 4
    assert all(any(line[place] != '\u2800' for line in lines) for place in range(20))


def test_a_peak_between_two_dots_is_still_seen() -> None:
    values = [0.0] * 1_001
    values[500] = 9
    assert set(drawing.line(values, 10, 3)[0]) != {'\u2800'}


# -- import ----------------------------------------------------------------------------------------------------------


def test_a_file_is_imported_with_progress_and_bad_rows_beside_the_result(run: Run, tmp_path: Path) -> None:
    rows = [f'shop,{i}' for i in range(100)] + ['shop,x'] * 25 + ['shop,']
    place = tmp_path / 'a.csv'
    place.write_text('\n'.join(['name,price', *rows]))
    argv = (
        'import',
        str(place),
        '--pk',
        '{name}',
        '--metrics',
        '{price: "{price}"}',
        '--missing',
        'skip',
        '--progress',
    )
    code, out, err = run(*argv)
    assert code == 0
    assert re.fullmatch(r'counted 100 rows in \d+\.\d s, left out 1, 25 bad\n', out)
    assert err.count('line ') == 20
    assert 'line 102: ' in err
    assert 'beyond the first 20' in err
    assert '100%' in err
    assert run(*argv)[1] == 'already imported: 100 rows (--again counts them once more), left out 1, 25 bad\n'
    assert run(*argv, '--strict')[0] == 1
    assert run(*argv, '--again', '--increments', '50')[1].startswith('counted 100 rows')
    assert run('totals', 'shop', '--metric', 'price', '--period', 'day')[1].split()[-1] == '9,900'


def test_rows_of_standard_input_are_counted(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, 'stdin', io.TextIOWrapper(io.BytesIO(b'x;1\ny;NA\n')))
    argv = ('--delimiter', ';', '--columns', 'a,b', '--metrics', '{n: "{b}"}', '--empty', 'NA')
    code, out, err = run('import', '-', '--pk', '["in", "{a}"]', *argv)
    assert (code, err) == (0, '')
    assert out.startswith('counted 2 rows')
    assert run('import', '-', '--pk', 'x', '--delimiter', ';;')[2] == "hailwhale: delimiter: not one character: ';;'\n"


def test_times_are_moved_to_today_or_a_day(run: Run, tmp_path: Path) -> None:
    place = tmp_path / 'a.csv'
    place.write_text('at\n2013-05-05\n')
    code, out, _ = run('import', str(place), '--pk', 'x', '--at', '{at}', '--move-to', 'today')
    assert code == 0
    assert re.search(r', times moved by \+[\d,]+ days\n$', out)
    assert run('totals', 'x', '--period', '1d:2d')[1].split()[-1] == '1'
    assert 'not a time' in run('import', str(place), '--pk', 'x', '--at', '{at}', '--move-to', 'soon')[2]


def test_a_column_alone_is_a_value(run: Run, tmp_path: Path) -> None:
    place = tmp_path / 'a.csv'
    place.write_text('shop,country\na,UK\n')
    code, _, err = run('import', str(place), '--pk', '{shop}', '--dimensions', '{country}-{shop}')
    assert (code, err) == (0, '')
    assert run('top', 'a', '--dimension', '_')[1].split()[1] == 'UK-a'
    assert run('import', str(place), '--pk', 'b', '--dimensions', '{}', '--metrics', '{country}')[0] == 2
    assert 'stands in quotes: "{shop}"' in run('import', str(place), '--pk', '[shops, {shop}]')[2]
    assert 'in quotes' not in run('import', str(place), '--pk', '[shops')[2]


class Terminal(io.StringIO):
    """A standard error that says it is a terminal."""

    encoding = 'ascii'

    def isatty(self) -> bool:
        return True


def test_on_a_terminal_the_bar_is_drawn_over_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, 'stderr', terminal)
    times = iter([0.0, 10.0, 10.05, 100.0, 101.0, 102.0])
    with progress.Bar('counting', clock=lambda: next(times)) as bar:
        bar.clear()
        for rows, share in ((1_000, 0.1), (1_001, 0.11), (2_000, 0.5), (9_000, 1.0)):
            bar.show(Imported(rows=rows, share=share))
        bar.clear()
        assert terminal.getvalue().endswith(' \r')
        bar.show(Imported(rows=9_000, share=1.0))
    drawn = terminal.getvalue().split('\r')
    assert [re.sub(' +', ' ', line).strip() for line in drawn[1:4]] == [
        'counting ##- 10% 1,000 rows 100/s 1:30 min left',
        'counting ############ 50% 2,000 rows 20/s 1:40 min left',
        f'counting {"#" * 24} 100% 9,000 rows 89/s',
    ]
    assert drawn[4].isspace()
    assert drawn[-1].endswith('/s\n')


def test_without_a_terminal_no_bar_is_drawn_unless_it_is_wanted(capsys: pytest.CaptureFixture[str]) -> None:
    with progress.Bar('counting') as bar:
        bar.show(Imported(share=0.5))
    assert capsys.readouterr().err == ''
    with progress.Bar('counting', always=True, clock=iter([0.0, 4.0, 4.0, 5.0]).__next__) as bar:
        for share in (0.5, 0.55, 0.8):
            bar.show(Imported(share=share))
    assert re.findall(r'\d+%', capsys.readouterr().err) == ['50%', '80%']


# -- doctor ----------------------------------------------------------------------------------------------------------


def test_a_healthy_engine_is_found_healthy_on_every_kind(run: Run, url: str) -> None:
    run('count', 'signup', '--url', url)
    code, out, err = run('doctor', '--url', url, '--zones', 'Asia/Tokyo')
    assert (code, err) == (0, '')
    lines = out.splitlines()
    assert {line.split()[0] for line in lines} <= {'OK', 'WARN'}
    for about in (
        'hailwhale',
        'page',
        'engine',
        'role',
        'persistence',
        'memory',
        'eviction',
        'keys',
        'latency',
        'clock',
    ):
        assert any(line.split()[1] == about for line in lines), about
    assert sum('OK    role' in line for line in lines) == (3 if 'cluster' in url else 1)
    assert lines[-1].endswith('1 names counted; kept: 1m:1d 1h:35d 1d:13mo 1d@Asia/Tokyo:13mo')


def test_what_fails_is_told_with_exit_1_and_secrets_are_hidden(run: Run) -> None:
    code, out, _ = run('doctor', '--url', 'redis://me:hidden@127.0.0.1:1/', '--timeout', '0.1')
    assert code == 1
    assert re.search(r'^FAIL  engine +no engine at', out, re.MULTILINE)
    assert 'hidden' not in out
    assert 'redis://me:***@127.0.0.1:1/' in out
    code, out, _ = run('doctor', '--zones', 'Mars/Olympus')
    assert code == 1
    assert re.search(r'^FAIL  settings +zones cannot be', out, re.MULTILINE)


def test_the_secret_is_said_to_be_set_and_not_told(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv('HAILWHALE_SECRET', f'1:{"k" * 43}')
    out = run('doctor')[1]
    assert re.search(r'^OK +setting +secret = \*\*\*$', out, re.MULTILINE)
    assert 'kkk' not in out


def test_a_page_that_is_not_built_is_a_warning(tmp_path: Path) -> None:
    assert doctor._page(tmp_path / 'index.html').level == 'WARN'
    (tmp_path / 'index.html').write_text('')
    assert doctor._page(tmp_path / 'index.html').level == 'OK'


def node(now: tuple[int, int] | StorageRefused | None, **info: str) -> dict[str, doctor.Finding]:
    """What is found of an engine that says these things of itself."""

    def ask(command: str) -> object:
        if command == 'INFO':
            return '\r\n'.join(['# Server', 'no field', *(f'{name}:{value}' for name, value in info.items())]).encode()
        if command != 'TIME':
            return 5
        if isinstance(now, StorageRefused):
            raise now
        return [b'%d' % part for part in now or (int(time.time()), 0)]

    return {finding.about: finding for finding in doctor.examine_node('here', ask)}


@pytest.mark.parametrize(
    ('about', 'level', 'text', 'info'),
    [
        ('engine', 'FAIL', 'too old', {'redis_version': '6.2.1'}),
        ('engine', 'FAIL', 'too old', {'redis_version': 'unstable'}),
        ('engine', 'OK', 'Redis 7.0.15', {'redis_version': '7.0.15'}),
        ('engine', 'OK', 'Valkey 9.1.2', {'redis_version': '7.2.4', 'valkey_version': '9.1.2'}),
        ('role', 'FAIL', 'name db1', {'role': 'slave', 'master_host': 'db1'}),
        ('persistence', 'FAIL', 'append-only', {'aof_enabled': '1', 'aof_last_write_status': 'err'}),
        ('persistence', 'FAIL', 'snapshot', {'rdb_last_bgsave_status': 'err'}),
        ('persistence', 'WARN', 'appendonly yes', {'aof_enabled': '0'}),
        ('memory', 'WARN', 'nearly full', {'used_memory': '950', 'maxmemory': '1000'}),
        ('memory', 'FAIL', 'full, nothing is counted', {'used_memory': '1000', 'maxmemory': '1000'}),
        ('memory', 'OK', '1.0 MB used of 2.0', {'used_memory': '1048576', 'maxmemory': '2097152'}),
        ('eviction', 'OK', 'noeviction', {'maxmemory_policy': 'noeviction'}),
        ('eviction', 'WARN', 'noeviction', {'maxmemory_policy': 'allkeys-lru', 'maxmemory': '0'}),
        ('eviction', 'FAIL', 'drop counters', {'maxmemory_policy': 'volatile-ttl', 'maxmemory': '1000'}),
    ],
)
def test_what_an_engine_says_of_itself_is_judged(about: str, level: str, text: str, info: dict[str, str]) -> None:
    finding = node(None, **info)[about]
    assert finding.level == level
    assert text in finding.text


def test_a_clock_far_from_that_of_the_engine_is_told() -> None:
    now = int(time.time())
    assert node(None)['clock'].level == 'OK'
    assert node((now - 60, 0))['clock'].level == 'WARN'
    assert node((now + 7_200, 0))['clock'].level == 'FAIL'
    assert 'not permitted' in node(StorageRefused('not permitted'))['clock'].text


def test_a_slow_engine_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, '_SLOW_MS', -1.0)
    assert node(None)['latency'].level == 'WARN'


# -- small parts -----------------------------------------------------------------------------------------------------


def test_numbers_of_options_are_whole_and_in_range() -> None:
    assert (options.positive('7'), options.natural('0'), options.natural('12')) == (7, 0, 12)
    for text in ('0', '-1', 'x', '1.5', '٣', ''):
        with pytest.raises(ArgumentTypeError, match='not a number'):
            options.positive(text)


def test_the_parser_answers_the_function_of_the_command() -> None:
    arguments = parse(['count', 'x'])
    assert isinstance(arguments, Namespace)
    assert arguments.run.__name__ == 'count'


def test_streams_that_are_no_terminals_of_ours_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, 'stderr', io.StringIO())
    with pytest.raises(SystemExit):
        cli.main(['--help'])


@pytest.mark.parametrize('enabled', [True, False])
def test_an_import_leaves_the_collector_of_cycles_as_it_was(enabled: bool) -> None:
    before = gc.isenabled()
    try:
        (gc.enable if enabled else gc.disable)()
        with no_collector():
            assert not gc.isenabled()
        assert gc.isenabled() is enabled
    finally:
        (gc.enable if before else gc.disable)()


def test_annotate_lets_graphs_show_a_word_and_takes_it_away(run: Run, embedded_url: str) -> None:
    assert run('annotate', 'release 2.1') == (0, 'annotated\n', '')
    at = f'{int(time.time()) - 60}'
    assert run('annotate', 'mailing', '--pk', '["Shop", 1]', '--at', at)[1] == 'annotated\n'
    assert run('annotate', 'mailing', '--pk', '["Shop", 1]', '--at', at)[1] == 'was there before\n'
    with Whale(embedded_url) as whale:
        assert [each.text for each in whale.annotations(['Shop', 1])] == ['mailing', 'release 2.1']
    assert run('annotate', 'release 2.1', '--remove')[1] == 'removed 1\n'
