"""One graph as a page that others frame, and what tells them how (`oEmbed 1.0 <https://oembed.com>`_).

::

    /embed?pk=...&metric=...     GET   a page that draws one graph, as the options in its address say
    /oembed?url=...&format=...   GET   how to frame such a page, in JSON or XML

The page's script reads the address by itself.  What the server writes into the page, its title and where /oembed tells
of it, is text and attributes, escaped; into a script it writes nothing.
"""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from urllib.parse import quote, urlencode, urlsplit, urlunsplit
from xml.sax.saxutils import escape

from hailwhale.errors import HailWhaleError, InvalidInput
from hailwhale.servers.params import NotFound, Parameters, UnknownFormat, pairs, raw, shown, whole
from hailwhale.servers.static import Static
from hailwhale.servers.web import Answer, Request, Route, json

#: Pixels of a frame, where nobody says how many there are.
WIDTH, HEIGHT = 640, 400
#: More than any screen has.
_WIDEST = 10_000
_HTML = 'text/html; charset=utf-8'
_XML = 'text/xml; charset=utf-8'
#: Our own files alone, framed by those that are listed.
_POLICY = "default-src 'self'; base-uri 'none'; form-action 'none'; object-src 'none'; frame-ancestors 'self'"
#: Asked for each time: who may frame it, and a new version, are seen at once.
_ASK_EACH_TIME = 'no-cache'
_FOR_AN_HOUR = 'public, max-age=3600'
_LONGEST_TITLE = 200
#: What XML has no character for.
_NO_XML = re.compile('[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]')

# dnt: what consumers send along that want nobody followed.
_OEMBED = Parameters(url=raw, format=raw, maxwidth=whole, maxheight=whole, dnt=raw)


def embed_routes(static: Static) -> tuple[Route, ...]:
    """The routes of the page, whose files are among those of ``static``, and of what tells of it."""

    def embed(request: Request) -> Answer:
        address = urlsplit(request.visit.address)
        up = '../' if address.path.endswith('/') else ''
        filled = {
            'title': html.escape(_title(_options(address.query))),
            'discovery': _discovery(request.visit.address),
            'up': up,
        }
        page = _fill(static.text('embed.html'), filled)
        policy = ' '.join([_POLICY, *request.framers])
        headers = {'Content-Security-Policy': policy, 'Referrer-Policy': 'same-origin'}
        return Answer(page.encode(), _HTML, _ASK_EACH_TIME, headers=headers)

    return (Route('/embed', embed, addressed=True, framed=True), Route('/oembed', oembed, _OEMBED, addressed=True))


def oembed(request: Request) -> Answer:
    """How to frame a graph."""
    given = request.given
    if 'url' not in given:
        raise InvalidInput('no address is given (the one of a graph: https://.../embed?pk=...)', field='url')
    kind = given.get('format', 'json')
    if kind not in ('json', 'xml'):
        raise UnknownFormat(f'not a format that is written: {shown(kind)} (json or xml)', field='format')
    address = _embedded(given['url'], request.visit.address)
    width, height = _size(given, 'maxwidth', WIDTH), _size(given, 'maxheight', HEIGHT)
    title = _title(_options(urlsplit(address).query))
    frame = (
        f'<iframe src="{html.escape(address)}" width="{width}" height="{height}" title="{html.escape(title)}" '
        'frameborder="0" loading="lazy"></iframe>'
    )
    told: dict[str, object] = {
        'type': 'rich',
        'version': '1.0',
        'title': title,
        'provider_name': 'HailWhale',
        'provider_url': urlunsplit((*urlsplit(address)[:2], '/', '', '')),
        'html': frame,
        'width': width,
        'height': height,
    }
    if kind == 'json':
        return json(told, cache=_FOR_AN_HOUR)
    return Answer(_xml(told).encode(), _XML, _FOR_AN_HOUR)


def _discovery(address: str) -> str:
    """The tags that tell of /oembed; none for an address that nobody could ask it about."""
    if not address:
        return ''
    parts = urlsplit(address)
    own = urlunsplit(parts._replace(query=_query(parts.query)))
    there = urlunsplit(parts._replace(path=f'{parts.path.rstrip("/").removesuffix("embed")}oembed', query=''))
    tags = []
    for kind, name in (('application/json', 'json'), ('text/xml', 'xml')):
        asked = html.escape(f'{there}?{urlencode({"url": own, "format": name})}')
        tags.append(f'<link rel="alternate" type="{kind}+oembed" title="HailWhale" href="{asked}">')
    return '\n'.join(tags)


def _embedded(url: str, asked: str) -> str:
    """The address of a page of ours, as it may stand in a frame.  Raises `NotFound` for any other."""
    try:
        parts, ours = urlsplit(url.strip()), urlsplit(asked)
        is_ours = parts.scheme in ('http', 'https') and parts.netloc.lower() == ours.netloc.lower() != ''
        if is_ours and parts.path.rstrip('/').endswith('/embed'):
            path = quote(parts.path, safe='/%')
            return urlunsplit(parts._replace(path=path, query=_query(parts.query), fragment=''))
    except (ValueError, HailWhaleError):
        pass  # no address, or one with more parameters than any of ours
    raise NotFound(f'not the address of a graph here: {shown(url)} (try {_example(asked)})', field='url')


def _example(asked: str) -> str:
    parts = urlsplit(asked)
    return urlunsplit((parts.scheme, parts.netloc, '/embed', 'pk=signup', ''))


def _options(query: str) -> dict[str, str]:
    """What an address says, whatever it says."""
    return dict(pairs(query.encode(), strict=False))


def _query(query: str) -> str:
    """The same query in characters that need no care."""
    return urlencode(list(pairs(query.encode(), strict=False)))


def _title(options: Mapping[str, str]) -> str:
    """The title that an address gives, or else what is drawn."""
    metric = options.get('metric') or options.get('metrics') or 'hits'
    title = options.get('title') or ' \N{EN DASH} '.join(filter(None, [metric, options.get('pk', '')]))
    return _NO_XML.sub('\N{REPLACEMENT CHARACTER}', title)[:_LONGEST_TITLE]


def _size(given: Mapping[str, int], name: str, usual: int) -> int:
    most = given.get(name, usual)
    if not 1 <= most <= _WIDEST:
        raise InvalidInput(f'not a number of pixels: {most} (from 1 to {_WIDEST})', field=name)
    return min(usual, most)


def _fill(page: str, values: Mapping[str, str]) -> str:
    """The page with what stands in braces; what is filled in is not looked at again."""
    return re.sub('{(title|discovery|up)}', lambda found: values[found[1]], page)


def _xml(told: Mapping[str, object]) -> str:
    fields = ''.join(f'<{name}>{escape(str(value))}</{name}>' for name, value in told.items())
    return f'<?xml version="1.0" encoding="utf-8" standalone="yes"?>\n<oembed>{fields}</oembed>\n'
