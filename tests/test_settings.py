from dataclasses import fields
from pathlib import Path

import pytest

from hailwhale.errors import SettingsError
from hailwhale.limits import Limits
from hailwhale.periods import DEFAULT_PERIODS, Retention
from hailwhale.settings import SETTINGS, Settings, hide_secrets

ENVIRON = {'HOME': '/home/someone'}


@pytest.fixture(autouse=True)
def _home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv('HOME', '/home/someone')


def test_the_table_has_a_row_for_every_field_in_the_same_order() -> None:
    assert [setting.name for setting in SETTINGS] == [field.name for field in fields(Settings)]
    assert [setting.env for setting in SETTINGS] == [f'HAILWHALE_{setting.name.upper()}' for setting in SETTINGS]
    assert all(setting.help.endswith('.') for setting in SETTINGS)


def test_defaults_are_what_the_table_says() -> None:
    assert Settings.load({}) == Settings(
        url='',
        home=Path('/home/someone/.local/share/hailwhale'),
        zones=(),
        keep=Retention.parse_list('1m:1d 1h:35d 1d:13mo'),
        periods=DEFAULT_PERIODS,
        week_start=0,
        important=0.1,
        cache_seconds=60.0,
        host='127.0.0.1',
        port=8085,
        cors=(),
        boards=None,
        max_body=1_048_576,
        timeout=5.0,
        max_inflated=16_777_216,
        max_batch=10_000,
        max_name=512,
        max_depth=16,
        max_nodes=256,
        max_metrics=64,
        max_children=100_000,
        max_backlog=2_000_000,
        max_streams=1_000,
        ids_kept=172_800,
        max_ids=10_000_000,
        spy=1_000,
        spy_kept=86_400,
        replicas=0,
        secret='',
    )


def test_every_default_is_a_value_that_the_environment_may_have() -> None:
    spelled = {setting.env: setting.default for setting in SETTINGS}
    assert Settings.load(spelled) == Settings.load({})


KEY = 'abcdefghijklmnopqrstuvwxyz_-0123456789ABCDE'
EXAMPLES = [
    ('url', 'redis://db:6379/1', 'redis://db:6379/1'),
    ('home', '/srv/whale', Path('/srv/whale')),
    ('home', '~/whale', Path('/home/someone/whale')),
    ('zones', 'Asia/Tokyo, Europe/London Asia/Tokyo,-5', ('Asia/Tokyo', 'Europe/London', 'UTC-05:00')),
    ('keep', '5m:1w 1d:2y', Retention.parse_list('5m:1w 1d:2y')),
    ('periods', '5m:1w, yesterday', ('5m:1w', 'yesterday')),
    ('week_start', 'Sunday', 6),
    ('week_start', 'sat', 5),
    ('week_start', '2', 2),
    ('important', '0', 0.0),
    ('cache_seconds', '0.5', 0.5),
    ('host', '::1', '::1'),
    ('port', '0', 0),
    (
        'cors',
        'https://Example.org/ http://localhost:8080 http://[::1]:80',
        ('https://example.org', 'http://localhost:8080', 'http://[::1]:80'),
    ),
    ('cors', '*', ('*',)),
    ('max_body', '64k', 65_536),
    ('max_body', '2 MB', 2_097_152),
    ('max_body', '4096', 4_096),
    ('timeout', '.25', 0.25),
    ('max_inflated', '64m', 67_108_864),
    ('max_batch', '500', 500),
    ('max_name', '1k', 1_000),
    ('max_depth', '8', 8),
    ('max_nodes', '1K', 1_000),
    ('max_metrics', '1', 1),
    ('max_children', '2m', 2_000_000),
    ('max_backlog', '100000', 100_000),
    ('boards', '~/boards', Path('/home/someone/boards')),
    ('max_streams', '0', 0),
    ('ids_kept', '7d', 604_800),
    ('ids_kept', '3600', 3_600),
    ('max_ids', '1m', 1_000_000),
    ('spy', '0', 0),
    ('spy_kept', '12h', 43_200),
    ('replicas', '1', 1),
    ('secret', f'2:{KEY},  1:{KEY}', f'2:{KEY} 1:{KEY}'),
]


