"""Graphs in frames of other sites, with keys that show one graph, in a real browser."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal, NamedTuple
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Browser, FrameLocator, Page, expect

from hailwhale.access import Graph, Keys
from hailwhale.settings import Settings
from hailwhale.whale import Whale
from tests.test_graphs import AXE, drawn, part, serving, site
from tests.test_page import SHOWN, browser, complaints, page

__all__ = ['browser', 'complaints', 'page']


RELEASE = 'release <b>2</b>'


class Counted(NamedTuple):
    """A server with keys, a page of somebody else, and the key that this page has."""

    address: str
    site: str
    body: list[str]
    key: str
    drills: str
    notes: str

    def graph(self, key: str, **options: object) -> str:
        """The address of a graph."""
        return f'{self.address}embed?{urlencode({"pk": "shop", "metric": "dollars/hits", "key": key, **options})}'

    def frame(self, key: str, **options: object) -> None:
        """Let the page of somebody else frame a graph."""
        address = self.graph(key, **options).replace('&', '&amp;')
        self.body[:] = [
            '<meta name="color-scheme" content="light dark">'
            f'<iframe src="{address}" width="600" height="420" title="Sales"></iframe>'
        ]


@pytest.fixture(scope='module')
def counted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Counted]:
    home = tmp_path_factory.mktemp('embedding')
    body: list[str] = []
    with site(body) as origin, Whale(settings=Settings.load({}, url=f'embedded://{home}')) as whale:
        now = datetime.now(UTC)
        for hour in range(40):
            for name, dollars in (('tea', 30), ('pot', 20), ('cup', 3)):
                at = now - timedelta(hours=hour)
                whale.count_now('shop', {'sales': name}, {'dollars': dollars + hour % 5, 'hits': 2}, at)
            whale.count_now('shop', 'services', {'dollars': 9}, at)
        whale.count_now('secret', metrics={'dollars': 1})
        keys = Keys(whale.storage, whale.clock)
        made = [
            keys.create_graph(
                Graph.of('shop', metrics='dollars/hits', period='1h:24h', depth=2, drill=drill, annotations=notes),
                origins=[origin],
            )
            for drill, notes in ((False, False), (True, False), (False, True))
        ]
        whale.annotate(RELEASE, at=now - timedelta(hours=3))
        whale.annotate('elsewhere', 'secret', now - timedelta(hours=3))
        with serving(home, HAILWHALE_URL=f'embedded://{home}') as address:
            yield Counted(address, origin, body, *(each.text for each in made))


def framed(page: Page) -> FrameLocator:
    return page.frame_locator('iframe')


def test_a_page_frames_a_graph_with_a_key_that_shows_no_other(counted: Counted, page: Page) -> None:
    asked: list[str] = []
    page.on('request', lambda request: asked.append(request.url))
    refused: list[str] = []
    page.on('response', lambda answer: refused.append(answer.url) if answer.status >= 400 else None)
    counted.frame(counted.key, period='1h:24h', drill='false', compare='true', depth=2)
    page.goto(counted.site)
    graph = framed(page).locator('#graph')
    expect(graph.locator('canvas').first).to_be_visible(timeout=SHOWN)
    expect(graph.locator('[data-role=change]')).to_be_visible(timeout=SHOWN)
    paths = {re.sub(r'\?.*', '', url).rpartition('/')[2] for url in asked if url.startswith(counted.address)}
    # What a graph asks: with these alone a key is answered that shows one.
    assert paths - {'embed', 'embed.js', 'embed.css', 'favicon.svg', 'hailwhale.js'} == {'plotpoints', 'stream'}
    assert refused == []
    page.goto('about:blank')


def test_what_happened_is_drawn_where_the_server_knows_it_and_the_key_shows_it(counted: Counted, page: Page) -> None:
    page.goto(counted.graph(counted.notes, period='1h:24h', drill='false', annotations='server'))
    drawn(page.locator('#graph'))
    page.wait_for_function(
        f"performance.getEntriesByType('resource').some(({{name}}) => name.startsWith('{counted.address}annotations'))"
    )
    part(page, 'plot').focus()
    page.keyboard.press('End')
    for _ in range(3):
        page.keyboard.press('ArrowLeft')
    expect(part(page, 'tooltip').locator('strong')).to_contain_text(f' · {RELEASE}')
    page.keyboard.press('ArrowLeft')
    expect(part(page, 'tooltip').locator('strong')).not_to_contain_text('·')
    page.goto('about:blank')


def test_what_is_below_is_shown_by_a_key_that_lets_clicks_lead_there(counted: Counted, page: Page) -> None:
    counted.frame(counted.drills, period='1h:24h')
    page.goto(counted.site)
    graph = framed(page).locator('#graph')
    graph.locator('[data-role=doors]').get_by_role('button', name='sales').click(timeout=SHOWN)
    expect(graph.locator('[data-role=legend]').get_by_role('button', name='tea')).to_be_visible(timeout=SHOWN)
    page.goto('about:blank')


@pytest.mark.parametrize(
    'options', [{'pk': 'secret'}, {'metric': 'dollars'}, {'period': '1h:7d'}, {'dimensions': 'sales'}, {'depth': 3}]
)
def test_another_graph_is_refused_with_a_sentence_that_says_what_the_key_is_for(
    counted: Counted, browser: Browser, options: dict[str, object]
) -> None:
    page = browser.new_page()
    page.goto(counted.graph(counted.key, **{'period': '1h:24h', **options}))
    trouble = part(page, 'trouble')
    if options == {'metric': 'dollars'}:
        # What the formula is made of is no secret.
        expect(page.locator('canvas').first).to_be_visible(timeout=SHOWN)
    else:
        expect(trouble).to_contain_text(re.compile(r'is for|shows one graph'), timeout=SHOWN)
        assert page.locator('canvas').count() == 0
    page.close()


def test_a_page_that_the_key_is_not_for_cannot_frame_it(counted: Counted, browser: Browser) -> None:
    page = browser.new_page()
    told: list[str] = []
    page.on('console', lambda message: told.append(message.text))
    counted.frame(counted.key, period='1h:24h')
    # The same page by another name.
    page.goto(counted.site.replace('localhost', '127.0.0.1'))
    with page.expect_event('console', lambda message: 'frame-ancestors' in message.text):
        page.reload()
    assert page.frames[-1].locator('canvas').count() == 0
    assert any('frame-ancestors' in text for text in told)
    page.close()


@pytest.mark.parametrize('height', [240, 420, 700])
def test_the_graph_is_as_high_as_its_frame(counted: Counted, page: Page, height: int) -> None:
    page.set_viewport_size({'width': 600, 'height': height})
    page.goto(counted.graph(counted.key, period='1h:24h', drill='false'))
    drawn(page.locator('#graph'))
    fits = f'document.documentElement.scrollHeight <= {height} || {height} < 300'
    page.wait_for_function(fits)
    frame = part(page, 'frame').bounding_box()
    assert frame
    assert height < 300 or height - 4 <= frame['height'] <= height
    page.set_viewport_size({'width': 600, 'height': height + 100})
    page.wait_for_function('document.documentElement.scrollHeight <= innerHeight')
    assert page.locator('canvas').count() == 1
    page.goto('about:blank')


@pytest.mark.parametrize('theme', ['light', 'dark'])
@pytest.mark.parametrize('width', [360, 700])
def test_it_is_light_or_dark_as_its_address_says_and_can_be_used_by_everybody(
    counted: Counted, browser: Browser, theme: Literal['light', 'dark'], width: int, tmp_path: Path
) -> None:
    other: Literal['light', 'dark'] = 'light' if theme == 'dark' else 'dark'
    context = browser.new_context(color_scheme=other, bypass_csp=True, viewport={'width': width, 'height': 420})
    page = context.new_page()
    page.goto(counted.graph(counted.drills, period='1h:24h', theme=theme, title='What a sale brings'))
    drawn(page.locator('#graph'))
    background = part(page, 'frame').evaluate('frame => getComputedStyle(frame).backgroundColor')
    assert background == {'light': 'rgb(255, 255, 255)', 'dark': 'rgb(23, 32, 42)'}[theme]
    assert page.evaluate('document.documentElement.scrollWidth') <= width
    page.screenshot(path=tmp_path / f'embed-{theme}-{width}.png')
    page.add_script_tag(path=AXE)
    found = page.evaluate("axe.run({runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa']})")
    assert [(wrong['id'], [node['html'] for node in wrong['nodes']]) for wrong in found['violations']] == []
    context.close()


def test_its_theme_is_that_of_its_reader_where_the_address_names_none(counted: Counted, browser: Browser) -> None:
    context = browser.new_context(color_scheme='dark')
    page = context.new_page()
    page.goto(counted.graph(counted.key, period='1h:24h', drill='false'))
    drawn(page.locator('#graph'))
    assert part(page, 'frame').evaluate('frame => getComputedStyle(frame).backgroundColor') == 'rgb(23, 32, 42)'
    context.close()
