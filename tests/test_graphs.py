"""Graphs in pages, in a real browser: what the demo pages draw is what the API answers."""

from __future__ import annotations

import http.server
import json
import math
import mimetypes
import re
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import pytest
from playwright.sync_api import Browser, Locator, Page, Route, expect

from tests.benchmarks.screens import DRAWING
from tests.benchmarks.t14_graphs import LINES, POINTS, day_of_many
from tests.engines import free_ports
from tests.fresh import unmeasured
from tests.test_page import SHOWN, ask, browser, complaints, page

__all__ = ['browser', 'complaints', 'page']

ROOT = Path(__file__).resolve().parent.parent
#: Nothing but files of the page's own server: no inline scripts, no inline styles.
STRICT = "default-src 'self'"
#: The demo pages and their files, and jQuery.
DEMO = re.compile(r'/(demo|vendor)/[^/?]+(\?.*)?$')
EVIL = '<script>document.title=1</script>'


def shop(now: datetime) -> list[dict[str, Any]]:
    """Two days of services, advertising and sales, with a daily wave; and other things to look at."""
    events: list[dict[str, Any]] = []
    for hour in range(48):
        at = (now - timedelta(hours=hour)).isoformat()
        wave = 1.5 + math.sin(hour / 24 * 2 * math.pi)
        for dimensions, dollars, hits in (
            ('services', 120.25 * wave, 1),
            ('advertising', -40 * wave, 2),
            ({'sales': {'tea': 'green'}}, 90.5 * wave, 6),
            ({'sales': {'tea': 'black'}}, 30 * wave, 3),
            ({'sales': 'pot'}, 70.1 * wave, 2),
            ({'sales': 'cup'}, 4 * wave, 1),
            ({'sales': EVIL}, 40 * wave, 3),
        ):
            metrics = {'dollars': round(dollars, 2), 'hits': hits}
            events.append({'pk': 'shop', 'dimensions': dimensions, 'metrics': metrics, 'at': at})
    for child in range(1_000):
        at = (now - timedelta(hours=child % 24)).isoformat()
        hits = 1_000 // (child + 2) + 1
        events.append({'pk': 'pages', 'dimensions': f'page {child:04}', 'metrics': {'hits': hits}, 'at': at})
    return events


def post(address: str, path: str, body: object = None) -> dict[str, Any]:
    data = b'' if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f'{address}{path}', data, {'Content-Type': 'application/json'}, method='POST')
    with urllib.request.urlopen(request) as answered:
        answer: dict[str, Any] = json.load(answered)
    return answer


def count(address: str, events: Sequence[object]) -> None:
    """Let a server count events, all of them."""
    for start in range(0, len(events), 500):
        assert post(address, 'count', events[start : start + 500])['refused'] == 0
    post(address, 'flush_hail')