@pytest.mark.parametrize(('name', 'text', 'value'), EXAMPLES)
def test_the_environment_and_overrides_are_read_the_same_way(name: str, text: str, value: object) -> None:
    env = next(setting.env for setting in SETTINGS if setting.name == name)
    assert getattr(Settings.load({env: f' {text} '}), name) == value
    assert getattr(Settings.load({}, **{name: text}), name) == value
    assert getattr(Settings.load({env: 'not used'}, **{name: value}), name) == value


def test_every_setting_has_an_example() -> None:
    assert {name for name, _, _ in EXAMPLES} == {setting.name for setting in SETTINGS}


def test_none_is_no_override_and_an_empty_variable_is_not_set() -> None:
    assert Settings.load({'HAILWHALE_PORT': '9000'}, port=None).port == 9_000
    assert Settings.load({'HAILWHALE_PORT': ' '}).port == 8_085


def test_an_override_may_take_back_what_the_environment_says() -> None:
    environ = {'HAILWHALE_URL': 'redis://db', 'HAILWHALE_ZONES': 'Asia/Tokyo'}
    settings = Settings.load(environ, url='', zones=())
    assert (settings.url, settings.zones) == ('', ())


def test_the_environment_of_the_process_is_read_unless_another_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv('HAILWHALE_PORT', '9001')
    assert Settings.load().port == 9_001
    assert Settings.load({}).port == 8_085


def test_home_follows_the_data_home_where_that_is_absolute() -> None:
    assert Settings.load({'XDG_DATA_HOME': '/data'}).home == Path('/data/hailwhale')
    assert Settings.load({'XDG_DATA_HOME': 'data'}).home == Path('/home/someone/.local/share/hailwhale')
    assert Settings.load({'XDG_DATA_HOME': '/data', 'HAILWHALE_HOME': '/srv'}).home == Path('/srv')
    assert Settings.load({}, home='here').home == Path.cwd() / 'here'


def test_kept_weeks_begin_on_the_day_that_weeks_begin_unless_they_name_their_own() -> None:
    keep = Settings.load({'HAILWHALE_KEEP': '1w:1y 1d:1y', 'HAILWHALE_WEEK_START': 'sunday'}).keep
    assert [str(each) for each in keep] == ['1w.sun:1y', '1d:1y']
    own = Settings.load({'HAILWHALE_KEEP': '1w.sat:1y', 'HAILWHALE_WEEK_START': 'sunday'}).keep
    assert [str(each) for each in own] == ['1w.sat:1y']


@pytest.mark.parametrize(
    ('name', 'text', 'way_out'),
    [
        ('url', 'localhost', 'try redis://localhost:6379/0'),
        ('url', 'redis://a b', 'try redis://localhost:6379/0'),
        ('home', 'a\0b', 'name a directory'),
        ('home', '~nobody-of-this-name/x', 'home'),
        ('zones', 'Mars/Olympus', 'try UTC, Europe/London'),
        ('keep', '1x:1d', 'try 30s, 5m, 1h, 1d'),
        ('keep', '1h', 'try 1h:31d'),
        ('periods', 'fortnight', 'try 1h:24h'),
        ('periods', ',', 'name at least one period'),
        ('week_start', 'someday', 'try monday'),
        ('week_start', '7', 'try monday'),
        ('important', '1.5', 'from 0 to 1'),
        ('important', 'nan', 'from 0 to 1'),
        ('cache_seconds', '-1', 'from 0 to 86400'),
        ('host', 'http://a/', 'try 127.0.0.1'),
        ('port', '65536', 'from 0 to 65535'),
        ('port', 'http', 'from 0 to 65535'),
        ('cors', 'example.org', 'try https://example.org'),
        ('max_body', '10', 'from 1024 to 1024m'),
        ('max_body', 'big', 'from 1024 to 1024m'),
        ('timeout', '0', 'from 0.001 to 3600'),
        ('timeout', 'soon', 'from 0.001 to 3600'),
        ('max_inflated', '1', 'from 1024 to 1024m'),
        ('max_batch', '0', 'from 1 to 1000000'),
        ('max_children', 'many', 'from 1 to 10000000'),
        ('boards', 'a\0b', 'name a directory'),
        ('max_streams', '-1', 'from 0 to 10000'),
        ('ids_kept', '1x', 'try 30s, 5m, 1h, 1d'),
        ('ids_kept', '59s', 'from 1m to 31d'),
        ('spy_kept', '32d', 'from 1m to 31d'),
    ],
)
def test_a_bad_value_is_refused_by_variable_value_and_way_out(name: str, text: str, way_out: str) -> None:
    env = next(setting.env for setting in SETTINGS if setting.name == name)
    with pytest.raises(SettingsError) as caught:
        Settings.load({env: text})
    assert caught.value.field == name
    assert caught.value.message.startswith(f'{env} cannot be {text!r}: ')
    assert way_out in caught.value.message
    with pytest.raises(SettingsError, match=f'^{name} cannot be '):
        Settings.load({}, **{name: text})


