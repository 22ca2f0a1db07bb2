"""The parts of the page in a real browser: tabs, what is happening now, boards."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from hailwhale import Whale
from hailwhale.access import Keys
from hailwhale.settings import Settings
from tests.test_graphs import AXE, count, part, post, serving
from tests.test_page import SHOWN, ask, browser, complaints, demo, page

__all__ = ['browser', 'complaints', 'demo', 'page']

HOUR = 3_600_000
VIEWS = ('Overview', 'Explore', 'Results', 'Decisions', 'Spy', 'Health', 'Boards')
MORNING = {
    'title': 'Morning',
    'graphs': [
        {'pk': 'flights', 'dimensions': 'route', 'period': '1h:48h'},
        {'pk': 'flights', 'metric': 'delay/flights', 'dimensions': 'hour', 'period': 'thirty', 'columns': 2},
        {'pk': 'flights', 'kind': 'number', 'period': 'day', 'compare': True},
    ],
}


@pytest.fixture(scope='module')
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server with boards, and a name with a thousand children."""
    boards = tmp_path_factory.mktemp('boards')
    (boards / 'daily.board.json').write_text(json.dumps({'title': 'Daily', 'graphs': [{'pk': 'pages'}]}))
    (boards / 'bad.board.json').write_text(json.dumps({'title': 'Bad', 'graphs': [{'key': 'hw_secret'}]}))
    with serving(tmp_path_factory.mktemp('shop'), HAILWHALE_BOARDS=str(boards)) as address:
        now = datetime.now(UTC)
        events = []
        for child in range(1_000):
            for days, hits in ((0, 2_000 // (child + 3)), (1, 900 // (child + 2) + child % 5)):
                at = (now - timedelta(days=days, hours=2)).isoformat()
                events.append({'pk': 'pages', 'dimensions': f'page {child:04}', 'metrics': {'hits': hits}, 'at': at})
        count(address, events)
        yield address


def value(row: Any, cell: int) -> float:
    """The exact number behind a cell of a table."""
    return float(row.locator('td').nth(cell).get_attribute('data-value') or 'nan')


def hours(address: str) -> list[tuple[int, float]]:
    answer: Any = ask(address, 'plotpoints', pk='flights', metrics=['hits'], period='1h:50h')
    return [(int(at), float(n)) for at, n in answer['_']['hits']]


# -- keys ------------------------------------------------------------------------------------------------------------


def test_with_a_key_for_some_names_the_page_shows_those(tmp_path: Path, page: Page) -> None:
    with Whale(settings=Settings.load({}, home=tmp_path)) as whale:
        for pk in (*(['Shop', 'a', version] for version in 'xyy'), ['Shop', 'b'], ['Blog']):
            whale.count_now(pk, metrics={'sold': 1})
        key = Keys(whale.storage, whale.clock).create('read', pks=['Shop/a/*']).text
    with serving(tmp_path) as address:
        page.goto(f'{address}#key={key}')
        expect(page.get_by_role('heading', name='What is happening now')).to_be_visible(timeout=SHOWN)
        names = part(page, 'pks').locator('[data-role=pk]')
        expect(names).to_have_text(['Shop / a'], timeout=SHOWN)
        names.click()
        expect(part(page, 'day')).to_have_count(1, timeout=SHOWN)
        expect(part(page, 'so-far')).to_have_attribute('data-value', '3')
        page.goto(f'{address}#view=explore&pk=["Shop","a","y"]')
        expect(names).to_have_text(['Shop / a', 'x', 'y'], timeout=SHOWN)
        expect(part(page, 'pks').locator('[aria-current=page]')).to_have_text('y')
        page.goto(f'{address}#view=results&pk=["Shop","a"]')
        expect(page.get_by_role('heading', name='Results of Shop / a')).to_be_visible(timeout=SHOWN)
        version = page.get_by_role('button', name='y', exact=True)
        expect(version).to_have_attribute('aria-pressed', 'true', timeout=SHOWN)
        # It would go on asking a server that has ended.
        page.goto('about:blank')


# -- tabs ------------------------------------------------------------------------------------------------------------


def test_the_page_begins_with_the_overview_and_each_tab_opens_its_part(demo: str, page: Page) -> None:
    page.goto(demo)
    tabs = page.get_by_role('navigation', name='Parts of the page').get_by_role('link')
    expect(tabs).to_have_text(list(VIEWS))
    expect(page).to_have_title('Overview – HailWhale')
    for view in VIEWS[1:]:
        tabs.filter(has_text=view).click()
        expect(tabs.filter(has_text=view)).to_have_attribute('aria-current', 'page')
        expect(page).to_have_url(re.compile(f'#view={view.lower()}$'))
        heading = page.locator('h1:visible')
        expect(heading).not_to_be_empty(timeout=SHOWN)
    page.go_back()
    expect(tabs.filter(has_text='Health')).to_have_attribute('aria-current', 'page')
    page.locator('[data-role=brand]').click()
    expect(part(page, 'overview-title')).to_be_visible(timeout=SHOWN)
    assert page.url == demo


def test_the_tabs_are_reached_by_the_keyboard(demo: str, page: Page) -> None:
    page.goto(demo)
    expect(part(page, 'day')).to_be_visible(timeout=SHOWN)
    # The way to the content, the name of the page, the first tab, the second.
    for _ in range(4):
        page.keyboard.press('Tab')
    expect(page.locator('[data-view=explore]')).to_be_focused()
    page.keyboard.press('Enter')
    expect(part(page, 'total')).to_have_text('336,776', timeout=SHOWN)
    expect(page.locator('[data-view=explore]')).to_be_focused()


def test_a_link_of_old_opens_the_graph(demo: str, page: Page) -> None:
    page.goto(f'{demo}#pk=flights&dimension=["route","JFK"]')
    expect(part(page, 'title')).to_have_text('flights: JFK', timeout=SHOWN)
    expect(page.locator('[data-view=explore]')).to_have_attribute('aria-current', 'page')


# -- the overview ----------------------------------------------------------------------------------------------------


def test_the_numbers_of_now_are_those_of_the_api(demo: str, page: Page) -> None:
    page.goto(demo)
    card = part(page, 'day')
    expect(part(card, 'so-far')).not_to_be_empty(timeout=SHOWN)
    points = hours(demo)
    last = points[-1][0]
    midnight = int(datetime.fromtimestamp(last / 1000, UTC).replace(hour=0).timestamp() * 1000)
    assert float(part(card, 'so-far').get_attribute('data-value') or 'nan') == sum(
        n for at, n in points if at >= midnight
    )
    of = dict(points)
    row = part(card, 'compared-hour')
    assert [value(row, 0), value(row, 1)] == [of[last - HOUR], of[last - 25 * HOUR]]
    row = part(card, 'compared-today')
    if last > midnight:
        assert value(row, 0) == sum(n for at, n in points if midnight <= at < last)
        assert value(row, 1) == sum(n for at, n in points if midnight - 24 * HOUR <= at < last - 24 * HOUR)
    else:
        expect(row).to_be_hidden()
    expect(card.locator('.spark canvas').first).to_be_visible(timeout=SHOWN)


def test_what_moved_is_what_the_api_says_and_leads_to_its_graph(demo: str, page: Page) -> None:
    page.goto(f'{demo}#view=overview&pk=flights&period=seven')
    row = part(page, 'mover').first
    expect(row).to_be_visible(timeout=SHOWN)
    name = json.loads(row.get_attribute('data-key') or '')
    answer: Any = ask(demo, 'plotpoints', pk='flights', dimensions=name, metrics=['hits'], period='1d:15d')
    points = [n for _, n in next(iter(answer.values()))['hits']]
    assert [value(row, 0), value(row, 1)] == [sum(points[7:14]), sum(points[:7])]
    row.get_by_role('link').click()
    expect(part(page, 'title')).to_have_text(f'flights: {name[-1]}', timeout=SHOWN)
    total = ask(demo, 'totals', pk='flights', dimensions=[name], metrics=['hits'], period='seven')['seven']
    expect(part(page, 'total')).to_have_attribute('data-value', str(next(iter(total.values()))['hits']))
    page.go_back()
    expect(part(page, 'mover').first).to_be_visible(timeout=SHOWN)


def test_the_ranking_is_that_of_the_api(demo: str, page: Page) -> None:
    page.goto(f'{demo}#view=overview&pk=flights&dimension=hour&period=thirty')
    rows = part(page, 'ranked')
    expect(rows).to_have_count(10, timeout=SHOWN)
    found: Any = ask(demo, 'rank', pk='flights', dimension=['hour'], metric='hits', period='thirty', depth=1, limit=10)
    expected = [(row['dimension'][1], row['value']) for row in found['rows'] if len(row['dimension']) == 2]
    names = rows.get_by_role('link').all_inner_texts()
    values = [float(cell.get_attribute('data-value') or 'nan') for cell in rows.locator('b').all()]
    assert list(zip(names, values, strict=True)) == expected


def test_a_count_is_seen_without_loading_again(shop: str, page: Page) -> None:
    post(shop, 'count_now', {'pk': 'pages', 'dimensions': 'page 0000'})
    page.clock.install()
    page.goto(shop)
    number = part(page, 'so-far')
    expect(number).not_to_be_empty(timeout=SHOWN)
    before = float(number.get_attribute('data-value') or 'nan')
    post(shop, 'count_now', {'pk': 'pages', 'dimensions': 'page 0000'})
    page.clock.fast_forward(10_000)
    expect(number).to_have_attribute('data-value', str(int(before + 1)), timeout=SHOWN)


def test_a_thousand_children_take_few_requests_and_short_answers(shop: str, page: Page) -> None:
    asked: list[tuple[str, int]] = []
    page.on('requestfinished', lambda request: asked.append((request.url, request.sizes()['responseBodySize'])))
    page.goto(f'{shop}#view=overview&pk=pages')
    expect(part(page, 'ranked')).to_have_count(10, timeout=SHOWN)
    expect(part(page, 'movers-note')).to_contain_text('the largest 100 are looked at', timeout=SHOWN)
    questions = [size for url, size in asked if '/static/' not in url]
    assert len(questions) <= 14
    assert sum(questions) < 400_000


def test_an_empty_server_welcomes_and_shows_the_first_thing_counted(tmp_path: Path, page: Page) -> None:
    with serving(tmp_path) as address:
        page.clock.install()
        page.goto(address)
        expect(page.get_by_role('heading', name='Nothing has been counted yet')).to_be_visible(timeout=SHOWN)
        expect(part(page, 'welcome-curl')).to_contain_text('/count_now?pk=signup')
        post(address, 'count_now', {'pk': 'signup', 'dimensions': 'UK'})
        page.clock.fast_forward(10_000)
        expect(part(page, 'so-far')).to_have_text('1', timeout=SHOWN)
        expect(part(page, 'welcome')).to_be_hidden()
        page.goto('about:blank')


# -- boards ----------------------------------------------------------------------------------------------------------


def opened(page: Page, address: str) -> Page:
    """A board with its graphs, drawn."""
    page.goto(f'{address}#view=boards&board={json.dumps(MORNING)}')
    expect(part(page, 'cell')).to_have_count(3, timeout=SHOWN)
    part(page, 'board-copy').click()
    expect(part(page, 'board-title')).to_have_value('Morning')
    expect(page.locator('.grid canvas')).to_have_count(3, timeout=SHOWN)
    return page


def test_a_graph_of_explore_comes_onto_a_board_that_survives_a_reload(demo: str, page: Page) -> None:
    page.goto(f'{demo}#pk=flights&dimension=["route","JFK"]&metric=delay/flights&period=thirty')
    expect(part(page, 'title')).to_have_text('flights: JFK', timeout=SHOWN)
    part(page, 'to-board').click()
    expect(part(page, 'added')).to_have_text('delay/flights of flights / route / JFK, the last 30 days', timeout=SHOWN)
    part(page, 'add-title').fill('Delays')
    part(page, 'add-title').press('Enter')
    expect(part(page, 'board-title')).to_have_value('Delays')
    page.reload()
    expect(part(page, 'board-title')).to_have_value('Delays', timeout=SHOWN)
    answer = ask(
        demo, 'totals', pk='flights', dimensions=[['route', 'JFK']], metrics=['delay/flights'], period='thirty'
    )['thirty']
    shown = part(page.locator('.graph').first, 'total')
    expect(shown).to_be_visible(timeout=SHOWN)
    total = next(iter(answer.values()))['delay/flights']
    assert float(shown.get_attribute('data-value') or 'nan') == pytest.approx(total)
    part(page, 'cell-explore').click()
    expect(part(page, 'title')).to_have_text('flights: JFK', timeout=SHOWN)


def test_a_board_is_changed_by_the_keyboard_alone_and_stays_changed(demo: str, page: Page) -> None:
    opened(page, demo)
    part(page, 'cell-down').first.focus()
    page.keyboard.press('Enter')
    expect(part(page, 'cell-down').nth(1)).to_be_focused()
    part(page, 'cell-wide').first.press('Enter')
    expect(part(page, 'cell').first).to_have_attribute('data-columns', '1')
    part(page, 'cell-remove').nth(2).press('Enter')
    expect(part(page, 'cell')).to_have_count(2)
    part(page, 'board-title').fill('Evening')
    part(page, 'board-title').press('Enter')
    expect(part(page, 'mine').get_by_role('link')).to_have_text(['Evening'])
    page.reload()
    expect(part(page, 'cell')).to_have_count(2, timeout=SHOWN)
    kept = json.loads(page.evaluate("localStorage.getItem('hailwhale-boards')"))
    narrow = {name: option for name, option in MORNING['graphs'][1].items() if name != 'columns'}  # type: ignore[attr-defined]
    assert kept == [{'title': 'Evening', 'graphs': [narrow, MORNING['graphs'][0]]}]


def test_a_downloaded_board_is_the_same_when_it_is_opened_again(demo: str, page: Page, tmp_path: Path) -> None:
    opened(page, demo)
    with page.expect_download() as started:
        part(page, 'board-download').click()
    assert started.value.suggested_filename == 'Morning.board.json'
    path = tmp_path / 'Morning.board.json'
    started.value.save_as(path)
    assert json.loads(path.read_text()) == MORNING
    for _ in range(2):
        part(page, 'board-delete').click()
    expect(part(page, 'cell')).to_have_count(0)
    part(page, 'board-file').set_input_files(path)
    expect(part(page, 'board-title')).to_have_value('Morning')
    expect(part(page, 'cell')).to_have_count(3)
    kept = json.loads(page.evaluate("localStorage.getItem('hailwhale-boards')"))
    assert kept == [MORNING]


def test_a_link_opens_the_same_board_elsewhere_and_is_not_kept_by_itself(
    demo: str, page: Page, browser: Browser
) -> None:
    opened(page, demo)
    part(page, 'board-link').click()
    linked = part(page, 'board-linked')
    expect(linked).to_be_visible(timeout=SHOWN)
    address = linked.input_value()
    assert 'board=%7B' not in address
    context = browser.new_context()
    other = context.new_page()
    other.goto(address)
    expect(part(other, 'board-name')).to_have_text('Morning', timeout=SHOWN)
    expect(part(other, 'cell')).to_have_count(3)
    assert other.evaluate("localStorage.getItem('hailwhale-boards')") is None
    context.close()


def test_a_dropped_file_that_is_no_board_is_told(demo: str, page: Page) -> None:
    page.goto(f'{demo}#view=boards')
    expect(part(page, 'board-none')).to_be_visible(timeout=SHOWN)
    page.evaluate(
        """() => {
            const dataTransfer = new DataTransfer();
            const text = '{"title": "x", "graphs": [{"host": "https://evil.example"}]}';
            dataTransfer.items.add(new File([text], 'x.json'));
            const place = document.querySelector('[data-role=board-none]');
            place.dispatchEvent(new DragEvent('drop', {dataTransfer, bubbles: true, cancelable: true}));
        }"""
    )
    expect(part(page, 'board-error')).to_contain_text('graph 1 has a host: a board names no server')


def test_boards_of_the_server_are_shown_and_a_key_in_one_is_refused(shop: str, page: Page) -> None:
    page.goto(f'{shop}#view=boards')
    theirs = part(page, 'theirs').get_by_role('link')
    expect(theirs).to_have_text(['Bad', 'Daily'], timeout=SHOWN)
    theirs.nth(1).click()
    expect(part(page, 'board-name')).to_have_text('Daily')
    expect(page.locator('.grid canvas').first).to_be_visible(timeout=SHOWN)
    theirs.nth(0).click()
    expect(part(page, 'board-error')).to_contain_text('Graph 1 has a key')


# -- for everybody ---------------------------------------------------------------------------------------------------

LOOKS = {'overview': '', 'boards': f'#view=boards&board={json.dumps(MORNING)}', 'explore': '#view=explore'}


@pytest.mark.parametrize('scheme', ['light', 'dark'])
@pytest.mark.parametrize('look', LOOKS)
def test_axe_finds_nothing(demo: str, page: Page, look: str, scheme: Any) -> None:
    page.emulate_media(color_scheme=scheme, reduced_motion='reduce')
    page.goto(f'{demo}{LOOKS[look]}')
    expect(page.locator('canvas').first).to_be_visible(timeout=SHOWN)
    if look == 'explore':
        expect(part(page, 'row').first).to_be_visible(timeout=SHOWN)
    if look == 'overview':
        expect(part(page, 'ranked').first).to_be_visible(timeout=SHOWN)
    if look == 'boards':
        part(page, 'board-copy').click()
        expect(part(page, 'board-title')).to_have_value('Morning')
        expect(page.locator('.grid canvas')).to_have_count(3, timeout=SHOWN)
    page.evaluate(AXE.read_text('utf-8'))
    found = page.evaluate("axe.run({runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'best-practice']})")
    assert [(one['id'], [node['html'][:200] for node in one['nodes']]) for one in found['violations']] == []


@pytest.mark.parametrize('look', LOOKS)
def test_a_phone_scrolls_in_one_direction(demo: str, browser: Browser, look: str) -> None:
    context = browser.new_context(viewport={'width': 360, 'height': 740}, device_scale_factor=2, is_mobile=True)
    page = context.new_page()
    page.goto(f'{demo}{LOOKS[look]}')
    expect(page.locator('canvas').first).to_be_visible(timeout=SHOWN)
    assert page.evaluate('document.documentElement.scrollWidth') <= 360
    current = page.locator('.tabs [aria-current]').bounding_box()
    assert current
    assert current['x'] >= 0
    assert current['x'] + current['width'] <= 360
    context.close()
