"""The pictures of the documentation, from a real browser: ``python -m tests.pictures`` writes them to ``docs/images``.

They show the demo's flights, and a shop, a split and a decision that are counted beside them.
"""

from __future__ import annotations

import json
import math
import random
import tempfile
import urllib.parse
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal, NamedTuple

from playwright.sync_api import Browser, ConsoleMessage, Error, Page, expect

from tests.palettes import Shot, shrunk
from tests.splits import decided, split
from tests.test_graphs import DEMO, count, demo_file, post
from tests.test_page import SHOWN, chromium, demonstration

IMAGES = Path(__file__).resolve().parent.parent / 'docs' / 'images'
#: Pixels of a picture for each of the page: sharp on fine screens, too.
SCALE = 2
#: Days that the shop is open, half of which another half is compared with.
DAYS = 14


class Picture(NamedTuple):
    """What is to be seen, and how large."""

    #: Below the server; what stands behind a ``?`` or a ``#`` is encoded when it is asked for.
    address: str
    width: int
    height: int
    #: Each of these has to be visible.
    until: tuple[str, ...] = ('canvas',)
    #: Colours of the style sheets that are drawn with.
    inks: tuple[str, ...] = ('overall', 'hue-0')
    scheme: Literal['light', 'dark'] = 'light'
    phone: bool = False


def _graph(tall: int = 360, inks: tuple[str, ...] = ('overall', 'hue-0'), **options: object) -> Picture:
    """A graph alone."""
    asked = {'pk': 'shop', 'drill': 'false', **options}
    return Picture(f'embed?{urllib.parse.urlencode(asked)}', 760, tall, inks=inks)


def _view(height: int, until: tuple[str, ...], inks: tuple[str, ...], **parts: object) -> Picture:
    """A part of the dashboard."""
    return Picture(f'#{urllib.parse.urlencode(parts)}', 1180, height, until, inks)


def _role(*names: str) -> tuple[str, ...]:
    return tuple(f'[data-role={name}]' for name in names)


BUTTON = json.dumps(['page', 'button'])
HEADLINE = json.dumps(['page', 'headline'])
VISITOR = json.dumps({'country': 'DE', 'device': 'phone'})

#: Each by the name of its file.
PICTURES = {
    'overview': _view(
        1230,
        (*_role('mover', 'ranked'), '.spark canvas'),
        ('overall', 'accent'),
        view='overview',
        pk='flights',
        period='seven',
    ),
    'explore': _view(1080, ('canvas', *_role('row')), ('overall', 'hue-0', 'hue-1'), view='explore', pk='flights'),
    'results': _view(1036, ('svg.forest',), ('accent',), view='results', pk=BUTTON, goals='["signups"]'),
    'decisions': _view(
        1290, ('canvas', *_role('option')), ('accent',), view='decisions', pk=HEADLINE, visitor=VISITOR, period='1h:5d'
    ),
    'health': _view(672, _role('sign-lag', 'sign-memory'), ('ink',), view='health'),
    'phone': Picture('', 390, 844, ('.spark canvas',), ('overall',), phone=True),
    'page': Picture('demo/article.html', 900, 820, inks=('overall',)),
    'lines': _graph(metric='dollars', title='Dollars of the shop', inks=('overall', 'hue-0', 'hue-1', 'hue-2')),
    'stacked': _graph(
        pk='flights', dimensions='route', kind='area', period='1d:90d', title='Flights by airport', inks=()
    ),
    'bars': _graph(
        metric='dollars', dimensions='sales', kind='bars', period='1d:14d', title='Sales', inks=('hue-0', 'hue-1')
    ),
    'small': Picture('demo/small.html', 900, 420, inks=('overall',)),
    'ratio': _graph(metric='dollars/hits', dimensions='sales', period='1h:3d', title='What a sale brings'),
    'compare': _graph(
        400,
        metric='dollars',
        dimensions='sales',
        period='1h:48h',
        compare='true',
        annotations='server',
        threshold=0.2,
        title='Sales, and those of the two days before',
    ),
    'table': _graph(
        560, ('hue-0', 'hue-1'), metrics='["dollars","hits"]', period='1d:14d', table='true', height=200, title='A shop'
    ),
    'dark': _graph(
        pk='flights', metric='delay/flights', dimensions='route', period='1d:60d', theme='dark', title='Minutes late'
    )._replace(scheme='dark'),
}


def _wave(at: datetime) -> float:
    """More by day, less on weekends."""
    return (1.25 - math.cos((at.hour - 1) / 24 * 2 * math.pi)) * (0.7 if at.weekday() > 4 else 1)


