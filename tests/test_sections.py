"""Sections of the dashboard in a real browser: tests, decisions, events and health as the server answers them."""

from __future__ import annotations

import json
import re
import subprocess
import urllib.parse
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.engines import free_ports, process, redis_binary
from tests.splits import EVIL, everything
from tests.test_graphs import AXE, count, post, serving
from tests.test_page import SHOWN, ask, browser, complaints, page

__all__ = ['browser', 'complaints', 'page']


@pytest.fixture(scope='module')
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server that has counted splits and decisions."""
    with serving(tmp_path_factory.mktemp('sections')) as address:
        count(address, everything(datetime.now(UTC)))
        yield address


def at(server: str, view: str, pk: object = None, **more: str) -> str:
    """The address of a page."""
    parts = {'view': view, **({'pk': json.dumps(pk)} if pk else {}), **more}
    return f'{server}#{urllib.parse.urlencode(parts)}'


def part(place: Locator | Page, role: str, name: str | None = None) -> Locator:
    """What has a role, and a name where one is given."""
    named = '' if name is None else f'[data-name={json.dumps(name, ensure_ascii=False)}]'
    return place.locator(f'[data-role="{role}"]{named}')


def number(place: Locator) -> float:
    return float(place.get_attribute('data-value', timeout=SHOWN) or 'nan')


def test_results_are_drawn_as_the_server_answers_them(server: str, page: Page) -> None:
    page.goto(at(server, 'results', ['page', 'button']))
    found = post(server, 'results', {'pk': ['page', 'button']})
    expect(part(page, 'reading').first).to_have_text(found['reading'][0], timeout=SHOWN)
    for goal in found['overall']['goals']:
        card = part(page, 'goal', goal['goal'])
        for variant in goal['variants']:
            shown = part(card, 'version', variant['name'])
            assert number(part(shown, 'rate')) == variant['rate']
            if variant['headline'] is None:
                expect(shown.locator('svg.forest')).to_have_count(0)
                continue
            expect(shown.locator('svg.forest')).to_be_visible()
            assert number(part(shown, 'lift')) == variant['headline']['lift']
            assert number(part(shown, 'p')) == variant['headline']['p_adjusted']
            assert number(part(shown, 'chance')) == variant['belief']['chance_to_win']
            assert number(part(shown, 'loss')) == variant['belief']['expected_loss']
    expect(part(page, 'sample-ratio').first).to_have_attribute('data-mismatch', 'false')
    expect(part(page, 'allocation')).to_have_attribute('data-value', 'fixed')
    assert page.title() != '1'
    assert page.locator('img[src=x]').count() == 0


def test_an_interval_is_drawn_where_its_numbers_are(server: str, page: Page) -> None:
    page.goto(at(server, 'results', ['page', 'button'], goals='["signups"]'))
    shown = part(part(page, 'goal', 'signups'), 'version', 'red')
    place = """row => {
        const x = (name, side) => row.querySelector(`.${name}`).getBoundingClientRect()[side];
        const inner = [x('fixed', 'left'), x('fixed', 'right')];
        const point = (x('point', 'left') + x('point', 'right')) / 2;
        return {zero: x('zero', 'left'), low: x('always', 'left'), high: x('always', 'right'), inner, point};
    }"""
    expect(shown.locator('svg.forest')).to_be_visible(timeout=SHOWN)
    drawn = shown.evaluate(place)
    found = post(server, 'results', {'pk': ['page', 'button'], 'goals': ['signups']})
    (red,) = (one for one in found['overall']['goals'][0]['variants'] if one['name'] == 'red')
    low, high = red['headline']['lift_ci']
    scale = (drawn['high'] - drawn['low']) / (high - low)
    for name, value in (('point', red['headline']['lift']), ('zero', 0)):
        assert drawn[name] == pytest.approx(drawn['low'] + (value - low) * scale, abs=2)
    assert drawn['low'] < drawn['inner'][0] < drawn['point'] < drawn['inner'][1] < drawn['high']


def test_a_goal_a_control_and_segments_are_chosen_and_stay_in_the_address(server: str, page: Page) -> None:
    page.goto(at(server, 'results', ['page', 'button']))
    part(page, 'results-goals').get_by_role('button', name='earned').click(timeout=SHOWN)
    expect(part(page, 'goal')).to_have_count(1, timeout=SHOWN)
    part(page, 'results-control').select_option('red')
    part(page, 'results-segment').select_option('country')
    expect(part(page, 'results-segment-title')).to_have_count(4, timeout=SHOWN)
    asked = {'pk': ['page', 'button'], 'goals': ['signups'], 'control': 'red', 'by': 'country'}
    found = post(server, 'results', asked)
    expect(part(page, 'reading').first).to_have_text(found['reading'][0])
    page.reload()
    expect(part(page, 'results-segment-title')).to_have_count(4, timeout=SHOWN)
    (blue,) = (one for one in found['overall']['goals'][0]['variants'] if one['name'] == 'blue')
    assert number(part(part(page, 'version', 'blue').first, 'lift')) == blue['headline']['lift']


def test_a_choice_is_as_wide_as_its_words(server: str, page: Page) -> None:
    page.goto(at(server, 'results', ['page', 'button']))
    chosen = part(page, 'results-split')
    expect(chosen.locator('option:checked')).to_have_text('the names below button', timeout=SHOWN)
    has = chosen.evaluate('list => list.offsetWidth')
    assert has >= chosen.evaluate("list => { list.style.width = 'max-content'; return list.offsetWidth; }")


def test_a_split_that_is_off_is_a_clear_warning(server: str, page: Page) -> None:
    page.goto(at(server, 'results', 'lopsided'))
    expect(part(page, 'sample-ratio')).to_have_attribute('data-mismatch', 'true', timeout=SHOWN)
    expect(page.get_by_role('alert')).to_contain_text('trust no number here')


def test_too_little_data_is_a_sentence_and_no_number(server: str, page: Page) -> None:
    page.goto(at(server, 'results', 'early'))
    shown = part(page, 'version', 'b')
    expect(part(shown, 'not-enough')).to_contain_text(re.compile('Not enough data: .*more conversions'), timeout=SHOWN)
    expect(shown.locator('svg')).to_have_count(0)
    expect(part(shown, 'lift')).to_have_count(0)


def test_a_decision_is_found_and_its_weights_are_those_of_the_server(server: str, page: Page) -> None:
    page.goto(at(server, 'decisions'))
    expect(part(page, 'decision-title')).to_have_text('Decision front / headline', timeout=SHOWN)
    expect(part(page, 'option')).to_have_count(4, timeout=SHOWN)
    before = ask(server, 'totals', pk='front', metrics=['hits', 'signups'], period='year')
    page.get_by_label('country').select_option('DE')
    expect(part(page, 'decision-unseen')).to_contain_text('Choose device as well', timeout=SHOWN)
    page.get_by_label('device').select_option('phone')
    expect(part(page, 'decision-reading')).to_contain_text('country DE, device phone', timeout=SHOWN)
    names = part(page, 'option').evaluate_all('all => all.map((one) => one.dataset.name)')
    asked = {
        'pk': ['front', 'headline'],
        'options': names,
        'by_metric': 'signups/hits',
        'dimensions': {'country': 'DE', 'device': 'phone'},
    }
    found = post(server, 'decide', {**asked, 'explain': True, 'bot': False})
    for reason in found['reasons']:
        shown = part(page, 'option', reason['option'])
        assert number(part(shown, 'weight')) == pytest.approx(found['weights'][reason['option']], abs=0.02)
        assert number(part(shown, 'mean')) == pytest.approx(reason['mean'], rel=0.05)
        assert number(part(shown, 'exposure')) == reason['exposure']
        assert number(part(shown, 'reward')) == reason['reward']
    assert max(found['weights'], key=found['weights'].__getitem__) == 'bold'
    assert names[0] == 'bold'
    # Whoever looks is no visitor.
    assert ask(server, 'totals', pk='front', metrics=['hits', 'signups'], period='year') == before
    assert page.locator('img[src=x]').count() == 0


def test_what_was_shown_over_time_is_drawn_in_shares(server: str, page: Page) -> None:
    page.goto(at(server, 'decisions', ['front', 'headline'], period='1h:7d'))
    graph = part(page, 'decision-graph')
    expect(graph.locator('canvas').first).to_be_visible(timeout=SHOWN)
    shown = sum(
        ask(server, 'totals', pk=['front', 'headline', name], metrics=['hits'], period='1h:7d')['1h:7d']['_']['hits']
        for name in part(page, 'option').evaluate_all('all => all.map((one) => one.dataset.name)')
    )
    expect(part(graph, 'total')).to_have_attribute('data-value', str(int(shown)))
    expect(part(graph, 'legend').get_by_role('button')).to_have_count(4)
    expect(part(graph, 'legend').get_by_role('button', name=EVIL)).to_be_visible()


def test_an_event_is_seen_as_it_comes_in(server: str, page: Page) -> None:
    page.goto(at(server, 'spy', **{'from': 'spied'}))
    said = part(page, 'spy-said')
    expect(said).to_contain_text('Nothing has come in', timeout=SHOWN)
    event = {'pk': ['spied', EVIL], 'dimensions': {'country': 'UK', 'page': '"a"'}, 'metrics': {'hits': 3}, 'id': 'one'}
    post(server, 'count', {**event, 'uid': 'anna'})
    row = part(page, 'spy-event')
    expect(row).to_have_count(1, timeout=SHOWN)
    expect(part(row, 'spy-pk')).to_have_text(f'spied / {EVIL}')
    expect(part(row, 'spy-dimensions')).to_contain_text('country: UK')
    expect(part(row, 'spy-metrics')).to_have_text('hits 3')
    expect(part(row, 'spy-id')).to_have_text('one')
    expect(row).to_have_class('fresh')
    assert page.locator('img[src=x]').count() == 0


def test_events_are_filtered_by_visitor_and_text_and_stand_still_when_paused(server: str, page: Page) -> None:
    for uid, page_name in (('bert', 'home'), ('carl', 'shop'), ('carl', 'home')):
        post(server, 'count', {'pk': 'still', 'dimensions': {'page': page_name}, 'uid': uid})
    page.goto(at(server, 'spy', **{'from': 'still'}))
    rows = part(page, 'spy-event')
    expect(rows).to_have_count(3, timeout=SHOWN)
    page.get_by_label('Find in these').fill('SHOP')
    expect(rows).to_have_count(1)
    page.get_by_label('Find in these').fill('')
    page.get_by_label('Visitor (uid)').fill('carl')
    page.get_by_label('Visitor (uid)').press('Enter')
    expect(rows).to_have_count(2, timeout=SHOWN)
    with page.expect_response('**/spy?*'):
        pass
    page.get_by_role('button', name='Pause').click()
    post(server, 'count', {'pk': 'still', 'uid': 'carl'})
    asked: list[str] = []
    page.on('request', lambda request: asked.append(request.url))
    expect(part(page, 'spy-said')).to_contain_text('Paused')
    # Longer than it waits between two looks, in the clock of the page.
    page.evaluate('new Promise((done) => setTimeout(done, 2500))')
    assert (rows.count(), asked) == (2, [])
    page.get_by_role('button', name='Go on').click()
    expect(rows).to_have_count(3, timeout=SHOWN)


def test_a_server_that_is_well_says_so_with_its_figures(server: str, page: Page) -> None:
    page.goto(at(server, 'health'))
    expect(part(page, 'health-summary')).to_have_text('All is well.', timeout=SHOWN)
    for name in ('lag', 'dead', 'memory', 'fullness'):
        expect(part(page, f'sign-{name}')).to_have_attribute('data-word', 'fine')
    assert number(part(part(page, 'sign-keys'), 'sign-value')) > 10
    # Of the first level: page, lopsided, early, front, and those of other tests.
    assert number(part(part(page, 'sign-names'), 'sign-value')) >= 4


def test_an_engine_that_has_stopped_is_said_to_be_wrong(tmp_path: Path, page: Page, complaints: list[str]) -> None:
    (port,) = free_ports(1)
    url = f'redis://127.0.0.1:{port}/0'
    with (
        process(redis_binary(), tmp_path, port) as engine,
        serving(tmp_path, HAILWHALE_URL=url, HAILWHALE_TIMEOUT='1') as address,
    ):
        page.goto(at(address, 'health'))
        expect(part(page, 'health-summary')).to_have_text('All is well.', timeout=SHOWN)
        pid = int(engine.info('server')['process_id'])
        subprocess.run(['kill', '-STOP', str(pid)], check=True)
        try:
            expect(part(page, 'health-summary')).to_have_text('Something is wrong.', timeout=2 * SHOWN)
            expect(part(page, 'health-reasons')).to_contain_text('not answer')
            expect(part(page, 'sign-up')).to_have_attribute('data-word', 'wrong')
        finally:
            subprocess.run(['kill', '-CONT', str(pid)], check=True)
        expect(part(page, 'health-summary')).not_to_have_text('Something is wrong.', timeout=2 * SHOWN)
        # It would go on asking a server that has ended.
        page.goto('about:blank')
    # The browser reports every answer that is not a success by itself.
    complaints[:] = [complaint for complaint in complaints if 'status of 503' not in complaint]


VIEWS = {
    'results': (['page', 'button'], {'segment': 'country'}, 'goal'),
    'decisions': (['front', 'headline'], {}, 'option'),
    'spy': (None, {}, 'spy-event'),
    'health': (None, {}, 'sign-lag'),
}


def opened(page: Page, server: str, view: str) -> None:
    pk, more, role = VIEWS[view]
    page.goto(at(server, view, pk, **more))
    expect(part(page, role).first).to_be_visible(timeout=SHOWN)
    if view == 'decisions':
        expect(page.locator('canvas').first).to_be_visible(timeout=SHOWN)
    for details in page.locator('[data-view] details').all()[:2]:
        details.locator('summary').click()


@pytest.mark.parametrize('scheme', ['light', 'dark'])
@pytest.mark.parametrize('view', VIEWS)
def test_sections_can_be_used_by_everybody(
    server: str, browser: Browser, view: str, scheme: Literal['light', 'dark'], tmp_path: Path
) -> None:
    # The policy would keep the examiner out, too.
    context = browser.new_context(color_scheme=scheme, bypass_csp=True, viewport={'width': 1100, 'height': 900})
    page = context.new_page()
    opened(page, server, view)
    page.screenshot(path=tmp_path / f'{view}-{scheme}.png', full_page=True)
    page.add_script_tag(path=AXE)
    found = page.evaluate("axe.run({runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'best-practice']})")
    told = [(wrong['id'], [node['html'] for node in wrong['nodes']]) for wrong in found['violations']]
    assert told == []
    context.close()


@pytest.mark.parametrize('view', VIEWS)
def test_sections_fit_a_phone(server: str, browser: Browser, view: str, tmp_path: Path) -> None:
    context = browser.new_context(viewport={'width': 360, 'height': 740}, device_scale_factor=2, is_mobile=True)
    page = context.new_page()
    opened(page, server, view)
    assert page.evaluate('document.documentElement.scrollWidth') <= 360
    page.screenshot(path=tmp_path / f'{view}-phone.png', full_page=True)
    context.close()
