"""Counting from pages of another site, in a real browser: each once, by each way, and no error in the page."""

from __future__ import annotations

import base64
import hashlib
import html
import http.server
import json
import re
import shutil
import subprocess
import sys
import threading
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, Route, sync_playwright

from hailwhale.servers.static import PUBLIC
from tests.consoles import ROOT, environ, serving
from tests.engines import until

STATIC = ROOT / 'hailwhale' / 'static'
PK = 'shop'
EVIL = '<script>document.title = "evil"</script>'

# What takes a way of sending from a page.
NO_BEACON = 'delete Navigator.prototype.sendBeacon;'
FULL_BEACON = 'Navigator.prototype.sendBeacon = () => false;'
BROKEN_BEACON = 'Navigator.prototype.sendBeacon = () => { throw new TypeError("no"); };'
NO_FETCH = 'delete window.fetch;'
LOST_FETCH = 'window.fetch = () => Promise.reject(new TypeError("lost"));'


class Shop:
    """A site of somebody else; what its pages hold, a test says. Its origin is never that of the server."""

    def __init__(self) -> None:
        self.head = self.body = ''
        self.headers: dict[str, str] = {}
        shop = self

        class Answer(http.server.BaseHTTPRequestHandler):
            protocol_version = 'HTTP/1.1'

            def do_GET(self) -> None:
                # Without an icon the browser would ask for one.
                head = f'<!doctype html><title>Shop</title><link rel="icon" href="/icon.svg">{shop.head}'
                page = f'{head}<body>{shop.body}</body>'.encode()
                self.send_response(200)
                self.send_header('Content-Type', 'text/html; charset=utf-8')
                self.send_header('Content-Length', str(len(page)))
                for name, value in shop.headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(page)

            def log_message(self, *_: object) -> None:
                """Nothing is told."""

        self._server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Answer)
        self.origin = f'http://localhost:{self._server.server_port}'

    @contextmanager
    def open(self) -> Iterator[Shop]:
        thread = threading.Thread(target=self._server.serve_forever)
        thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            thread.join()
            self._server.server_close()


def command(home: Path, *argv: str) -> str:
    """The first word that a command prints."""
    called = [sys.executable, '-m', 'hailwhale', *argv]
    return subprocess.run(called, env=environ(home), check=True, capture_output=True, text=True).stdout.split()[0]


class Counted(NamedTuple):
    """A server with keys: one that stands in the shop's pages, and one for looking."""

    address: str
    key: str
    admin: str
    token: str
    stop: Callable[[], None]

    def ask(self, path: str, body: bytes | None = None, **query: object) -> Any:
        texts = {name: text if isinstance(text, str) else json.dumps(text) for name, text in query.items()}
        address = f'{self.address}{path}?{urllib.parse.urlencode({"key": self.admin, **texts})}'
        with urllib.request.urlopen(urllib.request.Request(address, body), timeout=20) as answer:
            return json.load(answer)

    def total(self, pk: object = PK, dimension: object = '_', metric: str = 'hits') -> float:
        """What has been counted, all that came in included."""
        self.ask('flush_hail', b'')
        (found,) = self.ask('totals', pk=pk, dimensions=dimension, metrics=[metric], period='day')['day'].values()
        return float(found[metric])

    def names(self, *dimension: str) -> list[str]:
        """The children of a dimension."""
        self.ask('flush_hail', b'')
        return [path[-1] for path in self.ask('subdimensions', pk=PK, dimensions=list(dimension))['subdimensions']]


@pytest.fixture(scope='module')
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


@pytest.fixture(scope='module')
def site(stack: ExitStack) -> Shop:
    return stack.enter_context(Shop().open())


@pytest.fixture
def shop(site: Shop) -> Shop:
    site.head, site.body, site.headers = '', '', {}
    return site


@pytest.fixture(scope='module')
def start(stack: ExitStack, site: Shop, tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Counted]:
    """Starts a server of the shop."""

    def started() -> Counted:
        home = tmp_path_factory.mktemp('home')
        key = command(home, 'key', 'create', '--scope', 'write', '--pk', f'{PK}/*', '--origin', site.origin)
        admin = command(home, 'key', 'create', '--scope', 'admin')
        room = ['--vary', 'value=0..500', '--free', 'campaign', '--origin', site.origin]
        token = command(home, 'pixel', '["shop", "paid"]', *room)
        running = stack.enter_context(ExitStack())
        address = running.enter_context(serving(['serve', '--port', '0'], home))
        return Counted(f'http://{address}/', key, admin, token, running.close)

    return started


