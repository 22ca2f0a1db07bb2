"""The page in a real browser, over the demo's flights: what it shows is what the API answers."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.flights import counted_flights
from tests.fresh import unmeasured

#: Seconds that an answer may take on a busy machine.
PATIENCE = 120.0
SHOWN = 20_000


@contextmanager
def demonstration(home: Path) -> Iterator[str]:
    """The address of a running demo."""
    command = [sys.executable, '-m', 'hailwhale', '--home', str(home), 'demo', '--port', '0']
    with subprocess.Popen(
        command, env=unmeasured(), stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as server:
        assert server.stdout
        lines = []
        for line in server.stdout:
            lines.append(line)
            address = re.search(r'http://127\.0\.0\.1:\d+/', line)
            if address:
                try:
                    yield address[0]
                finally:
                    server.terminate()
                    server.stdout.read()
                break
        else:
            pytest.fail(f'the demo did not start: {lines}')
    assert server.returncode == 0


@pytest.fixture(scope='module')
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a running demo."""
    with demonstration(counted_flights(tmp_path_factory)) as address:
        yield address


@contextmanager
def chromium() -> Iterator[Browser]:
    """A real browser."""
    with sync_playwright() as playwright:
        path = shutil.which('chromium') or shutil.which('google-chrome')
        browser = playwright.chromium.launch(executable_path=path, args=['--no-sandbox', '--disable-gpu'])
        try:
            yield browser
        finally:
            browser.close()


@pytest.fixture(scope='module')
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture
def complaints() -> list[str]:
    """What the page wrote to the console as a warning or an error."""
    return []


@pytest.fixture
def page(browser: Browser, complaints: list[str]) -> Iterator[Page]:
    context = browser.new_context(locale='en-US', timezone_id='UTC', viewport={'width': 1280, 'height': 900})
    page = context.new_page()
    page.on(
        'console', lambda message: complaints.append(message.text) if message.type in ('error', 'warning') else None
    )
    page.on('pageerror', lambda error: complaints.append(str(error)))
    yield page
    context.close()
    assert complaints == []


def ask(address: str, path: str, **query: object) -> dict[str, dict[str, dict[str, float]]]:
    """What the API answers."""
    spelled = urllib.parse.urlencode({name: json.dumps(value) for name, value in query.items()})
    with urllib.request.urlopen(f'{address}{path}?{spelled}', timeout=PATIENCE) as answer:
        found: dict[str, dict[str, dict[str, float]]] = json.load(answer)
    return found


def shown(page: Page, role: str) -> float:
    """The exact number behind one that the page shows."""
    return float(page.locator(f'[data-role={role}]').first.get_attribute('data-value', timeout=SHOWN) or 'nan')


def test_the_page_draws_the_flights_and_shows_the_number_that_the_api_gives(demo: str, page: Page) -> None:
    page.goto(f'{demo}#view=explore')
    expect(page.locator('[data-role=chart] canvas').first).to_be_visible(timeout=SHOWN)
    expect(page.locator('[data-role=total]')).to_have_text('336,776', timeout=SHOWN)
    total = ask(demo, 'totals', pk='flights', metrics=['hits'], period='year')['year']['_']['hits']
    assert shown(page, 'total') == total == 336_776
    drawn = page.evaluate(
        """() => {
            const canvas = document.querySelector('[data-role=chart] canvas');
            const pixels = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
            return new Set(new Uint32Array(pixels.buffer)).size;
        }"""
    )
    assert drawn > 50


