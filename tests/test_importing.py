"""Imports: rows of files, each counted exactly once."""

import gzip
import io
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import pytest

from hailwhale.errors import (
    HailWhaleError,
    InvalidAmount,
    InvalidDimensions,
    InvalidInput,
    InvalidMetric,
    InvalidPath,
    InvalidTime,
    InvalidZone,
    StorageConflict,
)
from hailwhale.importing import BadRow, Import, Imported, Layout, Source, day_of, latest, mark_of
from hailwhale.importing import templates as templates_module
from hailwhale.importing.templates import Memo
from hailwhale.settings import Settings
from hailwhale.whale import Whale
from tests.engines import until

ROOT = Path(__file__).resolve().parent.parent
TODAY = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
SALES = Layout(pk=['sale', '{shop}'], dimensions={'country': '{country}'}, metrics={'price': '{price}'}, at='{day}')


def days_ago(days: int) -> str:
    return (TODAY - timedelta(days=days)).strftime('%Y-%m-%d')


@pytest.fixture
def whale(embedded_url: str) -> Iterator[Whale]:
    with Whale(embedded_url, settings=Settings.load({})) as opened:
        yield opened


@pytest.fixture
def sales(tmp_path: Path) -> Path:
    rows = [f'{days_ago(i % 50)},shop{i % 3},{"US" if i % 2 else "UK"},{i}.5' for i in range(600)]
    return written(tmp_path / 'sales.csv', ['day,shop,country,price', *rows])


def written(path: Path, lines: list[str]) -> Path:
    path.write_text('\n'.join(lines) + '\n', 'utf-8')
    return path


def imported(whale: Whale, place: Path, layout: Layout = SALES, **options: object) -> tuple[Imported, list[BadRow]]:
    bad: list[BadRow] = []
    what = Import(whale, Source(place), layout, on_bad=bad.append, **options)  # type: ignore[arg-type]
    return what.run(), bad


# -- rows ------------------------------------------------------------------------------------------------------------


def test_every_row_is_counted_under_its_columns(url: str, sales: Path) -> None:
    with Whale(url, settings=Settings.load({})) as whale:
        told, bad = imported(whale, sales)
        assert (told.rows, told.counted, told.share, bad) == (600, 600, 1.0, [])
        of_shop = sum(i + 0.5 for i in range(600) if i % 3 == 1)
        assert whale.totals(['sale', 'shop1'], metrics=['price', 'hits'], periods='year') == {
            'year': {'_': {'price': of_shop, 'hits': 200}}
        }
        assert whale.total('sale', 'hits', ['country', 'UK'], 'year') == 300
        by_day = whale.plotpoints('sale', metrics='hits', period='1d:50d')['_']['hits']
        assert list(by_day.values()) == [12] * 50


def test_small_transactions_count_the_same(whale: Whale, sales: Path) -> None:
    told, _ = imported(whale, sales, increments=40)
    assert told.counted == 600
    assert whale.total('sale', 'price', period='year') == sum(i + 0.5 for i in range(600))


def test_rows_without_a_time_happen_now(whale: Whale, tmp_path: Path) -> None:
    imported(whale, written(tmp_path / 'a.csv', ['name', 'x', 'y']), Layout(pk='{name}'))
    assert whale.total('x', period='hour') == 1


def test_a_layout_without_columns_counts_every_row_the_same(whale: Whale, tmp_path: Path) -> None:
    told, _ = imported(whale, written(tmp_path / 'a.csv', ['name', 'x', 'y']), Layout(pk='rows', metrics=['seen']))
    assert told.counted == 2
    assert whale.totals('rows', metrics=['seen', 'hits'], periods='hour') == {'hour': {'_': {'seen': 2, 'hits': 2}}}