@pytest.fixture(scope='module')
def kept(start: Callable[[], Counted]) -> Counted:
    return start()


@pytest.fixture
def server(kept: Counted) -> Counted:
    """The server, nothing counted."""
    kept.ask('flush_hail', b'')
    kept.ask('reset', b'', pk=PK)
    return kept


@pytest.fixture(scope='module')
def browser() -> Iterator[Browser]:
    path = shutil.which('chromium') or shutil.which('google-chrome')
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=path,
            args=['--no-sandbox', '--disable-gpu'],
            # Pages are to be kept when they are left, as in the browsers of visitors.
            ignore_default_args=['--disable-back-forward-cache'],
        )
        yield browser
        browser.close()


class Heard:
    """What a page said: errors of its scripts, and its console by kind."""

    def __init__(self, page: Page) -> None:
        self.errors: list[str] = []
        self.console: list[tuple[str, str]] = []
        self.requests: list[Request] = []
        page.on('pageerror', lambda error: self.errors.append(str(error)))
        page.on('console', self._said)
        page.on('request', lambda request: self.requests.append(request))

    def _said(self, message: ConsoleMessage) -> None:
        self.console.append((message.type, message.text))

    def sent(self, server: Counted) -> list[Request]:
        """The requests that counted, or tried to."""
        return [
            each for each in self.requests if each.url.startswith((f'{server.address}count', f'{server.address}pixel'))
        ]


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context()
    yield context.new_page()
    context.close()


@pytest.fixture
def heard(page: Page) -> Heard:
    return Heard(page)


def tag(server: Counted, **attributes: str | None) -> str:
    """The tag of count.js; of an attribute without a value only the name, without None nothing."""
    given: dict[str, str | None] = {'src': f'{server.address}static/count.js', 'data-key': server.key, 'data-pk': PK}
    given |= {name.replace('_', '-'): value for name, value in attributes.items()}
    texts = [f'{name}="{html.escape(value)}"' for name, value in given.items() if value is not None]
    return f'<script defer {" ".join(texts)}></script>'


VIEWS = {'data_page_views': ''}


def counts(server: Counted, hits: int, pk: object = PK, dimension: object = '_') -> None:
    """So many hits are counted, and stay so when all that was sent before has arrived."""
    until(lambda: server.total(pk, dimension) >= hits, f'{hits} hits are counted')
    assert server.total(pk, dimension) == hits


# -- page views ------------------------------------------------------------------------------------------------------


def test_a_page_view_is_counted_once_under_its_path_without_its_query(
    server: Counted, shop: Shop, page: Page, heard: Heard
) -> None:
    # A second tag, as of a template in a template, does nothing.
    shop.head = tag(server, **VIEWS) + tag(server, **VIEWS)
    page.goto(f'{shop.origin}/cart?secret=1#below')
    page.evaluate('hailwhale.count("shop", {seen: "last"})')
    counts(server, 1, dimension=['seen', 'last'])
    counts(server, 2)
    assert server.names('page') == ['/cart']
    assert (heard.errors, heard.console) == ([], [])
    beacon, _ = heard.sent(server)
    assert (beacon.method, beacon.resource_type) == ('POST', 'ping')


def test_the_dimensions_of_a_view_are_those_of_the_tag_and_may_change(server: Counted, shop: Shop, page: Page) -> None:
    shop.head = tag(server, **VIEWS, data_dimensions='{"site": {"uk": "en"}}')
    page.goto(f'{shop.origin}/a')
    counts(server, 1, dimension=['site', 'uk', 'en'])
    page.evaluate("""document.querySelector('script').dataset.dimensions = '{"page": "product"}';
        history.pushState(null, '', '/product/17')""")
    counts(server, 2)
    assert sorted(server.names('page')) == ['/a', 'product']


