"""Without keys: this machine is let in, pages of others are not, and nothing starts in the open by accident."""

from collections.abc import Collection

import pytest

from hailwhale.access.local import check_host, check_page, check_start
from hailwhale.errors import Forbidden, SettingsError


@pytest.mark.parametrize(
    'host',
    [
        None,
        'localhost',
        'localhost:8085',
        'LocalHost:1',
        'app.localhost:8085',
        '127.0.0.1',
        '127.0.0.1:8085',
        '127.9.9.9:80',
        '[::1]',
        '[::1]:8085',
        '::1',
        'counter.lan',
        'Counter.LAN:8085',
    ],
)
def test_names_that_only_this_machine_has_are_let_in(host: str | None) -> None:
    check_host(host, 'counter.lan')


@pytest.mark.parametrize(
    'host',
    [
        '',
        ':8085',
        'evil.example',
        'evil.example:8085',
        'localhost.evil.example',
        'notlocalhost',
        '127.0.0.1.evil.example',
        '127.1',
        '0.0.0.0:8085',
        '[::]',
        '192.168.1.2',
        'localhost:80:80',
        'localhost:x',
        'user@localhost:x',
    ],
)
def test_every_other_name_is_refused_with_both_ways_on(host: str) -> None:
    for listens_at in ('', 'counter.lan'):
        with pytest.raises(Forbidden) as caught:
            check_host(host, listens_at)
        assert caught.value.field == 'host'
        assert repr(host) in caught.value.message
        assert '--open' in caught.value.message
        assert 'hailwhale key create' in caught.value.message


@pytest.mark.parametrize(
    ('origin', 'cross_site', 'host', 'trusted'),
    [
        (None, False, 'localhost:8085', ()),
        ('http://localhost:8085', False, 'localhost:8085', ()),
        ('http://localhost:8085', False, 'LOCALHOST:8085', ()),
        ('https://shop.example', True, 'localhost:8085', ('https://shop.example',)),
        ('https://any.example', True, 'localhost:8085', ('*',)),
    ],
)
def test_programs_own_pages_and_trusted_ones_are_let_in(
    origin: str | None, cross_site: bool, host: str, trusted: Collection[str]
) -> None:
    check_page(origin, cross_site=cross_site, host=host, trusted=trusted)


@pytest.mark.parametrize(
    ('origin', 'cross_site', 'host', 'trusted', 'told'),
    [
        (None, True, 'localhost', (), 'a page of another site'),
        (None, True, 'localhost', ('*',), 'a page of another site'),
        ('https://evil.example', False, 'localhost', (), "a page of 'https://evil.example'"),
        ('null', False, 'localhost', (), "a page of 'null'"),
        ('http://localhost:3000', False, 'localhost:8085', (), "a page of 'http://localhost:3000'"),
        ('http://localhost', True, 'localhost', (), "a page of 'http://localhost'"),
        ('http://localhost', False, None, (), "a page of 'http://localhost'"),
        ('https://evil.example', True, 'localhost', ('https://shop.example',), "a page of 'https://evil.example'"),
    ],
)
def test_pages_of_others_are_refused_with_both_ways_on(
    origin: str | None, cross_site: bool, host: str | None, trusted: Collection[str], told: str
) -> None:
    with pytest.raises(Forbidden, match=r'--open.*hailwhale key create') as caught:
        check_page(origin, cross_site=cross_site, host=host, trusted=trusted)
    assert told in caught.value.message
    assert caught.value.field == 'origin'


@pytest.mark.parametrize('loopback', [True, False])
@pytest.mark.parametrize('keyed', [True, False])
@pytest.mark.parametrize('opened', [True, False])
def test_only_a_server_that_others_reach_without_keys_does_not_start(loopback: bool, keyed: bool, opened: bool) -> None:
    if loopback or keyed or opened:
        check_start(host_is_loopback=loopback, has_keys=keyed, open=opened)
        return
    with pytest.raises(SettingsError, match=r'hailwhale key create.*127\.0\.0\.1.*--open') as caught:
        check_start(host_is_loopback=loopback, has_keys=keyed, open=opened)
    assert caught.value.field == 'host'