def test_bad_rows_are_told_with_their_line_and_the_others_are_counted(whale: Whale, tmp_path: Path) -> None:
    day = days_ago(1)
    lines = [
        'day,shop,country,price',
        f'{day},a,UK,1',
        f'{day},a,UK,much',
        '',
        f'{day},a,UK',
        f'{day},a,"two\nlines",2',
        ',a,UK,3',
        '1999-01-01,a,UK,3',
        'yesterday,a,UK,3',
        f'{day},{"x" * 600},UK,3',
        f'{day},a,"{"x" * 140_000}",3',
        f'{day},a,\udce9,3',
        f'{day},a,UK,4',
    ]
    place = tmp_path / 'bad.csv'
    place.write_bytes('\n'.join(lines).encode('utf-8', 'surrogateescape'))
    told, bad = imported(whale, place)
    assert (told.counted, told.bad, told.rows) == (3, 8, 11)
    assert [row.line for row in bad] == [3, 5, 8, 9, 10, 11, 12, 13]
    reasons = dict(bad)
    assert reasons[5] == '3 columns where there should be 4'
    assert 'price' in reasons[3]
    assert reasons[8] == 'the time is empty'
    assert 'older than everything' in reasons[9]
    assert "'yesterday'" in reasons[10]
    assert '512 bytes' in reasons[11]
    assert 'field larger' in reasons[12]
    assert 'surrogate' in reasons[13] or 'UTF-8' in reasons[13]
    assert whale.total('sale', 'price', period='year') == 7


@pytest.mark.parametrize(('missing', 'expected'), [('0', (2, 0, 0)), ('skip', (1, 1, 0)), ('refuse', (1, 0, 1))])
def test_an_empty_amount_is_what_the_layout_says(
    whale: Whale, tmp_path: Path, missing: str, expected: tuple[int, int, int]
) -> None:
    place = written(tmp_path / 'a.csv', ['name,price', 'x,5', 'x,NA'])
    layout = Layout(pk='{name}', metrics={'price': '{price}'}, missing=missing, empty=('', 'NA'))  # type: ignore[arg-type]
    told, _ = imported(whale, place, layout)
    assert (told.counted, told.left_out, told.bad) == expected
    assert whale.total('x', 'price', period='hour') == 5
    assert whale.total('x', 'hits', period='hour') == expected[0]


def test_times_without_an_offset_are_of_the_zone_and_others_are_not(whale: Whale, tmp_path: Path) -> None:
    day = days_ago(3)
    at = f'{day}T12:00:00'
    epoch = int(datetime.fromisoformat(f'{at}+00:00').timestamp())
    lines = ['at', at, f'{at}+00:00', f'{at}Z', str(epoch), f'{day} 12:00', day]
    imported(whale, written(tmp_path / 'a.csv', lines), Layout(pk='z', at='{at}', zone='UTC+02:00'))
    points = whale.plotpoints('z', period='1h:120h')['_']['hits']
    hours = {start.strftime('%d %H'): count for start, count in points.items() if count}
    before = (TODAY - timedelta(days=4)).strftime('%d')
    assert hours == {f'{day[-2:]} 10': 2, f'{day[-2:]} 12': 3, f'{before} 22': 1}


def test_times_can_be_moved_so_that_the_latest_lies_on_a_day(whale: Whale, tmp_path: Path) -> None:
    place = written(tmp_path / 'a.csv', ['at', '2013-01-01T10:00:00Z', 'nonsense', '2013-01-09T23:59:00Z'])
    layout = Layout(pk='m', at='{at}')
    assert latest(Source(place), layout, now=0) == 1357775940
    told, bad = imported(whale, place, layout, move_to=day_of(TODAY))
    assert len(bad) == 1
    assert told.shift % 86_400 == 0
    counted = {start.date() for start, n in whale.plotpoints('m', period='1d:20d')['_']['hits'].items() if n}
    assert counted == {TODAY.date(), (TODAY - timedelta(days=8)).date()}
    none = written(tmp_path / 'b.csv', ['at', 'nonsense'])
    assert imported(whale, none, layout, move_to=5)[0].shift == 0


# -- sources ---------------------------------------------------------------------------------------------------------