def test_an_empty_override_is_refused_where_a_value_is_needed() -> None:
    for name in ('home', 'host', 'port', 'keep'):
        with pytest.raises(SettingsError, match=f"^{name} cannot be ''"):
            Settings.load({}, **{name: ''})


def test_an_unknown_setting_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(SettingsError, match=r"no such setting: 'prot' \(there are url, home, .*secret\)"):
        Settings.load({}, prot=8_085)


@pytest.mark.parametrize(
    ('url', 'hidden'),
    [
        ('redis://me:secret@db:6379/0', 'redis://me:***@db:6379/0'),
        ('redis://:secret@db', 'redis://:***@db'),
        ('redis://secret@db', 'redis://***@db'),
        ('redis://:se/c#r@e?t@db', 'redis://:***@db'),
        ('redis+cluster://u:secret@a:1,b:2', 'redis+cluster://u:***@a:1,b:2'),
        ('redis://db?password=secret&db=1', 'redis://db?password=***&db=1'),
        ('redis://db:6379/0', 'redis://db:6379/0'),
        ('', ''),
    ],
)
def test_no_password_is_ever_shown(url: str, hidden: str) -> None:
    assert hide_secrets(url) == hidden
    assert f'url={hidden!r}, home=' in repr(Settings.load({}, url=url))


def test_a_bad_address_is_refused_without_its_password() -> None:
    with pytest.raises(SettingsError) as caught:
        Settings.load({'HAILWHALE_URL': 'redis://:secret@a b'})
    assert 'secret' not in caught.value.message
    assert caught.value.__cause__ is None


def test_settings_are_shown_with_their_names() -> None:
    written = repr(Settings.load({}, port=1))
    assert "host='127.0.0.1', port=1, cors=(), boards=None, max_body=1048576, timeout=5.0, " in written


@pytest.mark.parametrize('secret', ['short', f'x:{KEY}', f'1:{KEY}A', f'256:{KEY}', f'1:{KEY} 1:{KEY}'])
def test_a_bad_secret_is_refused_without_being_told(secret: str) -> None:
    with pytest.raises(SettingsError, match='make one with hailwhale secret') as caught:
        Settings.load({'HAILWHALE_SECRET': secret})
    assert caught.value.field == 'secret'
    assert KEY not in caught.value.message
    assert 'short' not in caught.value.message


def test_what_an_event_may_hold_is_set_name_by_name() -> None:
    settings = Settings.load({}, max_name=1, max_depth=2, max_nodes=3, max_metrics=4)
    assert settings.limits == Limits(name=1, depth=2, nodes=3, metrics=4)
    assert Settings.load({}).limits == Limits()


def test_the_secret_shows_in_no_representation() -> None:
    assert KEY not in repr(Settings.load({}, secret=f'1:{KEY}'))
    assert "secret='***'" in repr(Settings.load({}, secret=f'1:{KEY}'))
