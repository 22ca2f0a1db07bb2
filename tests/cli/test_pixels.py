"""``hailwhale pixel`` and ``hailwhale secret``: what they print, and how they end."""

import re
import shlex
from datetime import UTC, datetime
from pathlib import Path

import pytest

from hailwhale.keyrings import keyring
from hailwhale.pixels import opened
from hailwhale.settings import Settings
from hailwhale.storage import connect
from hailwhale.tokens import Keyring, key_text, make_key, read_keys
from tests.cli.conftest import Run
from tests.consoles import ROOT, commands
from tests.test_tokens import NEW, OLD

SECRET = f'3:{key_text(OLD)}'
RING = Keyring({3: OLD}, 3)
PAGE = ROOT / 'docs' / 'pixels.rst'
LATER = datetime.now(UTC).year + 3


@pytest.fixture
def with_secret(monkeypatch: pytest.MonkeyPatch, run: Run) -> Run:
    monkeypatch.setenv('HAILWHALE_SECRET', SECRET)
    return run


# -- pixel -----------------------------------------------------------------------------------------------------------


def test_a_pixel_is_printed_as_token_address_and_tag(with_secret: Run) -> None:
    code, out, err = with_secret('pixel', '["mail", 42]', '--metrics', 'opened')
    assert (code, err) == (0, '')
    token, address, tag = out.splitlines()
    assert opened(RING, token, {}, origin=None, now=0).metrics == {'opened': 1}
    assert opened(RING, token, {}, origin=None, now=0).pk == ('mail', '42')
    assert address == f'/pixel/{token}.gif'
    assert tag == f'<img src="{address}" width="1" height="1" alt="">'


def test_the_address_and_the_tag_name_the_server(with_secret: Run) -> None:
    _, out, _ = with_secret('pixel', 'mail', '--server', 'https://hail.example.org/"&/')
    token, address, tag = out.splitlines()
    assert address == f'https://hail.example.org/"&/pixel/{token}.gif'
    assert 'src="https://hail.example.org/&quot;&amp;/pixel/' in tag


def test_what_was_sealed_with_all_its_bounds_is_shown_by_read(with_secret: Run) -> None:
    bounds = ['--vary', 'value=-.5..99.5', '--vary', 'a=b=0..1', '--free', 'campaign']
    bounds += ['--expires', f'{LATER}-01-01T00:00:00Z', '--origin', 'https://a.example', '--origin', 'http://b.example']
    event = ['["shop", "B\u202etlow"]', '--dimension', '{geo: {UK: London}}', '--metric', '{orders: 1, tax: 1.50}']
    code, out, _ = with_secret('pixel', *event, *bounds)
    assert code == 0
    assert with_secret('pixel', '--read', out.split()[0]) == (
        0,
        'pk          ["shop", "B\N{REPLACEMENT CHARACTER}tlow"]\n'
        'dimensions  {"geo": {"UK": "London"}}\n'
        'metrics     {"orders": 1, "tax": 1.5}\n'
        'vary        value=-0.5..99.5\n'
        'vary        a=b=0..1\n'
        'free        campaign\n'
        f'expires     {LATER}-01-01T00:00:00Z\n'
        'origin      https://a.example\n'
        'origin      http://b.example\n',
        '',
    )


def test_the_uses_of_a_pixel_are_shown_and_a_plain_one_shows_no_bounds(with_secret: Run) -> None:
    token = with_secret('pixel', 'mail', '--uses', '1', '--expires', '30d')[1].split()[0]
    assert re.search(r'^expires {5}\S+Z\nuses {8}1\n\Z', with_secret('pixel', '--read', token)[1], re.MULTILINE)
    token = with_secret('pixel', 'mail')[1].split()[0]
    assert with_secret('pixel', '--read', token)[1] == 'pk          ["mail"]\ndimensions  {}\nmetrics     {}\n'


def test_a_token_that_is_not_ours_is_told_with_its_reason_and_exit_1(with_secret: Run) -> None:
    token = with_secret('pixel', 'mail')[1].split()[0]
    for wrong, why in (
        (f'{token[:-1]}', 'changed or cut off'),
        (Keyring({3: NEW}, 3).seal(b'x', b'pixel'), 'changed or cut off'),
        (Keyring({4: NEW}, 4).seal(b'x', b'pixel'), 'the key that sealed it is not here'),
    ):
        code, out, err = with_secret('pixel', '--read', wrong)
        assert (code, out) == (1, '')
        assert why in err