@contextmanager
def serving(home: Path, *, port: int = 0, **environment: str) -> Iterator[str]:
    """The address of a server."""
    command = [sys.executable, '-m', 'hailwhale', '--home', str(home), 'serve', '--port', str(port)]
    with subprocess.Popen(command, env=unmeasured(**environment), stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout
        try:
            found = re.search(r'http://127\.0\.0\.1:\d+/', running.stdout.readline())
            assert found
            yield found[0]
        finally:
            running.terminate()
            running.stdout.read()
    assert running.returncode == 0


@contextmanager
def site(body: list[str]) -> Iterator[str]:
    """The origin of a page of somebody else, whose body is what the list holds when it is asked for."""

    class Answer(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header('Content-Type', 'text/html; charset=utf-8')
            self.end_headers()
            head = '<!doctype html><title>Shop</title><link rel="icon" href="data:,">'
            self.wfile.write(''.join([head, *body]).encode())

        def log_message(self, *_: object) -> None:
            """Nothing is told."""

    with http.server.ThreadingHTTPServer(('127.0.0.1', 0), Answer) as standing:
        thread = threading.Thread(target=standing.serve_forever)
        thread.start()
        try:
            yield f'http://localhost:{standing.server_port}'
        finally:
            standing.shutdown()
            thread.join()


@pytest.fixture(scope='module')
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server that has counted the shop."""
    with serving(tmp_path_factory.mktemp('graphs')) as address:
        count(address, shop(datetime.now(UTC)))
        yield address


def demo_file(route: Route) -> None:
    """A demo page or one of its files, under the strict policy."""
    folder, name = route.request.url.partition('?')[0].split('/')[-2:]
    places = {'demo': ROOT / 'js' / 'demo', 'vendor': ROOT / 'js' / 'node_modules' / 'jquery' / 'dist'}
    kind = mimetypes.guess_type(name)[0] or 'text/plain'
    route.fulfill(path=places[folder] / name, headers={'Content-Type': kind, 'Content-Security-Policy': STRICT})


@pytest.fixture
def demo(server: str, page: Page) -> str:
    """Where the demo pages are; what they draw is looked at every second."""
    page.context.route(DEMO, demo_file)
    return f'{server}demo/{{}}.html?live=1000'


def part(place: Locator | Page, role: str) -> Locator:
    return place.locator(f'[data-role={role}]')


def drawn(graph: Locator) -> Locator:
    """The graph in a place, once it is drawn."""
    expect(graph.locator('canvas').first).to_be_visible(timeout=SHOWN)
    return graph


def table(graph: Locator) -> dict[str, list[str]]:
    """The numbers of a graph as its table has them: a column by its name, the newest first."""
    part(graph, 'twin').locator('summary').click()
    rows = part(graph, 'twin').locator('tr')
    expect(rows.first).to_be_attached(timeout=SHOWN)
    cells = rows.evaluate_all('rows => rows.map((row) => [...row.cells].map((cell) => cell.textContent))')
    part(graph, 'twin').locator('summary').click()
    return {column[0]: list(column[1:]) for column in zip(*cells, strict=True)}


def exact(number: float) -> str:
    """A number as the table writes it in English."""
    if number == int(number):
        return f'{int(number):,}'
    return f'{number:,.2f}' if abs(number) >= 1 else f'{float(f"{number:.3g}"):g}'


def asked(server: str, metric: str, *, dimensions: object = None, depth: int = 1) -> dict[str, list[tuple[int, float]]]:
    """What the API answers for each node."""
    query = {'pk': 'shop', 'metrics': [metric], 'period': '1h:7d', 'depth': depth}
    answer: Any = ask(server, 'plotpoints', **query, **({'dimensions': dimensions} if dimensions else {}))
    return {name: by_metric[metric] for name, by_metric in answer.items()}


def same_column(column: list[str], points: list[tuple[int, float]]) -> None:
    assert column == [exact(n) for _, n in reversed(points)]


def test_overall_dollars_are_drawn_with_their_important_children(server: str, demo: str, page: Page) -> None:
    page.goto(demo.format('stories'))
    graph = drawn(page.locator('#overall'))
    columns = table(graph)
    answer = asked(server, 'dollars')
    assert list(columns) == ['Time', 'overall', 'sales', 'services', 'advertising']
    for name, of in (('overall', '_'), ('sales', 'sales'), ('services', 'services'), ('advertising', 'advertising')):
        same_column(columns[name], answer[of])
    total = ask(server, 'totals', pk='shop', metrics=['dollars'], period='1h:7d')['1h:7d']['_']['dollars']
    assert float(part(graph, 'total').get_attribute('data-value') or 'nan') == total


def test_sales_are_drawn_with_the_important_products_and_the_rest_as_one(server: str, demo: str, page: Page) -> None:
    page.goto(demo.format('stories'))
    columns = table(drawn(page.locator('#sales')))
    answer = asked(server, 'dollars', dimensions='sales')
    assert list(columns) == ['Time', 'sales', 'tea', 'pot', EVIL, 'other']
    same_column(columns['tea'], answer['["sales", "tea"]'])
    same_column(columns['pot'], answer['["sales", "pot"]'])
    same_column(columns['other'], answer['["sales", "cup"]'])
    assert page.title() != '1'


def test_a_ratio_is_drawn_for_children_that_are_important_by_its_weight(server: str, demo: str, page: Page) -> None:
    page.goto(demo.format('stories'))
    graph = drawn(page.locator('#ratio'))
    columns = table(graph)
    assert list(columns) == ['Time', 'sales', 'tea', EVIL, 'pot']
    answer = asked(server, 'dollars/hits', dimensions='sales')
    ratios = [exact(n) if n else '–' for _, n in reversed(answer['["sales", "tea"]'])]
    assert columns['tea'] == ratios
    totals = ask(server, 'totals', pk='shop', dimensions='sales', metrics=['dollars/hits'], period='1h:7d')
    assert float(part(graph, 'total').get_attribute('data-value') or 'nan') == pytest.approx(
        totals['1h:7d']['sales']['dollars/hits'], rel=1e-12
    )


def test_the_lines_on_the_canvas_have_the_colours_of_their_keys(demo: str, page: Page) -> None:
    page.goto(demo.format('stories'))
    graph = drawn(page.locator('#overall'))
    keys = part(graph, 'legend').locator('button > :first-child')
    colours = keys.evaluate_all('keys => keys.map((key) => getComputedStyle(key).backgroundColor)')
    counts = graph.locator('canvas').evaluate(
        """(canvas, colours) => {
            const {data} = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
            const seen = {};
            for (let i = 0; i < data.length; i += 4) {
                const name = `rgb(${data[i]}, ${data[i + 1]}, ${data[i + 2]})`;
                if (data[i + 3] > 200) seen[name] = (seen[name] ?? 0) + 1;
            }
            return colours.map((name) => seen[name] ?? 0);
        }""",
        colours,
    )
    assert len(set(colours)) == 4
    assert min(counts) > 50


def test_a_line_is_hidden_and_shown_by_its_key(demo: str, page: Page) -> None:
    page.goto(demo.format('drill'))
    graph = drawn(page.locator('#graph'))
    key = part(graph, 'legend').get_by_role('button', name='sales')
    key.click()
    expect(key).to_have_attribute('aria-pressed', 'false')
    key.click()
    expect(key).to_have_attribute('aria-pressed', 'true')


def test_a_click_leads_down_and_crumbs_lead_back(server: str, demo: str, page: Page) -> None:
    page.goto(demo.format('drill'))
    graph = drawn(page.locator('#graph'))
    part(graph, 'doors').get_by_role('button', name='sales').click()
    sales = ask(server, 'totals', pk='shop', dimensions='sales', metrics=['dollars'], period='1h:7d')['1h:7d']
    expect(part(graph, 'total')).to_have_attribute('data-value', str(sales['sales']['dollars']))
    part(graph, 'doors').get_by_role('button', name='tea').click()
    tea = ask(server, 'totals', pk='shop', dimensions=['sales', 'tea'], metrics=['dollars'], period='1h:7d')['1h:7d']
    expect(part(graph, 'total')).to_have_attribute('data-value', str(tea['["sales", "tea"]']['dollars']))
    expect(part(graph, 'legend').get_by_role('button')).to_have_text(
        [re.compile('tea'), re.compile('green'), re.compile('black')]
    )
    part(graph, 'crumbs').get_by_role('button', name='overall').click()
    expect(part(graph, 'crumbs')).to_be_hidden()
    expect(part(graph, 'legend').get_by_role('button', name='services')).to_be_visible()


def test_a_click_on_an_area_is_told_and_leads_down(demo: str, page: Page) -> None:
    page.goto(demo.format('drill') + '&kind=area&period=1h:24h')
    graph = drawn(page.locator('#graph'))
    part(graph, 'doors').get_by_role('button', name='sales').click()
    expect(part(graph, 'crumbs')).to_be_visible()
    over = graph.locator('.u-over')
    expect(part(graph, 'doors').get_by_role('button', name='tea')).to_be_visible()
    box = over.bounding_box()
    assert box
    # The largest child lies on the ground.
    over.click(position={'x': box['width'] * 0.6, 'y': box['height'] - 5})
    expect(page.locator('#clicked')).to_have_text(re.compile(r'tea: \d'))
    expect(part(graph, 'crumbs').locator('li').last).to_have_text('tea')


def test_the_keyboard_reads_the_graph_bucket_by_bucket(server: str, demo: str, page: Page) -> None:
    page.goto(demo.format('stories'))
    graph = drawn(page.locator('#overall'))
    part(graph, 'plot').focus()
    page.keyboard.press('End')
    tooltip = part(graph, 'tooltip')
    expect(tooltip.locator('strong')).to_contain_text('(so far)')
    page.keyboard.press('ArrowLeft')
    expect(tooltip.locator('strong')).not_to_contain_text('(so far)')
    expect(tooltip.locator('li').first).to_contain_text(exact(asked(server, 'dollars')['_'][-2][1]))
    page.keyboard.press('Escape')
    expect(tooltip).to_be_hidden()


def test_dragging_looks_closer_and_a_double_click_leads_back(demo: str, page: Page) -> None:
    page.goto(demo.format('drill'))
    graph = drawn(page.locator('#graph'))
    box = graph.locator('.u-over').bounding_box()
    assert box
    y = box['y'] + 40
    whole = part(graph, 'whole')
    for leave in ('by a double click', 'by the button'):
        page.mouse.move(box['x'] + 200, y)
        page.mouse.down()
        page.mouse.move(box['x'] + 400, y, steps=4)
        page.mouse.up()
        expect(whole).to_be_visible()
        # A drag is no click: it leads nowhere.
        expect(part(graph, 'crumbs')).to_be_hidden()
        if leave == 'by the button':
            whole.click()
        else:
            page.mouse.dblclick(box['x'] + 300, y)
        expect(whole).to_be_hidden()


@pytest.mark.parametrize(
    'name', ['article', 'attributes', 'element', 'jquery', 'kinds', 'offsets', 'small', 'compare', 'many', 'end']
)
def test_every_demo_page_draws_without_a_complaint(demo: str, page: Page, name: str) -> None:
    page.goto(demo.format(name))
    if name == 'end':
        page.locator('#draw').click()
    places = page.locator('.hailwhale')
    expect(places.first).to_be_visible(timeout=SHOWN)
    for place in places.all():
        drawn(place)
    assert page.locator('[data-role=trouble]:visible').count() == 0


def test_stacked_areas_and_bars_reach_as_high_as_overall(demo: str, page: Page) -> None:
    page.goto(demo.format('kinds'))
    for kind in ('area', 'bars'):
        columns = table(drawn(page.locator(f'#{kind}')))
        layers = [[float(n.replace(',', '')) for n in columns[name]] for name in ('tea', 'pot', EVIL, 'other')]
        sums = [float(n.replace(',', '')) for n in columns['sales']]
        assert [sum(parts) for parts in zip(*layers, strict=True)] == pytest.approx(sums, abs=0.05)


def test_a_thousand_children_are_the_largest_and_the_rest(server: str, demo: str, page: Page) -> None:
    page.goto(demo.format('many'))
    columns = table(drawn(page.locator('#graph')))
    assert list(columns) == ['Time', 'overall', *(f'page 000{n}' for n in range(5)), 'other']
    answer: Any = ask(server, 'plotpoints', pk='pages', metrics=['hits'], period='1h:24h', depth=1)
    own = {name: dict(map(tuple, of['hits'])) for name, of in answer.items()}
    rest = [n - sum(own[f'page 000{child}'][at] for child in range(5)) for at, n in own['_'].items()]
    assert columns['other'] == [exact(n) for n in reversed(rest)]


def test_a_hit_is_on_the_screen_without_a_reload(demo: str, page: Page) -> None:
    page.goto(demo.format('live').replace('live=1000', 'live=100'))
    graph = page.locator('#graph')
    expect(part(graph, 'nothing')).to_have_text('Nothing was counted in the last hour.', timeout=SHOWN)
    for hits in (1, 2):
        page.locator('#hit').click()
        expect(part(graph, 'total')).to_have_attribute('data-value', str(hits), timeout=SHOWN)
    expect(part(graph, 'nothing')).to_be_hidden()


def test_a_hit_comes_by_the_stream_and_nothing_else_is_asked(server: str, demo: str, page: Page) -> None:
    with page.expect_response('**/stream?*') as opened:
        page.goto(demo.format('live').partition('?')[0])
    assert opened.value.headers['content-type'].startswith('text/event-stream')
    graph = page.locator('#graph')
    before = ask(server, 'totals', pk='live', metrics=['hits'], period='1m:1h')['1m:1h']['_']['hits']
    asked: list[str] = []
    page.on('request', lambda request: asked.append(request.url))
    for hits in (1, 2, 3):
        page.evaluate("fetch('/count_now?pk=live')")
        expect(part(graph, 'total')).to_have_attribute('data-value', str(before + hits), timeout=SHOWN)
    assert [url for url in asked if 'count_now' not in url] == []


def test_a_graph_goes_on_when_the_server_comes_back(tmp_path: Path, page: Page, complaints: list[str]) -> None:
    page.context.route(DEMO, demo_file)
    (port,) = free_ports(1)
    total = part(page.locator('#graph'), 'total')
    with serving(tmp_path, port=port) as address:
        post(address, 'count_now', {'pk': 'live'})
        with page.expect_response('**/stream?*'):
            page.goto(f'{address}demo/live.html')
        expect(total).to_have_attribute('data-value', '1', timeout=SHOWN)
    with serving(tmp_path, port=port) as address:
        post(address, 'count_now', {'pk': 'live'})
        expect(total).to_have_attribute('data-value', '2', timeout=2 * SHOWN)
        # It would go on asking a server that has ended.
        page.goto('about:blank')
    # The browser reports every connection that is refused by itself.
    complaints[:] = [complaint for complaint in complaints if 'Failed to load resource' not in complaint]


def test_hits_are_made_by_the_page_of_hits(server: str, demo: str, page: Page) -> None:
    before = ask(server, 'totals', pk='shop', metrics=['hits'], period='1h:7d')['1h:7d']['_']['hits']
    page.goto(demo.format('hits'))
    page.locator('#start').click()
    expect(page.locator('#said')).to_have_text('1 counted', timeout=SHOWN)
    page.locator('#start').click()
    after = ask(server, 'totals', pk='shop', metrics=['hits'], period='1h:7d')['1h:7d']['_']['hits']
    assert after > before


def test_nothing_and_errors_are_said_in_a_sentence(demo: str, page: Page, complaints: list[str]) -> None:
    page.goto(demo.format('trouble'))
    expect(part(page.locator('#nothing'), 'nothing')).to_have_text(
        'Nothing was counted in the last 7 days.', timeout=SHOWN
    )
    expect(part(page.locator('#error'), 'trouble')).to_contain_text("not a formula: 'a/b/c'")
    expect(page.locator('body')).to_have_attribute('data-code', 'invalid_formula')
    # The browser reports every answer that is not a success by itself.
    complaints[:] = [complaint for complaint in complaints if 'status of 400' not in complaint]


#: Counts the listeners on whatever outlives a graph, and the connections that are open.
COUNTING = """
    window.held = {listeners: 0, streams: 0, observers: 0};
    for (const target of [window, document, MediaQueryList.prototype]) {
        const {addEventListener, removeEventListener} = target;
        target.addEventListener = function (...given) {
            held.listeners += 1;
            return addEventListener.apply(this, given);
        };
        target.removeEventListener = function (...given) {
            held.listeners -= 1;
            return removeEventListener.apply(this, given);
        };
    }
    const {EventSource: Stream, ResizeObserver: Observer} = window;
    window.EventSource = class extends Stream {
        constructor(...given) { super(...given); held.streams += 1; }
        close() { super.close(); held.streams -= 1; }
    };
    window.ResizeObserver = class extends Observer {
        constructor(...given) { super(...given); held.observers += 1; }
        disconnect() { super.disconnect(); held.observers -= 1; }
    };
"""


def test_an_end_leaves_nothing_behind(demo: str, page: Page) -> None:
    page.add_init_script(COUNTING)
    page.goto(demo.format('end'))
    page.locator('#draw').click()
    drawn(page.locator('#graph'))
    page.locator('#destroy').click()
    before = page.evaluate('({...held, nodes: document.querySelectorAll("*").length})')
    requests: list[str] = []
    page.on('request', lambda request: requests.append(request.url))
    for _ in range(5):
        page.locator('#draw').click()
        drawn(page.locator('#graph'))
        expect(page.locator('#old')).to_have_count(0)
        page.locator('#destroy').click()
    assert page.evaluate('({...held, nodes: document.querySelectorAll("*").length})') == before
    assert (before['streams'], before['observers']) == (0, 0)
    expect(page.locator('#old')).to_have_text('What stood here before.')
    asked = len(requests)
    # As long as a look takes that would come: the next one of another graph.
    page.evaluate("import('/static/hailwhale.js').then(({graph}) => graph('#graph', {pk: 'shop', live: 300}))")
    page.wait_for_event('request', lambda request: 'plotpoints' in request.url)
    page.wait_for_event('request', lambda request: 'plotpoints' in request.url)
    assert len({url for url in requests[asked:] if 'plotpoints' in url}) == 1


def test_the_jquery_plugin_loads_what_draws_only_when_it_draws(demo: str, page: Page) -> None:
    scripts: list[str] = []
    page.on('request', lambda request: scripts.append(request.url.rpartition('/')[2]) if '.js' in request.url else None)
    page.goto(demo.format('jquery'))
    drawn(page.locator('#revenue'))
    assert scripts[:3] == ['jquery.min.js', 'jquery.hailwhale.js', 'jquery.js']
    assert scripts[3:] == ['hailwhale.iife.js']
    expect(part(page.locator('#tables'), 'twin')).to_have_attribute('open', '')
    page.locator('#destroy').click()
    expect(page.locator('#revenue > *')).to_have_count(0)


AXE = ROOT / 'js' / 'node_modules' / 'axe-core' / 'axe.min.js'


@pytest.mark.parametrize('scheme', ['light', 'dark'])
@pytest.mark.parametrize('name', ['stories', 'drill', 'kinds', 'small', 'compare', 'trouble'])
def test_graphs_can_be_used_by_everybody(
    demo: str, browser: Browser, name: str, scheme: Literal['light', 'dark'], tmp_path: Path
) -> None:
    # The policy would keep the examiner out, too.
    context = browser.new_context(color_scheme=scheme, bypass_csp=True, viewport={'width': 1000, 'height': 900})
    context.route(DEMO, demo_file)
    page = context.new_page()
    page.goto(demo.format(name))
    for place in page.locator('.hailwhale').all():
        expect(place.locator('canvas, [data-role=trouble]:visible').first).to_be_visible(timeout=SHOWN)
    page.screenshot(path=tmp_path / f'{name}-{scheme}.png', full_page=True)
    page.add_script_tag(path=AXE)
    found = page.evaluate("axe.run({runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'best-practice']})")
    told = [(wrong['id'], [node['html'] for node in wrong['nodes']]) for wrong in found['violations']]
    assert told == []
    context.close()


@pytest.mark.parametrize(
    'name', ['stories', 'drill', 'offsets', 'small', 'compare', 'many', 'jquery', 'trouble', 'hits']
)
def test_graphs_fit_a_phone(demo: str, browser: Browser, name: str, tmp_path: Path) -> None:
    context = browser.new_context(viewport={'width': 360, 'height': 740}, device_scale_factor=2, is_mobile=True)
    context.route(DEMO, demo_file)
    page = context.new_page()
    page.goto(demo.format(name))
    for place in page.locator('.hailwhale').all():
        expect(place.locator('canvas, [data-role=trouble]:visible').first).to_be_visible(timeout=SHOWN)
    assert page.evaluate('document.documentElement.scrollWidth') <= 360
    page.screenshot(path=tmp_path / f'{name}.png', full_page=True)
    context.close()


def test_a_sparkline_fills_its_place_on_a_phone(demo: str, page: Page) -> None:
    page.set_viewport_size({'width': 360, 'height': 740})
    page.goto(demo.format('small'))
    place = page.locator('#sparkline')
    canvas = drawn(place).locator('canvas').first.bounding_box()
    box = place.bounding_box()
    assert canvas
    assert box
    assert canvas['width'] == pytest.approx(box['width'], abs=1)


def test_the_names_that_lead_down_stand_on_the_line_of_the_words_before_them(demo: str, page: Page) -> None:
    page.goto(demo.format('drill'))
    words = part(drawn(page.locator('#graph')), 'deeper').locator('> span').first
    bottoms = words.evaluate(
        """words => [words, words.nextElementSibling.querySelector('button')].map((each) => {
            const range = document.createRange();
            range.selectNodeContents(each);
            return range.getBoundingClientRect().bottom;
        })"""
    )
    assert bottoms[0] == pytest.approx(bottoms[1], abs=0.5)


#: Keeps the font of every word that is written on a canvas.
WRITTEN = """
    window.written = {};
    const {fillText} = CanvasRenderingContext2D.prototype;
    CanvasRenderingContext2D.prototype.fillText = function (text, ...at) {
        written[text] = this.font;
        return fillText.call(this, text, ...at);
    };
"""


def test_words_of_annotations_are_as_large_on_a_fine_screen(demo: str, browser: Browser) -> None:
    context = browser.new_context(device_scale_factor=2)
    context.route(DEMO, demo_file)
    page = context.new_page()
    page.add_init_script(WRITTEN)
    page.goto(demo.format('compare'))
    drawn(page.locator('#graph'))
    page.wait_for_function("written['Release 2']")
    assert page.evaluate("written['Release 2']").startswith('22px')
    context.close()


def test_a_graph_in_a_light_page_is_light_whatever_its_reader_prefers(demo: str, browser: Browser) -> None:
    context = browser.new_context(color_scheme='dark')
    context.route(DEMO, demo_file)
    page = context.new_page()
    page.goto(demo.format('end'))
    page.locator('#draw').click()
    frame = part(drawn(page.locator('#graph')), 'frame')
    background = 'frame => getComputedStyle(frame).backgroundColor'
    assert frame.evaluate(background) == 'rgb(23, 32, 42)'
    page.locator('#destroy').click()
    page.evaluate("document.documentElement.style.setProperty('color-scheme', 'normal')")
    page.locator('#draw').click()
    assert part(drawn(page.locator('#graph')), 'frame').evaluate(background) == 'rgb(255, 255, 255)'
    context.close()


MILLISECONDS = 50.0


def test_ten_lines_of_a_day_of_minutes_are_drawn_at_once(page: Page, tmp_path: Path) -> None:
    with serving(tmp_path) as address:
        count(address, list(day_of_many(int(time.time()))))
        # A text has no icon, and a browser asks for one.
        page.route('**/favicon.ico', lambda route: route.fulfill(status=204))
        page.goto(f'{address}static/uplot-license.txt')
        page.evaluate("document.body.innerHTML = '<main></main>'")
        lines, points, _, times = page.evaluate(DRAWING, 15)
    assert (lines, points) == (LINES, POINTS)
    # The quickest tells how long it takes; the others, what else the machine does.
    assert min(times) <= MILLISECONDS, times


def test_a_page_of_another_site_draws_what_a_server_counted_that_knows_it(page: Page, tmp_path: Path) -> None:
    places: list[str] = []
    with site(places) as shop, serving(tmp_path, HAILWHALE_CORS=shop) as address:
        assert post(address, 'count_now', {'pk': 'shop', 'metrics': {'dollars': 7.5, 'hits': 3}}) == {'counted': True}
        policy = f"default-src 'none'; img-src data:; script-src {address}; connect-src {address}"
        places += [
            f'<meta http-equiv="Content-Security-Policy" content="{policy}">',
            f'<script type="module" src="{address}static/hailwhale.js"></script>',
            '<hail-graph pk="shop" metric="dollars/hits" live="1000"></hail-graph>',
        ]
        page.goto(shop)
        expect(part(drawn(page.locator('hail-graph')), 'total')).to_have_text('2.50')
        # It would go on asking a server that has ended.
        page.goto('about:blank')


def test_one_tag_draws_where_it_stands_or_where_it_says(page: Page, tmp_path: Path) -> None:
    places: list[str] = []
    with site(places) as shop, serving(tmp_path, HAILWHALE_CORS=shop) as address:
        for child, dollars in (('tea', 7.5), ('pot', 2.5)):
            post(address, 'count_now', {'pk': 'shop', 'dimensions': child, 'metrics': {'dollars': dollars}})
        policy = f"default-src 'none'; img-src data:; script-src {address}; connect-src {address}"
        sealed = json.loads((ROOT / 'hailwhale' / 'static' / 'integrity.json').read_text('utf-8'))['graph.js']
        places += [
            f'<meta http-equiv="Content-Security-Policy" content="{policy}">',
            '<div id="there"></div><main>',
            f'<script src="{address}graph.js?pk=shop&metric=dollars&interval=1h&period=24h&area=1&title=%3Cb%3ESales"'
            f' integrity="{sealed}" crossorigin="anonymous"></script>',
            f'<script src="{address}table_graph.js?pk=shop&columns=dollars,hits&parent_div=there&delay=1"></script>',
            '</main>',
        ]
        page.goto(shop)
        graph = page.locator('main script + div')
        expect(part(drawn(graph), 'total')).to_have_attribute('data-value', '10')
        expect(graph).to_contain_text('<b>Sales')
        assert list(table(graph)) == ['Time', 'overall', 'tea', 'pot']
        other = page.locator('#there')
        expect(drawn(other).locator('table')).to_be_visible()
        assert list(table(other)) == ['Time', 'dollars', 'hits']
        post(address, 'count_now', {'pk': 'shop', 'dimensions': 'tea', 'metrics': {'dollars': 1}})
        expect(part(graph, 'total')).to_have_attribute('data-value', '11', timeout=SHOWN)
        # It would go on asking a server that has ended.
        page.goto('about:blank')