@pytest.mark.parametrize(
    ('kind', 'paths'), [('', ['/a', '/b', '/c', '/d']), ('hash', ['/a', '/a#x', '/b', '/c', '/d']), ('load', ['/a'])]
)
def test_an_application_that_does_not_load_is_counted_once_for_each_change_of_its_path(
    server: Counted, shop: Shop, page: Page, heard: Heard, kind: str, paths: list[str]
) -> None:
    shop.head = tag(server, data_page_views=kind)
    page.goto(f'{shop.origin}/a')
    page.evaluate("""async () => {
        const came = (name) => new Promise((done) => addEventListener(name, done, { once: true }));
        history.replaceState({ own: 1 }, '', '?query=1');
        const hashed = came('hashchange');
        location.hash = 'x';
        await hashed;
        history.pushState({ own: 2 }, '', '/b?query=2');
        history.pushState({ own: 3 }, '', '/b?query=3');
        history.pushState({ own: 4 }, '', '/c');
        history.replaceState({ own: 5 }, '', '/d');
        const back = came('popstate');
        history.back();
        await back;
        if (history.state.own !== 3) throw new Error('the history of the page is not its own');
        hailwhale.count('shop', { seen: 'last' });
    }""")
    counts(server, 1, dimension=['seen', 'last'])
    # Back at /b is a view of it, too.
    until(lambda: sorted(server.names('page')) == paths, f'the pages are {paths}')
    counts(server, len(paths) + (kind != 'load') + 1)
    assert (heard.errors, heard.console) == ([], [])


def test_a_page_that_comes_back_out_of_the_cache_is_viewed_again(server: Counted, shop: Shop, page: Page) -> None:
    shop.head = tag(server, **VIEWS)
    page.goto(f'{shop.origin}/a')
    page.evaluate('window.stays = true')
    page.goto(f'{shop.origin}/b')
    # What was kept is not loaded again.
    page.go_back(wait_until='commit')
    until(lambda: page.evaluate('window.stays === true'), 'the page came out of the cache')
    until(lambda: server.total(dimension=['page', '/a']) == 2, 'it is viewed again')
    counts(server, 3)


def test_a_page_that_is_made_ready_counts_when_it_is_shown(server: Counted, shop: Shop, page: Page) -> None:
    # What a browser says of a page that it prepares.
    page.add_init_script('Object.defineProperty(document, "prerendering", { value: true, configurable: true })')
    shop.head = tag(server, **VIEWS)
    page.goto(f'{shop.origin}/ready')
    page.evaluate('hailwhale.count("shop", "early")')
    assert server.total() == 0
    page.evaluate("""delete document.prerendering; document.dispatchEvent(new Event('prerenderingchange'))""")
    counts(server, 2)
    assert server.total(dimension='early') == server.total(dimension=['page', '/ready']) == 1


# -- events ----------------------------------------------------------------------------------------------------------

WAYS: list[tuple[str, list[str]]] = [
    ('', ['ping']),
    (NO_BEACON, ['fetch']),
    (FULL_BEACON, ['fetch']),
    (BROKEN_BEACON, ['fetch']),
    (NO_BEACON + NO_FETCH, ['image']),
    (FULL_BEACON + LOST_FETCH, ['image']),
]


@pytest.mark.parametrize(
    ('without', 'kinds', 'policy'),
    [
        *((*way, 'strict-origin-when-cross-origin') for way in WAYS),
        # A page may want that nobody is told of it; what it counts says so all the same.
        *((*way, 'no-referrer') for way in WAYS),
    ],
)
def test_each_way_stands_in_for_the_one_before_and_counts_the_same(
    server: Counted, shop: Shop, page: Page, heard: Heard, without: str, kinds: list[str], policy: str
) -> None:
    page.add_init_script(without)
    shop.headers = {'Referrer-Policy': policy}
    shop.head = tag(server)
    page.goto(shop.origin)
    page.evaluate(
        '([pk, evil]) => hailwhale.count(pk, {geo: {UK: "London"}, name: evil, "é": null}, {price: "0.10", n: 3})',
        [[PK, 42, 'a/b'], EVIL],
    )
    counts(server, 1, pk=['shop', 42, 'a/b'], dimension=['geo', 'UK', 'London'])
    assert server.total(['shop', '42'], ['name', EVIL], 'price') == 0.1
    assert server.total(PK, ['é'], 'n') == 3
    assert [each.resource_type for each in heard.sent(server)] == kinds
    assert (heard.errors, heard.console, page.title()) == ([], [], 'Shop')


