"""One graph as a page that others frame, and what /oembed tells of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit
from xml.etree import ElementTree

import pytest

from hailwhale.access import Access, Graph, Keys
from hailwhale.settings import Settings
from hailwhale.whale import Whale
from tests.servers.client import Client, Reply
from tests.servers.hails import Served

BLOG = 'https://blog.example'
NEWS = 'https://news.example'
OURS = 'http://localhost:8085/embed?pk=shop&metric=dollars'
#: The last two are no characters of XML.
WILD = '<&]]>\0\ufffe'


@pytest.fixture
def whale(embedded_url: str) -> Iterator[Whale]:
    with Whale(embedded_url, settings=Settings.load({}, cors=NEWS)) as whale:
        yield whale


@pytest.fixture
def client(whale: Whale) -> Client:
    return Served(whale).client


class Tags(HTMLParser):
    """The tags of a page, with their attributes, and its texts."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.texts.append(data.strip())


def policy(reply: Reply) -> dict[str, list[str]]:
    parts = reply.headers['Content-Security-Policy'].split('; ')
    return {name: values for name, *values in map(str.split, parts)}


def oembed(client: Client, url: str = OURS, **more: object) -> Reply:
    return client.get(f'/oembed?{urlencode({"url": url, **more})}')


def test_the_page_runs_only_what_is_ours_and_is_the_same_for_every_graph_but_for_its_title(client: Client) -> None:
    reply = client.get('/embed?pk=shop&metric=dollars&title=<b>"Sales"</b>&theme=dark')
    assert (reply.status, reply.headers['Content-Type']) == (200, 'text/html; charset=utf-8')
    assert reply.headers['X-Content-Type-Options'] == 'nosniff'
    assert reply.headers['Cache-Control'] == 'no-cache'
    assert 'X-Frame-Options' not in reply.headers
    allowed = policy(reply)
    assert allowed['default-src'] == ["'self'"]
    assert allowed['base-uri'] == allowed['form-action'] == allowed['object-src'] == ["'none'"]
    found = Tags(reply.body.decode())
    assert '<b>"Sales"</b>' in found.texts
    scripts = [attributes for tag, attributes in found.tags if tag == 'script']
    assert scripts == [{'type': 'module', 'src': 'static/embed.js'}]
    assert not [tag for tag, attributes in found.tags if tag in ('b', 'style') or 'style' in attributes]
    assert not [name for _, attributes in found.tags for name in attributes if name.startswith('on')]
    assert client.get('/static/embed.js').status == client.get('/static/embed.css').status == 200


def test_with_a_slash_at_its_end_it_finds_its_files_too(client: Client) -> None:
    found = Tags(client.get('/embed/?pk=shop').body.decode())
    assert ('script', {'type': 'module', 'src': '../static/embed.js'}) in found.tags


def test_it_may_be_framed_by_whose_pages_may_ask_and_those_of_its_key(whale: Whale) -> None:
    keys = Keys(whale.storage, whale.clock)
    made = keys.create_graph(Graph.of('shop'), origins=[BLOG])
    access = Access(whale.storage, whale.clock, open=False, local=False, trusted=[NEWS])
    keyed = Served(whale, access).client
    assert policy(keyed.get('/embed?pk=shop'))['frame-ancestors'] == ["'self'", NEWS]
    assert policy(keyed.get(f'/embed?pk=shop&key={made.text}'))['frame-ancestors'] == ["'self'", BLOG, NEWS]
    # The page comes whoever frames it, and says itself what is wrong with its key.
    unknown = keyed.get('/embed?pk=shop&key=hw_nonsense', HTTP_ORIGIN='https://evil.example')
    assert (unknown.status, policy(unknown)['frame-ancestors']) == (200, ["'self'", NEWS])
    access.close()


def test_without_other_pages_only_our_own_may_frame_it(embedded_url: str) -> None:
    for cors, framers in (('', ["'self'"]), ('*', ["'self'", '*'])):
        with Whale(embedded_url, settings=Settings.load({}, cors=cors)) as whale:
            assert policy(Served(whale).client.get('/embed'))['frame-ancestors'] == framers


def test_the_page_tells_where_it_is_told_how_to_frame_it(client: Client) -> None:
    asked = '/embed/?pk=["Shop",1]&title="><script>alert(1)</script>'
    found = Tags(client.get(asked, HTTP_HOST='whale.example:81', HTTP_X_FORWARDED_PROTO='https').body.decode())
    links = {
        str(attributes['type']): str(attributes['href'])
        for tag, attributes in found.tags
        if attributes.get('rel') == 'alternate'
    }
    assert list(links) == ['application/json+oembed', 'text/xml+oembed']
    for kind, href in links.items():
        there = urlsplit(href)
        assert (there.scheme, there.netloc, there.path) == ('https', 'whale.example:81', '/oembed')
        given = dict(parse_qsl(there.query))
        assert given['format'] == ('json' if 'json' in kind else 'xml')
        reply = client.get(f'/oembed?{there.query}', HTTP_HOST='whale.example:81')
        assert reply.status == 200
        assert dict(parse_qsl(urlsplit(given['url']).query)) == {
            'pk': '["Shop",1]',
            'title': '"><script>alert(1)</script>',
        }


