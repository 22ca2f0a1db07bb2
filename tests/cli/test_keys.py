"""`hailwhale key`: what it prints, where, and that a key is shown once."""

import re
from argparse import ArgumentParser
from collections.abc import Callable

import pytest

from hailwhale.access import Access, Graph, Keys
from hailwhale.cli.keys import key_options
from hailwhale.errors import InvalidInput, Unauthorized
from hailwhale.storage import access
from hailwhale.whale import Whale
from tests.consoles import ROOT

Run = Callable[..., tuple[str, str]]


@pytest.fixture
def run(embedded_url: str, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run an action in this process: what it printed, and what it told beside that."""

    def run_one(*argv: str) -> tuple[str, str]:
        parser = ArgumentParser()
        key_options(parser)
        arguments = parser.parse_args([*argv, '--url', embedded_url])
        arguments.run(arguments)
        printed = capsys.readouterr()
        return printed.out, printed.err

    return run_one


def test_create_prints_the_key_alone_and_what_to_do_with_it_beside_that(run: Run, embedded_url: str) -> None:
    out, err = run('create', '--scope', 'write', '--pk', 'Shop/*', '--pk', 'signup', '--note', 'me')
    assert re.fullmatch('hw_[a-z0-9]{8}_[A-Za-z0-9]{43}\n', out)
    assert err == (
        'give it as "Authorization: Bearer KEY", or as the parameter key; it is shown this once '
        f'(its id: {out[3:11]})\n'
    )
    with Whale(embedded_url) as whale:
        keyed = Access(whale.storage, whale.clock, open=False, local=False)
        grant = keyed.permit(out.strip(), 'write')
        keyed.close()
    grant.check(('Shop', '42'))
    grant.check(('signup',))


def test_list_shows_everything_but_the_secret(run: Run, embedded_url: str) -> None:
    assert run('list')[0] == 'there are no keys yet (hailwhale key create --scope write)\n'
    full = run(
        *(
            'create',
            '--scope',
            'write',
            '--pk',
            'Shop/*',
            '--origin',
            'https://a.example',
            '--origin',
            'https://b.example',
        ),
        *('--rate', '100/s', '--expires', '90d', '--note', 'shop \x1b[31m page'),
    )[0].strip()
    plain = run('create', '--scope', 'read')[0].strip()
    with Whale(embedded_url) as whale:
        access.mark_used(whale.storage.engine, {plain[3:11]: 2_000_000_000})
    out, err = run('list')
    assert err == ''
    title, *lines = out.splitlines()
    assert title.split('  ')[0] == 'id'
    rows = {line[:8]: re.split('  +', line) for line in lines}
    date = r'\d{4}-\d\d-\d\d \d\d:\d\dZ'
    one, other = rows[full[3:11]], rows[plain[3:11]]
    assert one[1:5] == ['write', 'Shop/*', 'https://a.example https://b.example', '100/s']
    assert re.fullmatch(date, one[5])
    assert re.fullmatch(date, one[6])
    assert one[7:] == ['never', 'shop \N{REPLACEMENT CHARACTER}[31m page']
    assert other[1:5] == ['read', '*', '-', '-']
    assert other[6:] == ['-', '2033-05-18 03:33Z']
    assert full[12:] not in out
    assert plain[12:] not in out


def test_graph_makes_a_key_for_one_graph_and_shows_the_tag_that_draws_it(run: Run, embedded_url: str) -> None:
    out, err = run(
        *('graph', '["Shop", 1]', '--metric', 'dollars/hits', '--dimension', 'sales "a"', '--period', '1d:30d'),
        *('--tz', 'Asia/Tokyo', '--drill', '--annotations', '--origin', 'https://blog.example', '--expires', '90d'),
    )
    assert re.fullmatch('hw_[a-z0-9]{8}_[A-Za-z0-9]{43}\n', out)
    assert err.splitlines()[1] == (
        'drawn by <hail-graph pk="[&quot;Shop&quot;, &quot;1&quot;]" metric="dollars/hits" '
        'dimensions="sales &quot;a&quot;" period="1d:30d" tz="Asia/Tokyo" annotations="server" key="KEY"></hail-graph>'
    )
    row = re.split('  +', run('list')[0].splitlines()[1])
    assert row[1:4] == [
        'graph',
        'dollars/hits of Shop/1: sales%20"a", 1d:30d Asia/Tokyo',
        'https://blog.example',
    ]
    with Whale(embedded_url) as whale:
        (key,) = Keys(whale.storage, whale.clock).read().values()
    assert key.graph == Graph.of(
        ['Shop', 1],
        dimension='sales "a"',
        metrics='dollars/hits',
        period='1d:30d',
        tz='Asia/Tokyo',
        drill=True,
        annotations=True,
    )


def test_list_tells_that_a_key_is_over(run: Run, embedded_url: str) -> None:
    with Whale(embedded_url) as whale:
        Keys(whale.storage, lambda: 1_000_000_000).create('read', expires='1h')
    assert '2001-09-09 02:46Z (over)' in run('list')[0]


def test_rotate_prints_the_new_text_and_until_when_the_old_one_goes_on(run: Run) -> None:
    old = run('create', '--scope', 'admin')[0].strip()
    out, err = run('rotate', old[3:11])
    assert out[:11] == old[:11]
    assert out.strip() != old
    assert re.search(r'its old text goes on until \d{4}-\d\d-\d\d \d\d:\d\dZ\n$', err)
    assert run('rotate', old[:11], '--overlap', '0')[1].endswith('its old text has ended\n')
    assert len(run('list')[0].splitlines()) == 2


def test_revoke_ends_a_key(run: Run, embedded_url: str) -> None:
    text = run('create', '--scope', 'admin')[0].strip()
    assert run('revoke', text)[0] == 'revoked; servers know it within 3 seconds\n'
    with Whale(embedded_url) as whale, pytest.raises(Unauthorized):
        Access(whale.storage, whale.clock, open=False, local=False).permit(text, 'read')
    with pytest.raises(InvalidInput, match='no key has the id'):
        run('revoke', text[3:11])


def test_bad_usage_is_told(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    for argv in ((), ('dance',), ('create',), ('create', '--scope', 'root'), ('revoke',), ('rotate',)):
        with pytest.raises(SystemExit):
            run(*argv)
        assert capsys.readouterr().err.startswith('usage: ')


def test_the_seconds_that_it_tells_are_those_of_the_servers() -> None:
    from hailwhale.access import REFRESH

    assert REFRESH == 3
    assert 'every 3 seconds' in (ROOT / 'docs' / 'access.rst').read_text('utf-8')
