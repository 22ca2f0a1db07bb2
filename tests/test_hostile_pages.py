"""Hostile names in a real browser: whatever was counted or stands in an address is shown as its text, and never runs.

Pages of others have no policy here: what became a script, a handler or a style would run.
"""

from __future__ import annotations

import html
import json
import re
import unicodedata
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Dialog, Locator, Page, expect

from hailwhale import Whale
from tests.hostile import GROUPS, NAMES
from tests.test_graphs import count, drawn, part, post, serving, site
from tests.test_page import SHOWN, browser, complaints
from tests.test_page import page as plain_page

__all__ = ['browser', 'complaints', 'plain_page']

#: A few of every kind, those of each group that differ most.
SOME = tuple(text for group in GROUPS for text in group.texts[:4])
VERSIONS = SOME[:40]
VIEWS = ('overview', 'explore', 'results', 'decisions', 'spy', 'boards')
#: What no text of a page makes: elements that the corpus spells.
MADE = 'img[src=x], iframe[srcdoc], object, svg[onload], math, base, [onerror], [onfocus], [onmouseover], #hostile'
#: Elements by a selector in the page and in the shadow roots of graphs.
DEEP = """selector => [document, ...[...document.querySelectorAll('.hailwhale')].map((host) => host.shadowRoot)]
    .flatMap((root) => [...root.querySelectorAll(selector)].map((one) => one.outerHTML))"""
#: The browser reports every answer that is not a success by itself.
REFUSED = re.compile(r'Failed to load resource: .* status of 4\d\d')


class Counted(NamedTuple):
    """A server that has counted the names, and a page of somebody else."""

    address: str
    site: str
    body: list[str]


def events() -> list[dict[str, Any]]:
    now = datetime.now(UTC).isoformat()
    found: list[dict[str, Any]] = []
    for place, name in enumerate(NAMES):
        hits = 1_000 - place
        found.append({'pk': 'hostile', 'dimensions': [name, name], 'metrics': {'hits': hits}})
        found.append({'pk': ['names', name], 'dimensions': {name: name}, 'metrics': {'hits': hits}})
    for place, name in enumerate(VERSIONS):
        shown = {'hits': 500, 'signups': 50 + place}
        found.append({'pk': ['split', name], 'dimensions': {name: name}, 'metrics': shown})
        known = {'constructor': name, '__proto__': 'a', '<b>': name}
        found += [Whale.decided_event('decided', '<i>', name, known, metric, at=now) for metric in ('hits', 'signups')]
    return found


@pytest.fixture(scope='module')
def counted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Counted]:
    boards, body = tmp_path_factory.mktemp('boards'), list[str]()
    graphs = [{'pk': 'hostile', 'title': text, 'kind': 'number', 'period': '1h:2h'} for text in SOME[:40]]
    for place, text in enumerate(('<img src=x onerror=window.ran=1>', '{"a":1}', '__proto__')):
        board = {'title': text, 'graphs': graphs if place == 0 else [{'pk': text, 'title': text}]}
        (boards / f'{text}.board.json').write_text(json.dumps(board))
    home = tmp_path_factory.mktemp('hostile')
    with site(body) as origin, serving(home, HAILWHALE_CORS=origin, HAILWHALE_BOARDS=str(boards)) as address:
        count(address, events())
        yield Counted(address, origin, body)


@pytest.fixture
def page(plain_page: Page, complaints: list[str]) -> Iterator[Page]:
    """A page in which nothing of the corpus may run."""
    dialogs: list[str] = []

    def dismiss(dialog: Dialog) -> None:
        dialogs.append(dialog.message)
        dialog.dismiss()

    plain_page.on('dialog', dismiss)
    yield plain_page
    unharmed(plain_page)
    assert dialogs == []
    # It would go on asking a server that has ended.
    plain_page.goto('about:blank')
    complaints[:] = [complaint for complaint in complaints if not REFUSED.match(complaint)]


def unharmed(page: Page) -> None:
    """Nothing of the corpus has run, and none of it has become an element."""
    for frame in page.frames:
        assert frame.evaluate('window.ran') is None
        assert frame.evaluate(DEEP, MADE) == []