@pytest.mark.parametrize('without', ['', NO_BEACON, NO_BEACON + NO_FETCH])
def test_an_event_of_a_click_that_leaves_the_page_at_once_is_counted(
    server: Counted, shop: Shop, page: Page, heard: Heard, without: str
) -> None:
    page.add_init_script(without)
    shop.head = tag(server)
    shop.body = '<a href="/next" onclick="hailwhale.count(\'shop\', {clicked: \'buy\'})">buy</a>'
    page.goto(shop.origin)
    page.get_by_text('buy').click()
    page.wait_for_url('**/next')
    counts(server, 1, dimension=['clicked', 'buy'])
    assert heard.errors == []


def test_what_arrived_without_an_answer_is_sent_again_and_counted_once(
    server: Counted, shop: Shop, page: Page, heard: Heard
) -> None:
    def lose(route: Route) -> None:
        assert route.fetch().status == 200
        route.abort()

    page.add_init_script(NO_BEACON)
    page.route('**/count?*', lose)
    shop.head = tag(server)
    page.goto(shop.origin)
    with page.expect_response('**/count.gif?*') as answered:
        page.evaluate('hailwhale.count("shop", {country: "UK"})')
    assert answered.value.status == 200
    fetched, image = heard.sent(server)
    (first,) = urllib.parse.parse_qs(fetched.post_data or '')['id']
    assert urllib.parse.parse_qs(urllib.parse.urlsplit(image.url).query)['id'] == [first]
    counts(server, 1)
    assert heard.errors == []


def test_amounts_that_a_page_has_added_up_are_counted(server: Counted, shop: Shop, page: Page) -> None:
    shop.head = tag(server)
    page.goto(shop.origin)
    # The server would refuse 17 digits.
    page.evaluate('hailwhale.count("shop", null, {sum: 0.1 + 0.2})')
    counts(server, 1)
    assert server.total(metric='sum') == 0.3


def test_events_with_one_id_are_counted_once_and_others_each_have_their_own(
    server: Counted, shop: Shop, page: Page
) -> None:
    shop.head = tag(server)
    page.goto(shop.origin)
    page.evaluate("""() => {
        for (const id of ['order-1', 'order-1', 7, '7', undefined, null]) hailwhale.count('shop', null, null, { id });
        hailwhale.count('shop');
        hailwhale.count('shop', {seen: 'last'});
    }""")
    counts(server, 1, dimension=['seen', 'last'])
    counts(server, 6)


@pytest.mark.parametrize('without', ['', NO_BEACON, NO_BEACON + NO_FETCH])
def test_a_sealed_pixel_counts_with_what_it_leaves_open(
    server: Counted, shop: Shop, page: Page, heard: Heard, without: str
) -> None:
    page.add_init_script(without)
    shop.head = tag(server, data_key=None)
    page.goto(shop.origin)
    page.evaluate('token => hailwhale.pixel(token, {value: 12.5, campaign: "spring & <b>"})', server.token)
    counts(server, 1, pk=['shop', 'paid'], dimension=['campaign', 'spring & <b>'])
    assert server.total(['shop', 'paid'], metric='value') == 12.5
    assert (heard.errors, heard.console) == ([], [])


def test_a_module_counts_as_the_tag_does(server: Counted, shop: Shop, page: Page, heard: Heard) -> None:
    shop.head = f"""<script type="module">
        import {{ counting }} from '{server.address}static/count.mjs';
        const whale = counting({{
            key: '{server.key}', pk: 'shop', pageViews: true, dimensions: (path) => ({{ at: path }}),
        }});
        whale.count('shop', {{ from: 'module' }});
    </script>"""
    page.goto(f'{shop.origin}/m')
    counts(server, 1, dimension=['from', 'module'])
    counts(server, 1, dimension=['at', '/m'])
    assert page.evaluate('typeof hailwhale') == 'undefined'
    assert (heard.errors, heard.console) == ([], [])


# -- who does not want to be counted ---------------------------------------------------------------------------------