@pytest.mark.parametrize(
    ('argv', 'told'),
    [
        ((), 'a PK to seal or a token to --read'),
        (('mail', '--read', 'AAAA'), 'a PK to seal or a token to --read'),
        (('mail', '--vary', 'value'), "not bounds of a metric: 'value'"),
        (('mail', '--vary', 'value=0-1'), "not bounds of a metric: 'value=0-1'"),
        (('mail', '--vary', 'value=1..0'), 'the least comes first'),
        (('mail', '--vary', 'value=a..b'), 'not an amount of value'),
        (('mail', '--uses', '1'), 'uses are counted until'),
        (('mail', '--uses', '1', '--expires', '401d'), 'uses are counted until'),
        (('mail', '--uses', '0'), 'not a number from 1 on'),
        (('mail', '--expires', '1x'), 'expires:'),
        (('mail', '--origin', 'example.org'), 'not an origin'),
        (('mail', '--metrics', '{"a": "b"}'), 'not an amount of a'),
    ],
)
def test_what_cannot_be_sealed_is_one_clear_line_and_exit_2(with_secret: Run, argv: tuple[str, ...], told: str) -> None:
    code, out, err = with_secret('pixel', *argv)
    assert (code, out) == (2, '')
    assert told in err


def test_without_the_setting_the_keys_of_the_store_seal(run: Run, embedded_url: str, tmp_path: Path) -> None:
    token = run('pixel', 'mail')[1].split()[0]
    storage = connect(embedded_url, home=tmp_path)
    assert opened(keyring(storage, Settings.load({})), token, {}, origin=None, now=0).pk == ('mail',)
    storage.close()
    assert run('pixel', '--read', token)[0] == 0


# -- secret ----------------------------------------------------------------------------------------------------------


def test_a_new_secret_is_one_that_the_setting_takes(run: Run) -> None:
    code, out, err = run('secret')
    assert (code, err) == (0, 'put it into HAILWHALE_SECRET\n')
    assert Settings.load({}, secret=out.strip()).secret == out.strip()
    assert read_keys(out).first == 0
    assert out != run('secret', 'make')[1]


def test_a_secret_beside_others_has_a_number_of_its_own(with_secret: Run) -> None:
    _, out, err = with_secret('secret')
    assert out.startswith('4:')
    assert err == 'put it into HAILWHALE_SECRET, in front of the others\n'
    assert read_keys(f'{out} {SECRET}').numbers == (4, 3)


def test_the_keys_of_the_store_are_listed_rotated_and_forgotten(run: Run) -> None:
    code, out, err = run('secret', 'list')
    assert (code, out) == (0, '')
    assert 'makes one when it is needed' in err
    token = run('pixel', 'mail')[1].split()[0]
    assert run('secret', 'list') == (0, '0  seals\n', '')
    assert run('secret', 'rotate') == (0, '0\n1  seals\n', '')
    assert run('pixel', '--read', token)[0] == 0
    assert run('pixel', 'mail')[1].split()[0] != token
    assert run('secret', 'forget', '0') == (0, '1  seals\n', '')
    assert run('pixel', '--read', token)[0] == 1


def test_no_command_shows_a_key_of_the_store(run: Run, embedded_url: str, tmp_path: Path) -> None:
    printed = [run('pixel', 'mail'), run('secret', 'rotate'), run('secret', 'list'), run('secret', 'forget', '0')]
    storage = connect(embedded_url, home=tmp_path)
    texts = list(storage.secrets().keys.values())
    storage.close()
    assert len(texts) == 1
    assert texts[0] not in str(printed)


@pytest.mark.parametrize(
    'argv', [('forget',), ('forget', 'x'), ('forget', '²'), ('forget', '9'), ('forget', '0'), ('list', '0'), ('dance',)]
)
def test_a_key_that_cannot_be_forgotten_is_one_clear_line_and_exit_2(run: Run, argv: tuple[str, ...]) -> None:
    code, out, err = run('secret', *argv)
    assert (code, out) == (2, '')
    assert 'Traceback' not in err


def test_the_keys_of_the_setting_are_listed_and_changed_there(with_secret: Run) -> None:
    assert with_secret('secret', 'list') == (0, '3  seals\n', 'these are of HAILWHALE_SECRET\n')
    for argv in (('rotate',), ('forget', '3')):
        code, out, err = with_secret('secret', *argv)
        assert (code, out) == (2, '')
        assert 'those of HAILWHALE_SECRET' in err


def test_a_secret_that_is_none_is_refused_without_being_shown(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = make_key()[:-1]
    monkeypatch.setenv('HAILWHALE_SECRET', f'1:{secret}')
    code, out, err = run('pixel', 'mail')
    assert (code, out) == (2, '')
    assert secret not in err


# -- the page of the documentation -----------------------------------------------------------------------------------


def test_the_commands_of_the_page_print_what_it_shows(run: Run) -> None:
    examples = commands(PAGE)
    assert len(examples) == 4
    for example in examples:
        program, *argv = shlex.split(example.text)
        code, out, _ = run(*argv)
        assert (program, code) == ('hailwhale', 0)
        assert example.prints(out), out