def shown(name: str) -> str:
    """A name as people read it: in quotes where nothing of it would be seen."""
    unseen = all(unicodedata.category(letter) in ('Cc', 'Cf', 'Zs', 'Zl', 'Zp') for letter in name)
    return f'“{name}”' if unseen else name


def texts(place: Locator) -> list[str]:
    """What elements hold, to the blank."""
    found: list[str] = place.evaluate_all('all => all.map((one) => one.textContent)')
    return found


def same(found: Sequence[str], wanted: Sequence[str]) -> None:
    assert sorted(found) == sorted(wanted)


# -- graphs in pages of others ---------------------------------------------------------------------------------------


def test_every_name_is_a_line_a_key_a_column_and_a_door(counted: Counted, page: Page) -> None:
    module = f'<script type="module" src="{counted.address}static/hailwhale.js"></script>'
    options = 'pk="hostile" period="1h:24h" threshold="0" limit="200" table height="200"'
    counted.body[:] = [module, f'<hail-graph {options}></hail-graph>']
    page.goto(counted.site)
    graph = drawn(page.locator('hail-graph'))
    names = [shown(name) for name in NAMES]
    same(texts(part(graph, 'legend').locator('.name')), ['overall', *names])
    same(texts(part(graph, 'twin').locator('thead th')), ['Time', 'overall', *names])
    same(texts(part(graph, 'doors').get_by_role('button')), names)
    titles = part(graph, 'legend').get_by_role('button').evaluate_all('all => all.map((one) => one.title)')
    same(titles, [f'Hide {name}' for name in ('overall', *names)])
    part(graph, 'plot').focus()
    page.keyboard.press('End')
    rows = part(graph, 'tooltip').locator('li')
    if '1,000' not in texts(rows.locator('b')):
        # An hour has begun since they were counted.
        page.keyboard.press('ArrowLeft')
    same(texts(rows.locator('.name')), ['overall', *names])
    amounts = dict(zip(texts(rows.locator('.name')), texts(rows.locator('b')), strict=True))
    assert {name: amounts[shown(name)] for name in NAMES} == {
        name: f'{1_000 - place:,}' for place, name in enumerate(NAMES)
    }
    for name in SOME[::6]:
        place = NAMES.index(name)
        graph.evaluate(
            """(host, label) => [...host.querySelector('.hailwhale').shadowRoot.querySelectorAll('.doors button')]
                .find((door) => door.textContent === label).click()""",
            shown(name),
        )
        expect(part(graph, 'total')).to_have_attribute('data-value', str(1_000 - place), timeout=SHOWN)
        assert texts(part(graph, 'crumbs').locator('li')) == ['overall', shown(name)]
        assert texts(part(graph, 'title')) == [f'hits – hostile: {shown(name)}']
        part(graph, 'crumbs').get_by_role('button').click()
        expect(part(graph, 'doors').get_by_role('button')).to_have_count(len(NAMES), timeout=SHOWN)


def test_every_name_is_a_title_an_annotation_and_a_pk(counted: Counted, page: Page) -> None:
    counted.body[:] = ['<main></main>']
    page.goto(counted.site)
    page.evaluate(
        """async ([address, names]) => {
            const {scan} = await import(`${address}static/hailwhale.js`);
            const make = (attributes) => {
                const place = document.createElement('div');
                const prefix = 'data-hailwhale-';
                for (const [name, text] of Object.entries(attributes)) place.setAttribute(prefix + name, text);
                document.querySelector('main').append(place);
            };
            const common = {kind: 'sparkline', period: '1h:2h', live: 'false'};
            for (const name of names) {
                const annotations = JSON.stringify([{at: Date.now(), text: name}]);
                make({...common, pk: 'hostile', title: name, annotations});
                make({...common, pk: JSON.stringify(['names', name])});
            }
            scan(document);
        }""",
        [counted.address, list(NAMES)],
    )
    places = page.locator('main > div')
    expect(places.locator('[data-role=total][data-value]')).to_have_count(2 * len(NAMES), timeout=SHOWN)
    titles = texts(places.locator('[data-role=title]'))
    assert titles[::2] == list(NAMES)
    assert titles[1::2] == [f'hits – names / {shown(name)}' for name in NAMES]
    totals = places.locator('[data-role=total]').evaluate_all('all => all.map((one) => Number(one.dataset.value))')
    assert totals[1::2] == [1_000 - place for place in range(len(NAMES))]


