"""``hailwhale results`` and ``sample-size``."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from hailwhale.experiments.statistics import detectable_effect, sample_size
from hailwhale.whale import Whale
from tests.cli.conftest import Run
from tests.consoles import ROOT
from tests.fresh import unmeasured


@pytest.fixture
def split(embedded_url: str) -> None:
    with Whale(embedded_url) as whale:
        for name, country, sales in (('a', 'US', 120), ('b', 'US', 240), ('c', 'DE', 124)):
            whale.count_now(['Page', name], {'country': country}, {'hits': 2_000, 'sales': sales})


@pytest.mark.usefixtures('split')
def test_a_goal_is_a_table_with_intervals_over_one_axis_and_sentences(run: Run) -> None:
    code, out, err = run('results', 'Page', '--goals', 'sales', '--width', '100')
    assert (code, err) == (0, '')
    title, heads, a, b, c, of_b, of_c, note = out.splitlines()
    assert title == 'sales (conversions, higher is better)'
    assert heads.split() == ['visitors', 'total', 'rate', 'to', 'win', 'lift']
    assert a.split() == ['a', '2,000', '120', '6.00', '%', '5.04', 'to', '7.13', '%']
    assert b.split()[:13] == ['b', '2,000', '240', '12.00', '%', '10.65', 'to', '13.50', '%', '>', '99.9', '%', '+100']
    assert c.split()[9:13] == ['60.4', '%', '+3.3', '%']
    # The lift of c reaches over 0, which is at the same place in both.
    zero = b.index('│')
    assert c.index('├') < zero < c.index('┤')
    assert zero < b.index('├') < b.index('●') < b.index('▸')
    assert of_b.startswith('sales: b is better than a: +100 % (+')
    assert of_b.endswith(' %), safe to stop now')
    assert of_c.startswith('sales: c against a is undecided so far: +3.3 % (-')
    assert note.startswith('note: sales is taken for conversions')


@pytest.mark.usefixtures('split')
def test_every_option_reaches_the_question(run: Run) -> None:
    options = [
        '--goals',
        '{sales: binomial}',
        '--control',
        'b',
        '--variants',
        '[b, c]',
        '--alpha',
        '.01',
        '--power',
        '.9',
    ]
    options += ['--lift', '.1', '--correction', 'none', '--weights', '{b: 1, c: 1}', '--goal', 'min', '--kind', 'mean']
    options += ['--period', 'day', '--tz', 'UTC', '--exposures', 'hits', '--allocation', 'adaptive', '--by', 'country']
    code, out, _ = run('results', 'Page', *options, '--limit', '1', '--json')
    found = json.loads(out)
    assert code == 0
    assert (found['variants'], found['control'], found['alpha'], found['correction']) == (['b', 'c'], 'b', 0.01, 'none')
    assert (found['period'], found['allocation'], found['left_out']) == ('day', 'adaptive', 1)
    (goal,) = found['overall']['goals']
    assert (goal['kind'], goal['better'], goal['variants'][1]['headline']['winner']) == ('binomial', 'lower', 'c')
    in_us = json.loads(run('results', 'Page', '--dimension', '[country, US]', '--json')[1])
    assert in_us['overall']['goals'][0]['variants'][2]['n'] == 0
    said = run('results', 'Page', '--goals', 'sales', '--allocation', 'adaptive')[1].splitlines()
    assert said[0].startswith('note: what was counted chose who saw what')


@pytest.mark.usefixtures('split')
def test_segments_follow_each_under_its_name(run: Run) -> None:
    out = run(
        'results', 'Page', '--goals', '[sales, "sales/tons"]', '--by', 'country', '--limit', '1', '--width', '40'
    )[1]
    assert '\n== country / US ==\n\n! the split is off: c has 0 visitors where 1,333 were planned (p < 0.001)' in out
    assert out.endswith('\n1 smaller ones are left out\n')
    assert '●' not in out
    assert 'sales/tons (not comparable, higher is better)\n' in out
    assert 'sales/tons: sales*sales was not counted of' in out
    assert '\n\nsales (conversions, higher is better)\n' in out


def test_a_hold_out_comes_first_and_all_visitors_after_it(run: Run, embedded_url: str) -> None:
    with Whale(embedded_url) as whale:
        for name in ('a', 'b'):
            whale.count_now(['Page', name], None, {'hits': 900, 'sales': 60})
            whale.count_now(['Page', name], '__holdout__', {'hits': 100, 'sales': 6})
    out = run('results', 'Page')[1]
    assert out.startswith('note: what was counted chose who saw what: compared are the visitors of the hold-out')
    first, second = out.split('\n\n== all visitors ==\n\n')
    assert ('   100 ' in first, ' 1,000 ' in second) == (True, True)


def test_a_split_without_data_says_what_is_missing(run: Run) -> None:
    assert run('results', 'nothing')[1] == 'not enough data: the split needs 2 more variants and 1 more goal\n'


@pytest.mark.usefixtures('split')
def test_a_version_that_nobody_saw_has_no_rate(run: Run) -> None:
    out = run('results', 'Page', '--goals', 'sales', '--variants', '[a, b, new]')[1]
    row = next(line for line in out.splitlines() if line.startswith('new '))
    assert row.split() == ['new', '0', '0']


def test_names_are_short_and_steer_no_terminal(run: Run, embedded_url: str) -> None:
    with Whale(embedded_url) as whale:
        for name in ('\x1b[31mred', 'x' * 90):
            whale.count_now(['Page', name], None, {'hits': 100, 'weight': 2.5, 'weight*weight': 9})
    out = run('results', 'Page')[1]
    assert '\x1b' not in out
    assert f'{"x" * 21}...  ' in out
    assert 'weight (mean, higher is better)' in out


@pytest.mark.usefixtures('split')
def test_what_cannot_be_asked_is_one_line_and_exit_2(run: Run) -> None:
    assert run('results', 'Page', '--control', 'z') == (
        2,
        '',
        "hailwhale: control: not a variant that was counted: 'z' (there are a, b, c)\n",
    )


@pytest.mark.parametrize(
    ('module', 'command'),
    [
        ('hailwhale.experiments.results', ('results', 'Page')),
        ('hailwhale.experiments.statistics', ('sample-size', '--rate', '.1')),
    ],
)
def test_without_their_libraries_commands_say_what_to_install(
    run: Run, monkeypatch: pytest.MonkeyPatch, module: str, command: tuple[str, ...]
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    monkeypatch.delitem(sys.modules, 'hailwhale.cli.standings', raising=False)
    monkeypatch.delattr(sys.modules['hailwhale.experiments'], module.rpartition('.')[2], raising=False)
    code, out, err = run(*command)
    assert (code, out) == (1, '')
    assert "pip install 'hailwhale[decide]'" in err


# -- sample-size -----------------------------------------------------------------------------------------------------


def test_a_lift_takes_so_many_visitors_and_days(run: Run) -> None:
    each = sample_size(0.03, 0.2).control
    assert run('sample-size', '--rate', '.03', '--lift', '.2', '--per-day', '2000')[1].splitlines() == [
        'a change from 3 % to 3.6 % (+20 %) is seen, with a chance of 80 %, by',
        f'{each:,}  visitors of each version,  {2 * each:,}  in all,  14  days,  in one look at the end',
        '20,867  visitors of each version,  41,734  in all,  21  days,  by looking always',
    ]


def test_more_versions_take_more_visitors_each(run: Run) -> None:
    out = run('sample-size', '--rate', '.03', '--difference', '.006', '--versions', '3', '--json')[1]
    each = sample_size(0.03, 0.2, alpha=0.025).control
    assert json.loads(out)['once'] == {'each': each, 'together': 3 * each, 'days': None}


def test_so_many_visitors_see_a_lift(run: Run) -> None:
    found = json.loads(run('sample-size', '--rate', '.03', '--visitors', '20000', '--power', '.9', '--json')[1])
    assert found['lift'] == pytest.approx(detectable_effect(0.03, 20_000, power=0.9).lift)
    lines = run('sample-size', '--mean', '0', '--sd', '40', '--visitors', '1000')[1].splitlines()
    assert lines[0] == 'a change from 0 to 5.01163 is seen, with a chance of 80 %, by'
    always = sample_size(0, difference=5.0116274, kind='mean', sd=40, looking='always').control
    assert [line.split()[0] for line in lines[1:]] == ['1,000', f'{always:,}']


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (('--rate', '.03'), 'lift: give either a lift or a difference to be found'),
        (('--lift', '.2'), 'rate: give either --rate or --mean: what visitors do now'),
        (('--rate', '.03', '--mean', '3', '--lift', '.2'), 'rate: give either --rate or --mean: what visitors do now'),
        (('--rate', '3', '--lift', '.2'), 'rate is 3 (use a number between 0 and 1, such as 0.05)'),
        (
            ('--mean', '3', '--lift', '.2'),
            'sd: a mean has no sd (give the standard deviation of an amount per visitor)',
        ),
        (
            ('--rate', '.03', '--lift', '.2', '--versions', '1'),
            'versions: 1 versions are no split (give from 2 to 1000)',
        ),
        (('--rate', '.03', '--lift', '1e-300'), 'lift is 1e-300, too near 0 (use one from 1e-30)'),
        (('--rate', '.03', '--lift', '.2', '--alpha', '1e-10'), 'alpha is 1e-10, too near 0 (keep 1e-09 away from it)'),
        (('--mean', 'nan', '--sd', '1', '--lift', '.2'), 'mean: not a number: nan (use a finite one, such as 0.2)'),
        (
            ('--rate', '.03', '--lift', '.2', '--visitors', '9'),
            'visitors and a lift are given (give one, and the other is the answer)',
        ),
    ],
)
def test_a_plan_that_cannot_be_made_is_told(run: Run, options: tuple[str, ...], message: str) -> None:
    assert run('sample-size', *options) == (2, '', f'hailwhale: {message}\n')


def test_reading_the_options_imports_nothing_that_makes_results() -> None:
    program = 'import sys, hailwhale.cli.parser; print("numpy" in sys.modules or "scipy" in sys.modules)'
    done = subprocess.run([sys.executable, '-c', program], cwd=ROOT, env=unmeasured(), capture_output=True, text=True)
    assert done.stdout == 'False\n'
