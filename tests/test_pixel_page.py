"""A sealed pixel in a page of another site, in a real browser: it moves a graph, and one that was changed does not."""

from __future__ import annotations

import http.server
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.test_page import SHOWN, browser, complaints, page

__all__ = ['browser', 'complaints', 'page']


def hailwhale(home: Path, *argv: str) -> str:
    """What a command prints."""
    command = [sys.executable, '-m', 'hailwhale', '--home', str(home), *argv]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / 'home'


@pytest.fixture
def server(home: Path) -> Iterator[str]:
    """The address of a server that takes events, drains and answers."""
    command = [sys.executable, '-m', 'hailwhale', '--home', str(home), 'serve', '--port', '0']
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout
        found = re.search(r'http://127\.0\.0\.1:\d+/', running.stdout.readline())
        assert found
        yield found[0]
        running.terminate()
        running.stdout.read()
    assert running.returncode == 0


@contextmanager
def site(body: str) -> Iterator[str]:
    """A page of somebody else."""

    class Answer(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header('Content-Type', 'text/html; charset=utf-8')
            self.end_headers()
            # Without an icon the browser would ask for one.
            icon = '<link rel="icon" href="data:,">'
            self.wfile.write(f'<!doctype html><title>Shop</title>{icon}{body}'.encode())

        def log_message(self, *_: object) -> None:
            """Nothing is told."""

    with http.server.ThreadingHTTPServer(('127.0.0.1', 0), Answer) as serving:
        thread = threading.Thread(target=serving.serve_forever)
        thread.start()
        yield f'http://localhost:{serving.server_port}/'
        serving.shutdown()
        thread.join()


def shows(page: Page, server: str, key: str, hits: int) -> None:
    """The graph page shows so many hits, before its own pause is over."""
    page.goto(f'{server}#key={key}&pk=["shop"]&period=1h:24h')
    page.reload()
    expect(page.locator('[data-role=total]')).to_have_attribute('data-value', str(hits), timeout=SHOWN)
    expect(page.locator('[data-role=chart] canvas').first).to_be_visible(timeout=SHOWN)


def seen(page: Page, address: str, pixel: str) -> int:
    """Open a page with a pixel in it; the status that the pixel was answered with."""
    with site(f'<img src="{pixel}" alt="">') as shop, page.expect_response(re.compile('/pixel/')) as answered:
        page.goto(shop)
    assert address in answered.value.url
    return answered.value.status


def test_a_pixel_in_a_page_moves_a_graph_and_a_changed_one_does_not(
    home: Path, server: str, page: Page, complaints: list[str]
) -> None:
    key = hailwhale(home, 'key', 'create', '--scope', 'read').split()[0]
    token = hailwhale(home, 'pixel', 'shop', '--dimensions', '{"from": "mail"}').split()[0]
    pixel = f'{server}pixel/{token}.gif'
    assert seen(page, server, pixel) == 200
    shows(page, server, key, 1)
    assert seen(page, server, f'{pixel}?again=1') == 200
    shows(page, server, key, 2)
    assert complaints == []

    for place in (0, len(token) // 2, len(token) - 1):
        changed = token[:place] + ('B' if token[place] != 'B' else 'C') + token[place + 1 :]
        assert seen(page, server, f'{server}pixel/{changed}.gif') == 403
    shows(page, server, key, 2)
    # Chromium tells of images that could not be loaded; nothing else is wrong.
    assert len(complaints) == 3
    assert all('403' in complaint for complaint in complaints)
    complaints.clear()
