"""``hailwhale decide``."""

from __future__ import annotations

import json

import pytest

from hailwhale.whale import Whale
from tests.cli.conftest import Run


@pytest.fixture
def counted(embedded_url: str) -> None:
    """In the US blue earns much, red little, and green was never shown."""
    with Whale(embedded_url) as whale:
        for option, bought in (('blue', 100), ('red', 4)):
            whale.count_decided_now('Page', None, option, {'country': 'US'}, {'hits': 400, 'earned': 0})
            for _ in range(bought):
                whale.count_decided_now('Page', None, option, {'country': 'US'}, {'earned': 25})


ASKED = ('decide', 'Page', 'red', 'blue', '--by', 'earned/hits', '--dimensions', '{country: US}')


@pytest.mark.usefixtures('counted')
def test_an_option_stands_alone_on_the_first_line_for_scripts(run: Run) -> None:
    code, out, err = run(*ASKED, '--seed', '1')
    option, blank, red, blue = out.splitlines()
    assert (code, option, blank) == (0, 'blue', '')
    assert red.split()[:3] == ['red', '0.2', '%']
    assert blue.split()[0] == 'blue'
    assert float(blue.split()[1]) > 95
    assert '█' in blue
    assert err.startswith('HailWhale at ') or err == ''


@pytest.mark.usefixtures('counted')
def test_an_explanation_has_a_row_for_each_option_best_first(run: Run) -> None:
    code, out, _ = run(*ASKED[:4], 'green', *ASKED[4:], '--explain')
    lines = out.splitlines()
    heads, rows = lines[2].split(), [line.split() for line in lines[3:6]]
    assert code == 0
    assert heads == ['option', 'weight', 'best', 'worth', 'from', 'to', 'hits', 'earned']
    assert rows[0][0] == 'blue'
    assert rows[0][8:10] == ['400', '2,500']
    assert {row[0] for row in rows} == {'blue', 'red', 'green'}
    assert lines[-1] == 'looked at: _, ["country", "US"]'


@pytest.mark.usefixtures('counted')
def test_numbers_have_few_digits_and_stand_below_each_other(run: Run, embedded_url: str) -> None:
    with Whale(embedded_url) as whale:
        whale.count_decided_now('Page', None, 'cheap', {'country': 'US'}, {'hits': 400, 'earned': '0.5'})
    _, out, _ = run(*ASKED[:4], 'cheap', *ASKED[4:], '--explain')
    rows = {line.split()[0]: line.split() for line in out.splitlines()[3:6]}
    assert all('e' not in number for row in rows.values() for number in row[5:10])
    assert {len(number.partition('.')[2]) for row in rows.values() for number in row[5:8]} == {3}
    assert [rows[option][8:10] for option in ('blue', 'red', 'cheap')] == [
        ['400', '2,500'],
        ['400', '100'],
        ['400', '0.5'],
    ]


def test_columns_are_called_by_the_metrics_that_are_compared(run: Run, embedded_url: str) -> None:
    with Whale(embedded_url) as whale:
        for option, spent in (('a', 1), ('b', 3)):
            event = whale.decided_event('Ads', None, option, None, {'hits': 1, 'spent': spent, 'earned': 2})
            whale.count_many([event] * 60)
    code, out, err = run('decide', 'Ads', 'a', 'b', 'new', '--by', 'spent/earned', '--goal', 'min', '--explain')
    heads, *rows = (line.split() for line in out.splitlines()[2:6])
    assert code == 0
    assert heads[-2:] == ['earned', 'spent']
    assert {row[0]: row[8:10] for row in rows} == {'a': ['120', '60'], 'b': ['120', '180'], 'new': ['0', '0']}
    assert 'hailwhale:' not in err


@pytest.mark.usefixtures('counted')
def test_warnings_are_sentences_beside_the_answer(run: Run) -> None:
    code, out, err = run('decide', 'Page', 'red', 'blue', '--by', 'spent/hits', '--json')
    *_, said = err.splitlines()
    assert code == 0
    assert said == f'hailwhale: {json.loads(out)["warning"]}'
    assert said.startswith('hailwhale: the option with the most spent is chosen')
    assert said.endswith("; nothing was counted of 'spent'; there are earned (give the formula)")
    _, _, err = run('decide', 'Page', 'red', 'blue')
    assert err.splitlines()[-1] == "hailwhale: nothing was counted of 'value'; there are earned (give the formula)"


@pytest.mark.usefixtures('counted')
@pytest.mark.parametrize(
    ('apart', 'said'),
    [
        (('--visitor', 'anna', '--holdout', '1'), 'by chance: the visitor is of the hold-out'),
        (('--bot',), 'by chance: bots teach nothing'),
    ],
)
def test_who_is_left_to_chance_is_told_why(run: Run, apart: tuple[str, ...], said: str) -> None:
    for explain in ((), ('--explain',)):
        code, out, _ = run(*ASKED, *apart, *explain)
        assert code == 0
        assert out.splitlines()[1:4] == ['', said, '']
        assert [line.split()[:3] for line in out.splitlines()[4:]] == [['red', '50.0', '%'], ['blue', '50.0', '%']]
    assert said not in run(*ASKED, '--visitor', 'anna')[1]


def test_before_anything_is_counted_all_are_alike_and_nothing_is_known(run: Run) -> None:
    code, out, _ = run('decide', 'Empty', 'a', 'b', '--explain')
    a, b = (line.split() for line in out.splitlines()[3:5])
    assert code == 0
    assert (a[:3], b[:3]) == (['a', '50.0', '%'], ['b', '50.0', '%'])
    assert out.splitlines()[-1] == 'looked at: _'


@pytest.mark.usefixtures('counted')
def test_json_is_what_http_answers(run: Run) -> None:
    code, out, _ = run(*ASKED, '--json', '--visitor', 'anna')
    found = json.loads(out)
    assert code == 0
    assert set(found) == {'option', 'propensity', 'weights', 'by', 'sticky'}
    assert found['sticky'] is True


@pytest.mark.usefixtures('counted')
def test_the_least_may_be_the_best_and_a_period_be_read(run: Run) -> None:
    assert run(*ASKED, '--goal', 'min', '--seed', '1')[1].splitlines()[0] == 'red'
    assert run(*ASKED, '--period', 'today', '--seed', '1')[1].splitlines()[0] == 'blue'


@pytest.mark.parametrize(
    ('arguments', 'said'),
    [
        (('Page', 'a', 'a'), 'there twice'),
        (('Page', 'a', 'b', '--by', 'earned:last'), 'decisions compare a metric'),
        (('Page', 'a', 'b', '--dimensions', '{__context__: x}'), '__context__'),
        (('Page', 'a', 'b', '--goal', 'most'), 'invalid choice'),
        (('Page', 'a', 'b', '--holdout', '2', '--visitor', 'x'), 'not a share of visitors'),
        (('Page',), 'OPTION'),
    ],
)
def test_what_cannot_be_read_is_told_and_nothing_is_chosen(run: Run, arguments: tuple[str, ...], said: str) -> None:
    code, out, err = run('decide', *arguments)
    assert code == 2
    assert out == ''
    assert said in err