def _shop(now: datetime) -> Iterator[dict[str, Any]]:
    """What a shop sold, what it was paid for and what it paid, each hour."""
    rng = random.Random(1)
    for hour in range(24 * DAYS):
        at = now - timedelta(hours=hour)
        wave = _wave(at)
        for dimensions, dollars, hits in (
            ('services', 95, 1),
            ('advertising', -40, 2),
            ({'sales': {'tea': 'green'}}, 80, 6),
            ({'sales': {'tea': 'black'}}, 35, 3),
            ({'sales': 'pot'}, 70, 2),
            ({'sales': 'cup'}, 32, 3),
            ({'sales': 'spoon'}, 4, 1),
        ):
            amount = round(dollars * wave * rng.uniform(0.75, 1.25), 2)
            metrics = {'dollars': amount, 'hits': max(1, round(hits * wave))}
            moment = min(now, at.replace(minute=0) + timedelta(minutes=rng.uniform(0, 59)))
            yield {'pk': 'shop', 'dimensions': dimensions, 'metrics': metrics, 'at': moment.isoformat()}


def _by_day(events: Sequence[dict[str, Any]], now: datetime) -> Iterator[dict[str, Any]]:
    """The same events in the days until now: more by day than by night."""
    rng, hours = random.Random(2), range(24 * (DAYS - 1))
    weights = [_wave(now - timedelta(hours=hour)) for hour in hours]
    for event, hour in zip(events, sorted(rng.choices(hours, weights, k=len(events)), reverse=True), strict=True):
        yield {**event, 'at': (now - timedelta(hours=hour + rng.random() * 0.9)).isoformat()}


def count_what_is_shown(server: str) -> None:
    """Count the shop, the split and the decision, and tell what happened meanwhile."""
    now = datetime.now(UTC)
    visits = split(third='violet', countries=('UK', 'US', 'DE', 'FR'))
    mails = [{'pk': 'mail', 'dimensions': {'opened': name}} for name in ('spring', 'weekly', 'weekly') * 500]
    shown = decided(now, pk='page', further=('funny',), last='FR')
    count(server, [*_shop(now), *_by_day(visits, now), *_by_day(mails, now), *shown])
    for text, hours in (('release 2.1', 31), ('spring mailing', 9)):
        post(server, 'annotate', {'text': text, 'pk': 'shop', 'at': (now - timedelta(hours=hours)).isoformat()})


@contextmanager
def camera(browser: Browser, server: str, complain: Callable[[str], object]) -> Iterator[Callable[[Picture], Shot]]:
    """What takes pictures; whatever a page has to complain of is told."""
    pages: dict[bool, Page] = {}

    def hear(told: ConsoleMessage) -> None:
        if told.type in ('error', 'warning'):
            complain(told.text)

    def fail(error: Error) -> None:
        complain(str(error))

    for phone in (False, True):
        context = browser.new_context(
            locale='en-US', timezone_id='UTC', device_scale_factor=SCALE, is_mobile=phone, reduced_motion='reduce'
        )
        context.route(DEMO, demo_file)
        page = pages[phone] = context.new_page()
        page.on('console', hear)
        page.on('pageerror', fail)

    def take(picture: Picture) -> Shot:
        page = pages[picture.phone]
        page.goto('about:blank')
        page.set_viewport_size({'width': picture.width, 'height': picture.height})
        page.emulate_media(color_scheme=picture.scheme)
        page.goto(f'{server}{picture.address}')
        for selector in picture.until:
            expect(page.locator(selector).first).to_be_visible(timeout=SHOWN)
        expect(page.locator('[aria-busy]')).to_have_count(0, timeout=SHOWN)
        taken = page.screenshot(animations='disabled')
        # What is live would go on asking.
        page.goto('about:blank')
        return shrunk(page, taken)

    yield take
    for page in pages.values():
        page.context.close()


def main() -> None:
    with tempfile.TemporaryDirectory() as home, demonstration(Path(home)) as server, chromium() as browser:
        count_what_is_shown(server)
        complaints: list[str] = []
        with camera(browser, server, complaints.append) as take:
            IMAGES.mkdir(exist_ok=True)
            for name, picture in PICTURES.items():
                (IMAGES / f'{name}.png').write_bytes(take(picture).png)
        if complaints:
            raise SystemExit('\n'.join(['the pages complain:', *complaints]))


if __name__ == '__main__':
    main()