@pytest.mark.parametrize(
    'host', ['', 'a b', '"><script>', 'whale.example/x', 'x:port', '[1]', '[::::]', '[1.2.3.4]', '[::1']
)
def test_whose_name_for_us_is_none_is_told_nothing(client: Client, host: str) -> None:
    reply = client.get('/embed?pk=shop', HTTP_HOST=host)
    assert reply.status == 200
    assert b'oembed' not in reply.body
    assert client.get(f'/oembed?url={quote(OURS)}', HTTP_HOST=host).status == 404


def test_a_host_may_be_an_address_of_ip(client: Client) -> None:
    for host in ('127.0.0.1:8085', '[::1]:8085', '[2001:db8::ffff:192.0.2.1]'):
        reply = client.get('/embed?pk=shop', HTTP_HOST=host)
        assert quote(f'http://{host}/embed').encode().replace(b'/', b'%2F') in reply.body


def test_json_tells_all_that_a_rich_answer_has_to(client: Client) -> None:
    reply = oembed(client)
    assert (reply.status, reply.headers['Content-Type']) == (200, 'application/json')
    assert reply.json == {
        'type': 'rich',
        'version': '1.0',
        'title': 'dollars – shop',
        'provider_name': 'HailWhale',
        'provider_url': 'http://localhost:8085/',
        'html': '<iframe src="http://localhost:8085/embed?pk=shop&amp;metric=dollars" width="640" height="400" '
        'title="dollars – shop" frameborder="0" loading="lazy"></iframe>',
        'width': 640,
        'height': 400,
    }


def test_xml_tells_the_same(client: Client) -> None:
    wild = f'{OURS}&title={quote(WILD)}'
    reply = oembed(client, wild, format='xml')
    assert (reply.status, reply.headers['Content-Type']) == (200, 'text/xml; charset=utf-8')
    assert reply.body.startswith(b'<?xml version="1.0" encoding="utf-8" standalone="yes"?>')
    root = ElementTree.fromstring(reply.body)
    assert root.tag == 'oembed'
    same = oembed(client, wild).json
    assert {each.tag: each.text for each in root} == {name: str(value) for name, value in same.items()}
    assert same['title'] == '<&]]>\N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER}'


@pytest.mark.parametrize(
    ('asked', 'size'),
    [
        ({}, (640, 400)),
        ({'maxwidth': 300}, (300, 400)),
        ({'maxheight': 200, 'maxwidth': 2_000}, (640, 200)),
        ({'maxwidth': 1, 'maxheight': 1, 'dnt': '1'}, (1, 1)),
    ],
)
def test_a_frame_is_no_larger_than_it_may_be(client: Client, asked: dict[str, Any], size: tuple[int, int]) -> None:
    told = oembed(client, **asked).json
    assert (told['width'], told['height']) == size
    assert f'width="{size[0]}" height="{size[1]}"' in told['html']


@pytest.mark.parametrize(
    'url',
    [
        'https://elsewhere.example/embed?pk=shop',
        'http://localhost:8085/',
        'http://localhost:8085/embedded?pk=shop',
        'http://evil@localhost:8085/embed',
        'http://localhost:8085.evil.example/embed',
        'javascript://localhost:8085/embed',
        '//localhost:8085/embed',
        'embed?pk=shop',
        'http://[/embed',
        'http://localhost:8085/embed?' + '&'.join(f'a{n}=1' for n in range(65)),
    ],
)
def test_what_is_no_graph_of_ours_is_not_found(client: Client, url: str) -> None:
    reply = oembed(client, url)
    assert reply.status == 404
    assert reply.error['field'] == 'url'
    assert '(try http://localhost:8085/embed?pk=signup)' in reply.error['message']


def test_other_formats_are_not_implemented_and_other_mistakes_are_told(client: Client) -> None:
    assert oembed(client, format='yaml').status == 501
    assert oembed(client, format='yaml').error['code'] == 'unknown_format'
    assert client.get('/oembed').error['field'] == 'url'
    for size in (0, -1, 10_001):
        reply = oembed(client, maxwidth=size)
        assert (reply.status, reply.error['field']) == (400, 'maxwidth')
    assert oembed(client, nonsense='1').status == 400


def test_what_an_address_says_cannot_leave_its_attribute(client: Client) -> None:
    for url in (
        'http://localhost:8085/"onload="alert(1)"/embed?pk="onload="alert(1)',
        'http://localhost:8085/embed?pk=\'"><script>alert(1)</script>#"><img>',
    ):
        ((tag, attributes),) = Tags(oembed(client, url).json['html']).tags
        assert tag == 'iframe'
        assert set(attributes) == {'src', 'width', 'height', 'title', 'frameborder', 'loading'}
        assert re.fullmatch(r'[!#$%&+,./0-9:;=?A-Z_a-z~*()@-]+', str(attributes['src']))


def test_a_page_with_more_arguments_than_any_graph_has_is_refused(client: Client) -> None:
    assert client.get('/embed?' + '&'.join(f'a{n}=1' for n in range(65))).status == 413