@pytest.mark.parametrize('asks', ['globalPrivacyControl: { get: () => true }', 'doNotTrack: { get: () => "1" }'])
def test_who_asks_for_privacy_is_counted_only_where_the_tag_says_so(
    server: Counted, shop: Shop, page: Page, heard: Heard, asks: str
) -> None:
    page.add_init_script(f'Object.defineProperties(Navigator.prototype, {{ {asks} }})')
    everything = (
        'token => { hailwhale.count("shop", "clicked"); hailwhale.pixel(token); history.pushState(0, "", "/b"); }'
    )
    shop.head = tag(server, **VIEWS)
    page.goto(f'{shop.origin}/a')
    page.evaluate(everything, server.token)
    # What is sent stands in the list before the page answers anything else.
    assert page.evaluate('typeof hailwhale.count') == 'function'
    assert heard.sent(server) == []
    shop.head = tag(server, **VIEWS, data_gpc='count')
    page.goto(f'{shop.origin}/a')
    page.evaluate(everything, server.token)
    counts(server, 4)
    assert page.context.cookies() == []
    assert page.evaluate('localStorage.length + sessionStorage.length + document.cookie.length') == 0
    assert (heard.errors, heard.console) == ([], [])


# -- what the documentation shows ------------------------------------------------------------------------------------

DOCUMENTED = (ROOT / 'docs' / 'counting_from_a_page.rst', ROOT / 'README.rst')


def shown(server: Counted, page: Path, kind: str) -> list[str]:
    """The blocks of a page, of this server and its key."""
    found = re.findall(rf'code-block:: {kind}\n\n((?:    .*\n|\n)+)', page.read_text('utf-8'))
    said = {'https://count.example/': server.address, 'https://count.example': server.address.rstrip('/')}
    said |= {'hw_k2n8w0qd_...': server.key, 'hw_...': server.key, 'sha384-...': integrity('count.js'), 'Shop': PK}
    for old, new in said.items():
        found = [block.replace(old, new) for block in found]
    return found


@pytest.mark.parametrize(('number', 'hits'), [(0, 1), (2, 2), (3, 1)], ids=['tag', 'module', 'integrity'])
def test_the_tags_of_the_documentation_count_under_the_policy_that_it_shows(
    server: Counted, shop: Shop, page: Page, heard: Heard, number: int, hits: int
) -> None:
    (policy,) = [block for block in shown(server, DOCUMENTED[0], 'text') if 'Security-Policy' in block]
    name, _, value = policy.strip().partition(': ')
    shop.head = shown(server, DOCUMENTED[0], 'html')[number]
    if 'import' in shop.head:
        # What stands in the page itself needs more than the policy allows.
        value = f"{value}; script-src-elem 'unsafe-inline' {server.address}"
    shop.headers = {name: value.replace('img-src', "img-src 'self'")}
    page.goto(shop.origin)
    counts(server, hits)
    assert server.total(dimension=['page', '/']) == 1
    assert (heard.errors, heard.console) == ([], [])


@pytest.mark.parametrize('documented', DOCUMENTED, ids=['docs', 'readme'])
def test_the_button_of_the_documentation_counts_a_click(
    server: Counted, shop: Shop, page: Page, heard: Heard, documented: Path
) -> None:
    blocks = [block for block in shown(server, documented, 'html') if 'type="module"' not in block]
    shop.head = blocks[0]
    page.goto(shop.origin)
    (button,) = [block for block in blocks if '<button' in block]
    page.evaluate('html => { document.body.innerHTML = html; }', button)
    page.get_by_text('Buy').click()
    counts(server, 2)
    assert server.total(dimension=['clicked', 'buy'], metric='price') == 12.5
    assert (heard.errors, heard.console) == ([], [])


# -- policies --------------------------------------------------------------------------------------------------------


def integrity(name: str) -> str:
    """What a tag says of the bytes of a script."""
    return f'sha384-{base64.b64encode(hashlib.sha384((STATIC / name).read_bytes()).digest()).decode()}'


def test_the_build_tells_the_integrity_of_all_scripts_for_other_pages() -> None:
    assert json.loads((STATIC / 'integrity.json').read_text()) == {name: integrity(name) for name in PUBLIC}


@pytest.mark.parametrize(('without', 'kinds'), WAYS)
def test_a_strict_policy_and_integrity_leave_nothing_to_complain_about(
    server: Counted, shop: Shop, page: Page, heard: Heard, without: str, kinds: list[str]
) -> None:
    page.add_init_script(without)
    host = server.address.rstrip('/')
    shop.headers = {
        'Content-Security-Policy': f"default-src 'none'; script-src {host}; connect-src {host}; img-src {host} 'self'",
    }
    shop.head = tag(server, **VIEWS, integrity=integrity('count.js'), crossorigin='anonymous')
    page.goto(f'{shop.origin}/strict')
    counts(server, 1, dimension=['page', '/strict'])
    assert [each.resource_type for each in heard.sent(server)] == kinds
    assert (heard.errors, heard.console) == ([], [])