def test_a_ratio_is_shown_for_everything_and_for_each_child(demo: str, page: Page) -> None:
    page.goto(f'{demo}#view=explore')
    expect(page.locator('[data-role=row]').first).to_be_visible(timeout=SHOWN)
    formula = page.get_by_label(re.compile('formula', re.IGNORECASE))
    formula.fill('delay/flights')
    formula.press('Enter')
    answer = ask(demo, 'totals', pk='flights', metrics=['delay/flights'], period='year')
    expected = answer['year']['_']['delay/flights']
    expect(page.locator('[data-role=total]')).to_have_attribute('data-value', str(expected), timeout=SHOWN)
    rows = page.locator('[data-role=row]')
    names = rows.locator('[data-role=row-name]').all_inner_texts()
    values = [float(cell.get_attribute('data-value') or 'nan') for cell in rows.locator('[data-role=row-total]').all()]
    origins = ask(
        demo,
        'plotpoints',
        pk='flights',
        dimensions=['route'],
        metrics=['delay/flights'],
        period='year',
        depth=1,
        totals=1,
    )
    assert dict(zip(names, values, strict=True)) == {
        json.loads(name)[1]: of_origin['delay/flights']['total'] for name, of_origin in origins.items() if '[' in name
    }


def test_a_child_opens_its_own_graph_and_the_address_leads_back_to_it(demo: str, page: Page) -> None:
    page.goto(f'{demo}#view=explore')
    page.locator('[data-role=row-name]', has_text='JFK').first.click(timeout=SHOWN)
    answer = ask(demo, 'totals', pk='flights', dimensions=['route', 'JFK'], metrics=['hits'], period='year')
    jfk = answer['year']['["route", "JFK"]']['hits']
    expect(page.locator('[data-role=total]')).to_have_attribute('data-value', str(jfk), timeout=SHOWN)
    address = page.url
    page.goto('about:blank')
    page.goto(address)
    expect(page.locator('[data-role=total]')).to_have_attribute('data-value', str(jfk), timeout=SHOWN)


def test_nothing_of_a_name_becomes_part_of_the_page(demo: str, page: Page) -> None:
    evil = '<img src=x onerror=document.title=1>'
    with urllib.request.urlopen(f'{demo}count_now?{urllib.parse.urlencode({"pk": json.dumps([evil, evil])})}') as done:
        assert done.read() == b'OK'
    page.goto(f'{demo}#view=explore')
    listed = page.locator('[data-role=pk]', has_text='<img')
    expect(listed.first).to_be_visible(timeout=SHOWN)
    listed.first.click()
    expect(page.locator('[data-role=total]')).to_have_attribute('data-value', '1', timeout=SHOWN)
    assert page.locator('img[src=x]').count() == 0
    assert page.title() != '1'
    cleared = urllib.request.Request(
        f'{demo}reset', json.dumps({'pk': [evil]}).encode(), {'Content-Type': 'application/json'}
    )
    with urllib.request.urlopen(cleared) as done:
        assert done.status == 200


def test_a_failure_is_told_in_a_sentence(demo: str, page: Page, complaints: list[str]) -> None:
    page.goto(f'{demo}#view=explore')
    formula = page.get_by_label(re.compile('formula', re.IGNORECASE))
    expect(page.locator('[data-role=row]').first).to_be_visible(timeout=SHOWN)
    formula.fill('a/b/c')
    formula.press('Enter')
    expect(page.locator('[data-role=error]').first).to_contain_text('a/b/c', timeout=SHOWN)
    # The browser reports every answer that is not a success by itself.
    complaints[:] = [complaint for complaint in complaints if 'status of 4' not in complaint]


def test_the_page_fits_a_phone(demo: str, browser: Browser, tmp_path: Path) -> None:
    context = browser.new_context(viewport={'width': 360, 'height': 740}, device_scale_factor=2, is_mobile=True)
    page = context.new_page()
    page.goto(f'{demo}#view=explore')
    expect(page.locator('[data-role=total]')).to_have_text(re.compile('336'), timeout=SHOWN)
    expect(page.locator('[data-role=chart] canvas').first).to_be_visible(timeout=SHOWN)
    assert page.evaluate('document.documentElement.scrollWidth') <= 360
    page.screenshot(path=tmp_path / 'phone.png')
    context.close()