def test_ndjson_gzip_tabs_and_named_columns_are_read_alike(whale: Whale, tmp_path: Path) -> None:
    layout = Layout(pk=['src', '{kind}'], metrics={'n': '{n}'})
    places: list[tuple[str, bytes, dict[str, object]]] = [
        ('a.ndjson', b'{"kind": "a", "n": 1.10}\n\n{"kind": "a", "n": null, "more": [1]}\n', {}),
        ('b.tsv', b'kind\tn\na\t1.10\na\t\n', {}),
        ('c.csv.gz', gzip.compress(b'\xef\xbb\xbfkind,n\na,1.10\na,\n'), {}),
        ('d.txt', b'a|1.10\na|\n', {'delimiter': '|', 'columns': ['kind', 'n']}),
        ('e.txt', b'{"kind": "a", "n": "1.10"}\n{"kind": "a"}\n', {'format': 'ndjson'}),
        ('f.jsonl.gz', gzip.compress(b'{"kind": "a", "n": 1.1}\n{"kind": "a"}'), {}),
    ]
    for count, (name, content, options) in enumerate(places, 1):
        (tmp_path / name).write_bytes(content)
        told = Import(whale, Source(tmp_path / name, **options), layout).run()  # type: ignore[arg-type]
        assert told.counted == 2, name
        assert whale.total(['src', 'a'], 'n', period='hour') == pytest.approx(1.1 * count)


def test_bad_lines_of_ndjson_are_told(whale: Whale, tmp_path: Path) -> None:
    lines = ['{"a": true}', '{"a": ', '[1]', '[' * 100_000, '{"a": [1, 2.50]}']
    told, bad = imported(whale, written(tmp_path / 'a.ndjson', lines), Layout(pk=['j', '{a}']))
    assert [row.line for row in bad] == [2, 3, 4]
    assert bad[1].reason == 'not a JSON object'
    assert told.counted == 2
    assert whale.pks('j') == [['j', '["1", "2.50"]'], ['j', 'true']]


def test_a_stream_is_counted_once_and_is_not_remembered(whale: Whale) -> None:
    for count in (1, 2):
        source = Source(io.BytesIO(b'a\nx\n'))
        assert Import(whale, source, Layout(pk='{a}')).run() == Imported(1, 1, share=1.0)
        assert whale.total('x', period='hour') == count
    with pytest.raises(InvalidInput, match='stream cannot be moved'):
        Import(whale, Source(io.BytesIO(b'a\nx\n')), Layout(pk='{a}'), move_to=1).run()


def test_a_pipe_that_has_a_name_is_a_stream(whale: Whale, tmp_path: Path) -> None:
    place = tmp_path / 'a.csv'
    os.mkfifo(place)
    for count in (1, 2):
        writer = threading.Thread(target=place.write_text, args=('a\nx\n',))
        writer.start()
        assert imported(whale, place, Layout(pk='{a}'))[0].counted == 1
        writer.join()
        assert whale.total('x', period='hour') == count


def test_a_quote_that_is_never_closed_is_a_bad_row_and_not_a_long_name(whale: Whale, tmp_path: Path) -> None:
    place = written(tmp_path / 'a.csv', ['a', 'x', '"y', 'x', 'x'])
    done, (bad,) = imported(whale, place, Layout(pk='{a}'))
    assert (done.counted, done.bad, whale.pks()) == (1, 1, [['x']])
    assert bad == BadRow(5, 'unexpected end of data')


NOISE = Random(1).randbytes(4_000)


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        (b'', 'no line with the names of columns'),
        (b'"' + b'x' * 140_000, 'no line with the names of columns'),
        (
            gzip.compress(b'a\n' + Random(1).randbytes(4000).hex().encode(), mtime=0)[:-500],
            'cannot read .*ended before',
        ),
        (gzip.compress(b'a\n1\n', mtime=0)[:10] + b'nonsense' * 8, 'cannot read .*(invalid|Error)'),
    ],
)
def test_a_file_that_cannot_be_read_is_refused(whale: Whale, tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / 'f.csv').write_bytes(content)
    with pytest.raises(InvalidInput, match=message):
        imported(whale, tmp_path / 'f.csv', Layout(pk='{a}'))


def test_a_file_that_is_not_there_is_named(whale: Whale, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r'cannot read .*none\.csv: No such file'):
        imported(whale, tmp_path / 'none.csv')