def test_options_that_are_none_are_said_as_text_and_leave_the_other_graphs_alone(counted: Counted, page: Page) -> None:
    names = (
        'kind',
        'offset',
        'theme',
        'locale',
        'annotations',
        'period',
        'tz',
        'metric',
        'limit',
        'dimensions',
        'host',
    )
    given = [
        (name, text)
        for name in names
        for text in ('"><img src=x onerror=window.ran=1>', '{"a":1}', 'constructor', '[1]', '\u202e</script>')
    ]
    tags = [
        f'<div data-hailwhale-pk="hostile" data-hailwhale-live="no" data-hailwhale-{name}="{html.escape(text)}"></div>'
        for name, text in given
    ]
    module = f'<script type="module" src="{counted.address}static/hailwhale.js"></script>'
    counted.body[:] = ['<main>', *tags, '<div id=last data-hailwhale-pk="hostile"></div></main>', module]
    page.goto(counted.site)
    drawn(page.locator('#last'))
    expect(page.locator('main [aria-busy=true]')).to_have_count(0, timeout=SHOWN)
    said = page.locator('main > div').evaluate_all(
        """all => all.map((one) => {
            const root = one.querySelector('.hailwhale')?.shadowRoot;
            if (!root) return one.textContent;
            return root.querySelector('canvas') ? 'drawn'
                : ['trouble', 'nothing'].map((role) => root.querySelector(`[data-role=${role}]`).textContent).join('');
        })"""
    )
    assert said[0] == 'kind is one of line, area, bars, sparkline, number, not "><img src=x onerror=window.ran=1>'
    assert said[-1] == 'drawn'
    for (name, text), sentence in zip(given, said[:-1], strict=True):
        assert sentence, (name, text)
        if name in ('kind', 'offset', 'theme', 'locale'):
            assert sentence.startswith(f'{name} is '), sentence
            assert sentence.endswith(f', not {text}'), sentence


def test_a_tag_draws_what_its_address_and_attributes_say_as_text(counted: Counted, page: Page) -> None:
    """Also where elements of the page have taken the names by which scripts find themselves."""
    chosen = [text for text in SOME if not set('\0\r') & set(text)][::3]
    tags = [
        '<img name="currentScript" src="/evil/graph.js" alt=""><a id="HailWhale" href="/evil/">here</a><main>',
        *(
            f'<script src="{counted.address}{kind}.js?{html.escape(query)}" data-title="{html.escape(text)}"></script>'
            for place, text in enumerate(chosen)
            for kind in ('table_graph' if place % 2 else 'graph',)
            for query in (urlencode({'pk': 'hostile', 'title': 'x', 'parent_div': text}),)
        ),
        '</main>',
    ]
    counted.body[:] = tags
    asked: list[str] = []
    page.on('request', lambda request: asked.append(request.url))
    page.goto(counted.site)
    assert page.evaluate('document.currentScript.src').endswith('/evil/graph.js')
    graphs = page.locator('main > div')
    expect(graphs.locator('canvas')).to_have_count(len(chosen), timeout=SHOWN)
    assert texts(graphs.locator('[data-role=title]')) == chosen
    assert [url for url in asked if '/evil/' in url] == [f'{counted.site}/evil/graph.js']


def test_a_frame_shows_what_its_address_says_as_text(counted: Counted, page: Page) -> None:
    chosen = SOME[::4]
    asked = [
        {'pk': 'hostile', 'dimensions': json.dumps([text]), 'title': text, 'kind': 'number', 'live': 'false'}
        for text in chosen
    ]
    addresses = [f'{counted.address}embed?{urlencode(given)}' for given in asked]
    addresses.append(f'{counted.address}embed?pk=hostile&host=//evil.example')
    tags = [f'<iframe src="{html.escape(each)}" width="300" height="200" title="x"></iframe>' for each in addresses]
    counted.body[:] = tags
    page.goto(counted.site)
    for place, text in enumerate(chosen):
        frame = page.frame_locator('iframe').nth(place)
        hits = str(1_000 - NAMES.index(text))
        expect(part(frame.locator('#graph'), 'total')).to_have_attribute('data-value', hits, timeout=SHOWN)
        assert texts(part(frame.locator('#graph'), 'title')) == [text]
    expect(page.frame_locator('iframe').last.locator('canvas').first).to_be_visible(timeout=SHOWN)
    for other in page.frames[1:]:
        assert len(other.evaluate('[...document.scripts].map((one) => one.src)')) == 1


