"""What the page of sealed pixels says: its example runs, and its lengths are those of real tokens."""

import json
import re
import textwrap
import zlib
from base64 import urlsafe_b64encode

import pytest

from hailwhale import HailWhale
from hailwhale.compact import WORDS, unpack
from hailwhale.pixels import Pixel, read, seal
from tests.consoles import ROOT
from tests.test_pixels import RING

TEXT = (ROOT / 'docs' / 'pixels.rst').read_text('utf-8')
#: When the page was written: later ends take a byte more from 2033 on.
WRITTEN = 1_795_000_000
#: The rows of the page's table, in order.
PIXELS = [
    Pixel(['mail', '42'], metrics='opened'),
    Pixel(
        ['newsletter', '2026-06-spring', '8f14e45f-ceea-467f-a9d7-5b2c9a1f0a11'],
        {'country': 'DE', 'variant': 'B'},
        'opened',
        expires='30d',
        uses=1,
    ),
    Pixel(
        ['shop', 'checkout'],
        {'device': 'mobile', 'geo': {'US': 'California'}},
        'orders',
        {'revenue': (0, 500)},
        ['campaign'],
        '30d',
        origins=['https://shop.example.org', 'https://www.example.com'],
    ),
]


def as_json(packed: bytes) -> bytes:
    """What a template says, as short as JSON can: a list, without what is empty at its end."""
    template, pixel = unpack(packed), read(RING, RING.seal(packed, b'pixel'))
    id = urlsafe_b64encode(template.id).rstrip(b'=').decode()
    said = [pixel.pk, pixel.dimensions, pixel.metrics, template.expires, template.uses, id]
    said += [pixel.vary, pixel.free, pixel.origins]
    while not said[-1]:
        said.pop()
    return json.dumps([value or 0 for value in said], separators=(',', ':')).encode()


def deflated(plain: bytes, words: bytes) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, -15, 9, zlib.Z_DEFAULT_STRATEGY, words)
    return packer.compress(plain) + packer.flush()


def test_the_table_tells_how_long_tokens_are_and_what_they_would_be_otherwise() -> None:
    rows = re.findall(r'^.{98}  (\d+) +(\d+) +(\d+)$', TEXT, re.MULTILINE)
    words = ' '.join(WORDS).encode()
    measured = []
    for pixel in PIXELS:
        token = seal(RING, pixel, now=WRITTEN)
        packed = RING.open(token, b'pixel')
        written = as_json(packed)
        assert len(deflated(packed, b'')) > len(packed)
        others = [len(RING.seal(other, b'pixel')) for other in (written, deflated(written, words))]
        measured.append((len(token), *others))
    # Random ids take more or less room once they are deflated.
    for row, lengths in zip(rows, measured, strict=True):
        assert int(row[0]) == lengths[0]
        assert [int(figure) for figure in row[1:]] == pytest.approx(lengths[1:], abs=4), measured


def test_the_example_makes_a_token(url: str) -> None:
    (block,) = re.findall(r'^\.\. code-block:: python\n\n((?:    .*\n|\n)+)', TEXT, re.MULTILINE)
    with HailWhale(url) as ours:
        HailWhale.use(ours)
        try:
            exec(compile(textwrap.dedent(block), 'docs/pixels.rst', 'exec'), {})
        finally:
            HailWhale.use(None)
