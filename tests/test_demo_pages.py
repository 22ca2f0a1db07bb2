"""Demo pages of what a graph alone does not show, in a real browser; those of graphs are in test_graphs."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.test_graphs import AXE, DEMO, EVIL, ROOT, WRITTEN, demo, demo_file, drawn, part, post, server, table
from tests.test_page import SHOWN, ask, browser, complaints, page

__all__ = ['browser', 'complaints', 'demo', 'page', 'server']

PAGES = ROOT / 'js' / 'demo'
#: Pages of this file that draw as soon as they are opened.
DRAWING = ('levels', 'table', 'zones', 'looks', 'notes', 'tag', 'board')
ASKS_FOR_PRIVACY = "Object.defineProperty(navigator, 'globalPrivacyControl', {value: true})"

READY = "typeof window.hailwhale?.count === 'function'"


def hits(server: str, pk: object) -> float:
    return ask(server, 'totals', pk=pk, metrics=['hits'], period='day')['day']['_']['hits']


def test_every_page_is_listed_by_the_first_one_and_opens(demo: str, page: Page) -> None:
    page.goto(demo.format('index'))
    links = page.locator('li a')
    addresses = links.evaluate_all('all => all.map((link) => link.pathname)')
    listed = [Path(address).stem for address in addresses]
    assert sorted(listed) == sorted(path.stem for path in PAGES.glob('*.html') if path.stem != 'index')
    titles = links.all_inner_texts()
    for name, title in zip(listed, titles, strict=True):
        text = (PAGES / f'{name}.html').read_text('utf-8')
        assert f'{title} – HailWhale</title>' in text or name in {'article', 'compare'}


def test_levels_thresholds_and_limits_choose_the_lines(demo: str, page: Page) -> None:
    page.goto(demo.format('levels'))
    names = {place: list(table(drawn(page.locator(f'#{place}')))) for place in ('depth', 'threshold', 'limit')}
    assert {'tea', 'tea / green', 'tea / black'} <= set(names['depth'])
    assert names['threshold'] == ['Time', 'sales', 'tea', 'other']
    assert names['limit'] == ['Time', 'overall', 'page 0000', 'page 0001', 'other']


def test_the_table_has_a_column_for_each_metric(demo: str, page: Page) -> None:
    page.goto(demo.format('table'))
    graph = drawn(page.locator('#graph'))
    expect(part(graph, 'twin')).to_have_attribute('open', '')
    expect(graph.locator('thead th')).to_have_text(['Time', 'dollars', 'hits', 'dollars/hits'])
    expect(graph.locator('tbody tr')).to_have_count(24)


def test_hours_are_those_of_a_zone_in_its_language(demo: str, page: Page) -> None:
    page.goto(demo.format('zones'))
    newest = {place: table(drawn(page.locator(f'#{place}')))['Time'][0] for place in ('utc', 'there')}
    now = datetime.now(UTC)
    # The graph may have been drawn just before the hour was full.
    hours = {f'{(now.astimezone(ZoneInfo("Europe/Berlin")).hour - back) % 24:02}:00' for back in (0, 1)}
    assert any(hour in newest['there'] for hour in hours)
    assert re.search(r'[AP]M', newest['utc'])
    total = part(page.locator('#there'), 'total').inner_text()
    assert re.fullmatch(r'[\d.]+,\d\d', total)


def test_graphs_are_light_or_dark_or_have_colours_of_their_own(demo: str, page: Page) -> None:
    page.goto(demo.format('looks'))
    background = 'frame => getComputedStyle(frame).backgroundColor'
    grounds = [part(drawn(page.locator(place)), 'frame').evaluate(background) for place in ('#light', '#dark', '#own')]
    assert grounds == ['rgb(255, 255, 255)', 'rgb(23, 32, 42)', 'rgb(255, 253, 247)']
    expect(part(page.locator('#own'), 'legend')).to_be_hidden()
    expect(part(page.locator('#light'), 'legend')).to_be_visible()


def test_what_is_told_to_the_server_stands_on_the_graph(server: str, demo: str, page: Page) -> None:
    page.add_init_script(WRITTEN)
    page.goto(demo.format('notes'))
    drawn(page.locator('#graph'))
    page.locator('#text').fill(EVIL)
    page.locator('#tell').click()
    expect(page.locator('#said')).to_have_text(f'Told: {EVIL}')
    found: Any = ask(server, 'annotations', pk='shop')
    assert [each['text'] for each in found['annotations']] == [EVIL]
    # It is of this hour, and of this hour the axis has the beginning alone.
    page.wait_for_function('(text) => text in written', arg=EVIL)
    part(drawn(page.locator('#graph')), 'plot').focus()
    page.keyboard.press('End')
    expect(part(page, 'tooltip').locator('strong')).to_contain_text(EVIL)
    assert page.title() != '1'


def test_tags_draw_where_they_stand_or_where_they_say(demo: str, page: Page) -> None:
    page.goto(demo.format('tag'))
    assert list(table(drawn(page.locator('#here')))) == ['Time', 'sales', 'tea', 'pot', EVIL, 'other']
    expect(part(drawn(page.locator('#numbers')), 'twin')).to_have_attribute('open', '')
    expect(page.locator('#numbers thead th')).to_have_text(['Time', 'dollars', 'hits'])


def test_a_frame_has_the_graph_whose_address_oembed_tells(server: str, demo: str, page: Page) -> None:
    page.goto(demo.format('frame'))
    graph = page.frame_locator('#frame').locator('#graph')
    expect(graph.locator('canvas').first).to_be_visible(timeout=SHOWN)
    code = page.locator('#code')
    expect(code).to_contain_text('"type": "rich"')
    told = json.loads(code.inner_text())
    assert told['width'] <= 600
    assert told['html'].startswith(f'<iframe src="{server}embed?pk=shop')
    # It would go on asking a server that has ended.
    page.goto('about:blank')


def test_a_board_of_the_dashboard_has_the_graphs_of_the_page(demo: str, page: Page) -> None:
    page.goto(demo.format('board'))
    totals = [part(drawn(page.locator(place)), 'total').get_attribute('data-value') for place in ('#one', '#other')]
    page.locator('#open').click()
    expect(part(page, 'board-name')).to_have_text('Shop', timeout=SHOWN)
    cells = part(page, 'cell')
    expect(cells).to_have_count(2)
    assert [part(drawn(cell), 'total').get_attribute('data-value') for cell in cells.all()] == totals


def test_visitors_of_a_split_are_counted_and_its_results_read(server: str, demo: str, page: Page) -> None:
    page.goto(demo.format('split'))
    page.locator('#come').click()
    expect(page.locator('#said')).to_have_text('400 visitors came', timeout=SHOWN)
    found: Any = ask(server, 'results', pk=['demo', 'button'], goals='signups')
    expect(page.locator('#reading li')).to_have_text(found['reading'])
    assert {one['name']: one['n'] for one in found['overall']['goals'][0]['variants']} == {'blue': 200, 'red': 200}
    page.locator('#open').click()
    expect(part(page, 'reading').first).to_have_text(found['reading'][0], timeout=SHOWN)


def test_a_decision_is_made_and_what_came_of_it_is_counted(server: str, demo: str, page: Page) -> None:
    # Bots are not counted, and this browser calls itself one.
    page.set_extra_http_headers({'User-Agent': 'Mozilla/5.0 (X11; Linux x86_64) Chrome/140.0 Safari/537.36'})
    page.goto(demo.format('decide'))
    page.locator('#country').select_option('US')
    page.locator('#come').click()
    expect(page.locator('#said')).to_have_text('Counted as shown', timeout=SHOWN)
    option = page.locator('#shown').inner_text()
    expect(page.locator('#weights li')).to_have_count(3)
    page.locator('#sign').click()
    expect(page.locator('#said')).to_have_text('Counted as signed up')
    post(server, 'flush_hail')
    asked: Any = {'pk': ['demo', 'headline', option], 'dimensions': ['country', 'US'], 'metrics': ['hits', 'signups']}
    (numbers,) = ask(server, 'totals', **asked, period='day')['day'].values()
    assert numbers == {'hits': 1, 'signups': 1}
    page.locator('#open').click()
    expect(part(page, 'decision-title')).to_have_text('Decision demo / headline', timeout=SHOWN)


def test_views_and_what_is_pressed_are_counted_from_the_page(server: str, demo: str, page: Page) -> None:
    page.goto(demo.format('views'))
    total = part(page.locator('#graph'), 'total')
    expect(total).to_have_attribute('data-value', '1', timeout=SHOWN)
    page.locator('#other').click()
    expect(total).to_have_attribute('data-value', '2', timeout=SHOWN)
    page.locator('#buy').click()
    expect(total).to_have_attribute('data-value', '3', timeout=SHOWN)
    prices = ask(server, 'totals', pk='visits', dimensions=['clicked', 'buy'], metrics=['price'], period='day')['day']
    assert list(prices.values()) == [{'price': 12.5}]
    found: Any = ask(server, 'subdimensions', pk='visits', dimensions='page')
    viewed = [path[-1] for path in found['subdimensions']]
    assert len(viewed) == 2
    assert '/demo/views.html' in viewed


def test_who_asks_for_privacy_is_counted_only_where_the_tag_says_so(server: str, demo: str, page: Page) -> None:
    page.add_init_script(ASKS_FOR_PRIVACY)
    sent: list[str] = []
    page.on('request', lambda request: sent.append(request.url) if '/count' in request.url.partition('?')[0] else None)
    page.goto(demo.format('privacy'))
    expect(page.locator('#asks')).to_contain_text('asks for privacy: what is pressed is not counted')
    page.wait_for_function(READY)
    page.locator('#press').click()
    page.locator('#all').click()
    expect(page.locator('#asks')).to_contain_text('asks for privacy: what is pressed is counted')
    page.wait_for_function(READY)
    assert [url for url in sent if not url.endswith('count.js')] == []
    page.locator('#press').click()
    expect(part(page.locator('#graph'), 'total')).to_have_attribute('data-value', '1', timeout=SHOWN)
    assert hits(server, 'pressed') == 1


@pytest.mark.parametrize(
    ('name', 'scheme'),
    [
        *((name, 'light') for name in (*DRAWING, 'article', 'split', 'views')),
        *((name, 'dark') for name in ('notes', 'index', 'decide', 'privacy')),
    ],
)
def test_pages_can_be_used_by_everybody_and_on_a_phone(
    demo: str, browser: Browser, name: str, scheme: Literal['light', 'dark'], tmp_path: Path
) -> None:
    # The policy would keep the examiner out, too.
    context = browser.new_context(
        color_scheme=scheme, bypass_csp=True, viewport={'width': 360, 'height': 740}, is_mobile=True
    )
    context.route(DEMO, demo_file)
    page = context.new_page()
    page.goto(demo.format(name))
    if name in DRAWING:
        expect(page.locator('.hailwhale canvas').first).to_be_visible(timeout=SHOWN)
        for place in page.locator('.hailwhale').all():
            drawn(place)
    assert page.evaluate('document.documentElement.scrollWidth') <= 360
    page.screenshot(path=tmp_path / f'{name}-{scheme}.png', full_page=True)
    page.add_script_tag(path=AXE)
    found = page.evaluate("axe.run({runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'best-practice']})")
    assert [(wrong['id'], [node['html'] for node in wrong['nodes']]) for wrong in found['violations']] == []
    context.close()