# -- the page of the server ------------------------------------------------------------------------------------------


def at(server: str, view: str, **parts: object) -> str:
    given = {name: text if isinstance(text, str) else json.dumps(text) for name, text in parts.items()}
    return f'{server}#{urlencode({"view": view, **given})}'


def settled(page: Page, view: str) -> None:
    """The page shows a view, and has asked all that it wanted to know."""
    expect(page.locator(f'.tabs [data-view={view}]')).to_have_attribute('aria-current', 'page', timeout=SHOWN)
    expect(page.locator('[aria-busy=true]')).to_have_count(0, timeout=SHOWN)
    unharmed(page)


def test_explore_lists_every_name(counted: Counted, page: Page) -> None:
    page.goto(at(counted.address, 'explore', pk=['hostile'], dimension=[], period='day'))
    expect(part(page, 'row').first).to_be_visible(timeout=SHOWN)
    for _ in range(2):
        part(page, 'rows-more').click()
    same(texts(page.locator('[data-role=row-name]')), [shown(name) for name in NAMES])
    page.goto(at(counted.address, 'explore', pk=['names', NAMES[0]]))
    page.locator('[data-role=pks] .level .level > button').click(timeout=SHOWN)
    tree = page.locator('[data-role=pk]')
    same(texts(tree), ['decided', 'hostile', 'names', 'split', *(shown(name) for name in NAMES)])
    assert tree.evaluate_all("all => all.filter((one) => !one.getAttribute('href').startsWith('#')).length") == 0


def test_every_section_shows_every_name_of_an_address(counted: Counted, page: Page) -> None:
    page.goto(counted.address)
    for place, name in enumerate(SOME[::3]):
        view = VIEWS[place % len(VIEWS)]
        page.evaluate(
            '([hash]) => { location.hash = hash; }', [at('', view, pk=['names', name], dimension=[name], hidden=[name])]
        )
        settled(page, view)
        if view == 'explore':
            expect(part(page, 'title')).not_to_be_empty()
            assert texts(part(page, 'row-name')) == [shown(name)]
        if view == 'results':
            expect(part(page, 'results-none')).to_be_visible(timeout=SHOWN)


def test_what_an_address_names_that_is_nowhere_breaks_nothing(counted: Counted, page: Page) -> None:
    page.goto(counted.address)
    views = (*VIEWS, 'health')
    own = ('split', 'goals', 'control', 'versions', 'better', 'segment', 'span', 'formula', 'best', 'visitor', 'from')
    asked = [(name, ('metric', 'period', 'zone')[place % 3], views[place % 7]) for place, name in enumerate(SOME[::6])]
    asked += [('constructor', part, view) for part in ('metric', 'period', 'zone') for view in VIEWS[:2]]
    for place, (name, where, view) in enumerate(asked):
        parts = {where: name}
        more = {own[place % len(own)]: name, 'sort': name, name: name, 'mine': name, 'uid': name, 'find': name}
        pk = ['split'] if view == 'results' else ['decided', '<i>'] if view == 'decisions' else ['hostile']
        page.evaluate('([hash]) => { location.hash = hash; }', [at('', view, **{**more, 'pk': pk, **parts})])
        settled(page, view)