# -- layouts ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ('layout', 'error', 'message'),
    [
        (Layout(pk='{nobody}'), InvalidInput, r"no such column: 'nobody' \(there are a, b, b\)"),
        (Layout(pk='{b}'), InvalidInput, "more than one column is called: 'b'"),
        (Layout(pk='{a'), InvalidInput, 'a brace without its other half'),
        (Layout(pk='a}'), InvalidInput, 'a brace without its other half'),
        (Layout(pk={'a': 1}), InvalidPath, 'pk|path'),
        (Layout(pk='x', metrics={'{a}': 1}), InvalidMetric, 'columns belong into'),
        (Layout(pk='x', metrics={'n': True}), InvalidAmount, 'n'),
        (Layout(pk='x', at='{a}', zone='Nowhere'), InvalidZone, 'Nowhere'),
        (Layout(pk='x', at='a'), InvalidTime, "not a time: 'a'"),
    ],
)
def test_a_layout_that_suits_no_row_is_refused_before_the_first(
    whale: Whale, tmp_path: Path, layout: Layout, error: type[HailWhaleError], message: str
) -> None:
    with pytest.raises(error, match=message):
        imported(whale, written(tmp_path / 'a.csv', ['a,b,b', '1,2,3']), layout)


def test_many_columns_are_not_all_shown(tmp_path: Path, whale: Whale) -> None:
    header = ','.join(f'c{i}' for i in range(40))
    with pytest.raises(InvalidInput, match=r'c19, \.\.\.\)'):
        imported(whale, written(tmp_path / 'a.csv', [header]), Layout(pk='{x}'))


def test_columns_stand_in_names_keys_and_lists_and_braces_are_doubled(whale: Whale, tmp_path: Path) -> None:
    layout = Layout(pk='{{{a}}}', dimensions={'{a}-{b}': ['{b}', 7]}, metrics={'n': '{a}.{b}'}, at=None)
    assert layout.columns() == ['a', 'b']
    imported(whale, written(tmp_path / 'a.csv', ['a,b', '1,2']), layout)
    assert whale.all_subdimensions('{1}') == [['1-2'], ['1-2', '2'], ['1-2', '2', '7']]
    assert whale.total('{1}', 'n', period='hour') == 1.2


def test_two_branches_of_one_name_are_a_bad_row(whale: Whale, tmp_path: Path) -> None:
    layout = Layout(pk='x', dimensions={'{a}': 1, '{b}': 2})
    told, bad = imported(whale, written(tmp_path / 'a.csv', ['a,b', '1,2', '1,1']), layout)
    assert (told.counted, [row.line for row in bad]) == (1, [3])
    assert InvalidDimensions.code == 'invalid_dimensions'
    assert 'same name' in bad[0].reason


def test_layouts_that_count_differently_have_different_fingerprints() -> None:
    same = Layout(pk='x', metrics={'a': 1}, zone='Z')
    others = [
        Layout(pk='y'),
        Layout(pk='x'),
        Layout(pk='x', metrics={'a': 2}),
        Layout(pk='x', metrics={'a': 1}, at='{a}'),
    ]
    assert same.fingerprint() == Layout(pk='x', metrics={'a': 1}).fingerprint()
    assert len({layout.fingerprint() for layout in [same, *others]}) == 5


def test_what_is_remembered_of_texts_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(templates_module, '_REMEMBERED', 3)
    memo = Memo(len)
    assert [memo[text] for text in ('a', 'bb', 'ccc', 'dddd')] == [1, 2, 3, 4]
    assert dict(memo) == {'dddd': 4}


# -- exactly once ----------------------------------------------------------------------------------------------------


def test_a_file_is_counted_once_whatever_it_is_called(whale: Whale, sales: Path) -> None:
    imported(whale, sales)
    moved = sales.rename(sales.with_name('other.csv'))
    told, _ = imported(whale, moved)
    assert (told.counted, told.before) == (0, 600)
    again, _ = imported(whale, moved, again=True)
    assert (again.counted, again.before) == (600, 0)
    assert imported(whale, moved)[0].before == 600
    assert whale.total('sale', 'hits', period='year') == 1_200


def test_a_file_that_has_grown_is_counted_from_where_it_ended(whale: Whale, sales: Path) -> None:
    imported(whale, sales, name='log')
    with sales.open('a') as file:
        file.write(f'{days_ago(0)},shop1,US,1\n')
    told, _ = imported(whale, sales, name='log')
    assert (told.counted, told.before) == (1, 600)


def test_a_name_belongs_to_one_layout(whale: Whale, sales: Path) -> None:
    imported(whale, sales, name='log')
    with pytest.raises(InvalidInput, match='imported with other columns or metrics'):
        imported(whale, sales, Layout(pk='{shop}'), name='log')
    assert imported(whale, sales, Layout(pk='{shop}'), name='log', again=True)[0].counted == 600