def test_a_page_that_lets_in_only_what_agrees_to_it_takes_the_script(
    server: Counted, shop: Shop, page: Page, heard: Heard
) -> None:
    shop.headers = {'Cross-Origin-Embedder-Policy': 'require-corp', 'Cross-Origin-Opener-Policy': 'same-origin'}
    shop.head = tag(server, **VIEWS)
    page.goto(shop.origin)
    counts(server, 1)
    assert page.evaluate('crossOriginIsolated')
    assert (heard.errors, heard.console) == ([], [])


def test_a_script_of_other_bytes_does_not_run(server: Counted, shop: Shop, page: Page, heard: Heard) -> None:
    shop.head = tag(server, **VIEWS, integrity=integrity('page.js'), crossorigin='anonymous')
    page.goto(shop.origin)
    assert page.evaluate('typeof hailwhale') == 'undefined'
    assert (heard.sent(server), heard.errors) == ([], [])
    assert len(heard.console) == 1
    assert 'integrity' in heard.console[0][1]


# -- when something is wrong -----------------------------------------------------------------------------------------


def said(heard: Heard) -> list[str]:
    """What the script said; what cannot be loaded, browsers say by themselves."""
    return [text for kind, text in heard.console if kind == 'debug']


def others(heard: Heard) -> list[str]:
    return [text for kind, text in heard.console if kind != 'debug' and not text.startswith('Failed to load resource')]


def test_a_page_whose_server_is_away_goes_on_and_says_so_once(
    start: Callable[[], Counted], shop: Shop, page: Page, heard: Heard
) -> None:
    server = start()
    page.add_init_script(NO_BEACON)
    shop.head = tag(server)
    shop.body = "<button onclick=\"window.hailwhale?.count('shop'); document.title = 'went on'\">buy</button>"
    page.goto(shop.origin)
    server.stop()
    for _ in range(2):
        with page.expect_event('requestfailed', lambda request: 'count.gif' in request.url):
            page.get_by_text('buy').click()
    with page.expect_event('requestfailed', lambda request: 'pixel' in request.url):
        page.evaluate('hailwhale.pixel("token")')
    until(lambda: page.title() and said(heard), 'it is said')
    assert said(heard) == [f'HailWhale: no answer from {urllib.parse.urlsplit(server.address).netloc}']
    assert page.title() == 'went on'
    assert (heard.errors, others(heard)) == ([], [])
    # A page hears of each where it wants to.
    page.evaluate('window.lost = []; void (hailwhale.onerror = (error) => { lost.push(error.message); throw error; })')
    for _ in range(2):
        page.evaluate('hailwhale.count("shop")')
    until(lambda: page.evaluate('lost.length') == 2, 'the page has heard of both')
    assert len(said(heard)) == 1
    # And one that cannot even load the script.
    page.goto(f'{shop.origin}/next')
    page.get_by_text('buy').click()
    assert page.title() == 'went on'
    assert (heard.errors, others(heard)) == ([], [])


def test_what_the_server_refuses_is_said_once(server: Counted, shop: Shop, page: Page, heard: Heard) -> None:
    page.add_init_script(NO_BEACON)
    shop.head = tag(server)
    page.goto(shop.origin)
    page.evaluate('hailwhale.count("elsewhere"); hailwhale.count("elsewhere")')
    until(lambda: page.title() and said(heard), 'it is said')
    assert said(heard) == ['HailWhale: refused (403)']
    assert (heard.errors, others(heard)) == ([], [])
    assert server.total('elsewhere') == 0


def test_whatever_a_page_gives_nothing_is_thrown(server: Counted, shop: Shop, page: Page, heard: Heard) -> None:
    shop.head = tag(server, **VIEWS, data_dimensions='{"no JSON')
    page.goto(shop.origin)
    page.evaluate("""() => {
        const round = {};
        round.round = round;
        for (const given of [round, 1n, Symbol('a'), () => 1, undefined, null, NaN]) {
            hailwhale.count(given, given, given, given);
            hailwhale.pixel(given, given);
        }
        history.pushState(null, '', '/b');
        hailwhale.count('shop', {seen: 'last'});
    }""")
    counts(server, 1, dimension=['seen', 'last'])
    assert heard.errors == []
    assert len(said(heard)) == 1
    assert page.url.endswith('/b')
