"""A graph that is watched for long takes no more memory than one that has just been drawn: in a real browser.

Ten thousand updates come over a real stream, written by what writes the streams of servers, as fast as they are drawn:
from a server that looks twice a second they would take more than an hour.
"""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import CDPSession, Page, expect

from hailwhale.servers.static import Static
from hailwhale.servers.versions import Found, Versions
from hailwhale.servers.web import Request, json
from tests.test_page import browser, complaints, page

__all__ = ['browser', 'complaints', 'page']

#: Updates after which a graph has all that it ever needs, and after which it is looked at again.
WARM, MANY = 1_000, 10_000
#: After so many updates a new bucket begins.
BUCKET = 250
HOURS = 24
HOUR = 3_600_000
#: Bytes, elements and listeners that may be there in the end beyond those at `WARM`.  What the browser learns of the
#: code takes 200 to 300 kB, and no more however many updates follow; one answer kept for each would take ten thousand.
BYTES, NODES, LISTENERS = 500_000, 20, 2
PLACE = b'<!doctype html><title>Graph</title><link rel="icon" href="data:,"><main id="graph"></main>'


def counted(number: int) -> Found:
    """What was counted after so many hits, all of them of the last hours: three children that share them."""
    begun = number // BUCKET
    answer: Found = {}
    for name, part in (
        ('_', number),
        ('tea', number // 2),
        ('pot', number // 3),
        ('cup', number - number // 2 - number // 3),
    ):
        before = min(1, part // HOURS)
        points = [[(begun + hour) * HOUR, before] for hour in range(HOURS)]
        points[-1][1] = part - before * (HOURS - 1)
        answer[name] = {'hits': points}
    return answer


class Tap:
    """How many updates may flow."""

    def __init__(self) -> None:
        self.most = 0
        self._changed = threading.Condition()

    def open(self, most: int) -> None:
        with self._changed:
            self.most = most
            self._changed.notify_all()

    def wait(self, number: int) -> None:
        with self._changed:
            self._changed.wait_for(lambda: number <= self.most)


@contextmanager
def pouring(tap: Tap) -> Iterator[str]:
    """The address of a server that streams as many updates as the tap lets through."""
    static = Static('hailwhale', 'static')

    class Answer(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = urlsplit(self.path).path
            if path == '/stream':
                self._stream()
            elif path == '/plotpoints':
                self._send('application/json', json(counted(0)).body)
            elif path.startswith('/static/'):
                found = static.file(Request('GET', {}, {'name': path.rpartition('/')[2]}))
                self._send(found.type, found.body)
            else:
                self._send('text/html', PLACE)

        def _send(self, kind: str, body: bytes) -> None:
            self.send_response(200)
            self.send_header('Content-Type', kind)
            self.end_headers()
            self.wfile.write(body)

        def _stream(self) -> None:
            self._send('text/event-stream', b'retry: 60000\n\n')
            versions = Versions()
            for number in range(MANY + 1):
                tap.wait(number)
                known = versions.number
                assert versions.look(counted(number), number)
                event = versions.since(known)
                assert event
                self.wfile.write(event.text)
            tap.wait(MANY + 1)

        def log_message(self, *_: object) -> None:
            """Nothing is told."""

    with http.server.ThreadingHTTPServer(('127.0.0.1', 0), Answer) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f'http://127.0.0.1:{server.server_port}/'
        finally:
            tap.open(MANY + 1)
            server.shutdown()
            thread.join()


class Held(NamedTuple):
    """What a page holds once all is gone that nobody needs."""

    bytes: int
    nodes: int
    listeners: int


def held(session: CDPSession) -> Held:
    # What a finalizer lets go of is gone after the next time.
    for _ in range(3):
        session.send('HeapProfiler.collectGarbage')
    found: dict[str, Any] = {each['name']: each['value'] for each in session.send('Performance.getMetrics')['metrics']}
    return Held(*(int(found[name]) for name in ('JSHeapUsedSize', 'Nodes', 'JSEventListeners')))


@pytest.mark.parametrize('options', ["{kind: 'line', table: true}", "{kind: 'area'}"])
def test_ten_thousand_updates_leave_nothing_behind(page: Page, options: str) -> None:
    tap = Tap()
    with pouring(tap) as address:
        page.goto(address)
        session = page.context.new_cdp_session(page)
        session.send('Performance.enable')
        page.evaluate(
            f"""async () => {{
                const {{graph}} = await import('/static/hailwhale.js');
                window.shown = graph('#graph', {{pk: 'shop', period: '1h:24h', ...{options}}});
                new MutationObserver((changes) => {{ window.updates += changes.length; }}).observe(
                    document.querySelector('.hailwhale').shadowRoot.querySelector('[data-role=total]'),
                    {{attributes: true, attributeFilter: ['data-value']}},
                );
                window.updates = 0;
            }}"""
        )
        total = page.locator('[data-role=total]')
        tap.open(WARM)
        expect(total).to_have_attribute('data-value', f'{WARM}', timeout=120_000)
        warm = held(session)
        tap.open(MANY)
        expect(total).to_have_attribute('data-value', f'{MANY}', timeout=120_000)
        # Each of them was drawn, none was passed over.
        assert page.evaluate('updates') >= MANY
        after = held(session)
        assert after.bytes - warm.bytes <= BYTES, (warm, after)
        assert after.nodes - warm.nodes <= NODES, (warm, after)
        assert after.listeners - warm.listeners <= LISTENERS, (warm, after)
        page.evaluate('shown.destroy()')
        page.goto('about:blank')