def test_an_import_that_goes_on_moves_times_as_before(whale: Whale, sales: Path) -> None:
    today = day_of(TODAY)
    assert mark_of(whale, 'log') is None
    imported(whale, sales, name='log', move_to=today - 3)
    mark = mark_of(whale, 'log')
    assert mark is not None
    assert (mark.run, mark.rows, mark.shift) == (1, 600, -3 * 86_400)
    told, _ = imported(whale, sales, name='log', move_to=today)
    assert (told.counted, told.shift) == (0, -3 * 86_400)


def test_an_import_that_fails_goes_on_where_it_stopped(whale: Whale, sales: Path) -> None:
    class StoppedError(Exception):
        pass

    def stop(told: Imported) -> None:
        if told.rows > 200:
            raise StoppedError

    with pytest.raises(StoppedError):
        imported(whale, sales, increments=200, on_progress=stop)
    counted = whale.total('sale', 'hits', period='year')
    assert counted < 600
    told, _ = imported(whale, sales)
    assert (told.before, told.counted) == (counted, 600 - counted)
    assert whale.total('sale', 'price', period='year') == sum(i + 0.5 for i in range(600))


def test_of_two_imports_of_one_name_at_once_the_slower_is_refused(whale: Whale, tmp_path: Path) -> None:
    day = days_ago(1)
    place = written(tmp_path / 'a.csv', ['day,shop,country,price', 'bad', *[f'{day},a,UK,1'] * 50])
    source = Source(place)

    def overtake(_: BadRow) -> None:
        assert Import(whale, source, SALES).run().counted == 50

    with pytest.raises(StorageConflict, match='by another process'):
        Import(whale, source, SALES, increments=10, on_bad=overtake).run()
    assert whale.total('sale', period='year') == 50


def test_an_import_that_is_killed_goes_on_and_counts_every_row_once(embedded_url: str) -> None:
    rows = [f'{days_ago(i % 30)},shop{i % 7},UK,{i}\n' for i in range(30_000)]
    lines = ['day,shop,country,price\n', *rows]
    command = [
        sys.executable,
        '-m',
        'hailwhale',
        'import',
        '-',
        '--url',
        embedded_url,
        '--name',
        'killed',
        '--at',
        '{day}',
    ]
    command += ['--pk', '["{shop}"]', '--metrics', '{"price": "{price}"}', '--increments', '500']
    with Whale(embedded_url, settings=Settings.load({})) as whale:

        def counted() -> int | float:
            return sum(whale.total(f'shop{i}', 'hits', period='year') for i in range(7))

        with subprocess.Popen(command, stdin=subprocess.PIPE, cwd=ROOT, text=True) as killed:
            assert killed.stdin is not None
            # Half of the rows, and no end: it cannot finish.
            killed.stdin.writelines(lines[:15_000])
            killed.stdin.flush()
            until(counted, 'some rows are counted')
            os.kill(killed.pid, signal.SIGKILL)
        assert killed.returncode == -signal.SIGKILL
        before = counted()
        assert 0 < before < 15_000
        again = subprocess.run(command, input=''.join(lines), cwd=ROOT, text=True, capture_output=True, check=True)
        assert f'counted {30_000 - before:,} rows' in again.stdout
        assert f'{before:,} were counted before' in again.stdout
        for i in range(7):
            assert whale.totals(f'shop{i}', metrics=['price', 'hits'], periods='year') == {
                'year': {'_': {'price': sum(range(i, 30_000, 7)), 'hits': len(range(i, 30_000, 7))}}
            }


def test_marks_are_json_that_names_run_rows_shift_and_layout(whale: Whale, tmp_path: Path) -> None:
    layout = Layout(pk='x')
    imported(whale, written(tmp_path / 'a.csv', ['a', '1']), layout, name='mine')
    marks = {whale.storage.position(shard, 'import mine') for shard in range(64)} - {None}
    assert [json.loads(str(mark)) for mark in marks] == [[1, 1, 0, layout.fingerprint()]]


def test_a_time_in_the_future_is_a_bad_row(whale: Whale, tmp_path: Path) -> None:
    _, bad = imported(whale, written(tmp_path / 'a.csv', ['at', days_ago(-5)]), Layout(pk='x', at='{at}'))
    assert 'ahead of the clock' in bad[0].reason
    assert InvalidTime.code == 'invalid_time'