def test_results_name_every_version(counted: Counted, page: Page) -> None:
    page.goto(at(counted.address, 'results', pk=['split']))
    expect(part(page, 'goal').first).to_be_visible(timeout=SHOWN)
    same(texts(part(page, 'version').locator('strong')), [shown(name) for name in VERSIONS])
    same(texts(page.locator('[data-role=results-versions] button')), [shown(name) for name in VERSIONS])
    page.locator('[data-role=section-twin] summary').first.click()
    same(texts(page.locator('[data-role=section-twin] tbody th')), [shown(name) for name in VERSIONS])
    segments = texts(page.locator('[data-role=results-segment] option'))
    assert set(segments) >= {shown(name) for name in VERSIONS}


def test_decisions_name_every_option_and_dimension(counted: Counted, page: Page) -> None:
    page.goto(at(counted.address, 'decisions', pk=['decided', '<i>']))
    expect(part(page, 'option').first).to_be_visible(timeout=SHOWN)
    assert texts(part(page, 'decision-title')) == ['Decision decided / <i>']
    same(texts(part(page, 'option').locator('strong')), [shown(name) for name in VERSIONS])
    fields = page.locator('[data-role=decision-visitor] label')
    same(texts(fields.locator('> span')), ['<b>', '__proto__', 'constructor'])
    choices = {name: field.locator('select') for field in fields.all() for name in texts(field.locator('> span'))}
    for name in ('<b>', 'constructor'):
        assert choices[name].input_value() == ''
        same(texts(choices[name].locator('option')), ['not known', *(shown(each) for each in VERSIONS)])
    choices['constructor'].select_option(VERSIONS[0])
    expect(part(page, 'decision-reading')).to_contain_text(f'constructor {VERSIONS[0]}', timeout=SHOWN)
    choices['__proto__'].select_option('a')
    expect(part(page, 'decision-reading')).to_contain_text('__proto__ a', timeout=SHOWN)


def test_the_spy_shows_every_event_as_it_came(counted: Counted, page: Page) -> None:
    sent = [
        {'pk': ['spied', name], 'dimensions': {name: name}, 'id': f'<b>{place}'} for place, name in enumerate(NAMES)
    ]
    assert post(counted.address, 'count', sent)['refused'] == 0
    page.goto(at(counted.address, 'spy', **{'from': 'spied'}))
    expect(part(page, 'spy-event')).to_have_count(len(NAMES), timeout=SHOWN)
    same(texts(part(page, 'spy-pk')), [f'spied / {shown(name)}' for name in NAMES])
    same(texts(part(page, 'spy-dimensions')), [f'{name}: {name}' for name in NAMES])
    same(texts(part(page, 'spy-id')), [f'<b>{place}' for place in range(len(NAMES))])


def test_boards_are_named_and_drawn_as_their_files_say(counted: Counted, page: Page) -> None:
    page.goto(at(counted.address, 'boards'))
    theirs = page.locator('[data-role=theirs] a')
    expect(theirs).to_have_count(3, timeout=SHOWN)
    same(texts(theirs), ['<img src=x onerror=window.ran=1>', '{"a":1}', '__proto__'])
    for text, titles in (
        ('__proto__', ['__proto__']),
        ('<img src=x onerror=window.ran=1>', SOME[:40]),
        ('{"a":1}', ['{"a":1}']),
    ):
        theirs.get_by_text(text, exact=True).click()
        expect(part(page, 'board-name')).to_have_text(text, timeout=SHOWN)
        expect(page.locator('.grid [data-role=total][data-value]')).to_have_count(len(titles), timeout=SHOWN)
        assert texts(page.locator('.grid [data-role=title]')) == list(titles)
    for text in SOME[::5]:
        board = {'title': f'{text} ', 'graphs': [{'pk': text, 'title': text, 'kind': 'number'}]}
        page.goto(at(counted.address, 'boards', board=json.dumps(board)))
        settled(page, 'boards')
    bad = {'title': 'a', 'graphs': [{'<img src=x onerror=window.ran=1>': 1}]}
    page.goto(at(counted.address, 'boards', board=json.dumps(bad)))
    expect(part(page, 'board-error')).to_contain_text('<img src=x onerror=window.ran=1>', timeout=SHOWN)
    page.goto(at(counted.address, 'boards', add=json.dumps({'pk': ['<img src=x onerror=window.ran=1>']})))
    expect(part(page, 'added')).to_contain_text('hits of <img src=x onerror=window.ran=1>', timeout=SHOWN)
