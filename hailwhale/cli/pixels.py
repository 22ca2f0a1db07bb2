"""``hailwhale pixel``: sealed pixels; ``hailwhale secret``: the keys that seal them."""

from __future__ import annotations

import html
import json
from argparse import ArgumentParser, Namespace
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from hailwhale.cli.options import clean, note, positive, settings_of, value_of, whale_of

if TYPE_CHECKING:
    from hailwhale.pixels import Pixel

_EPILOG = """\
  hailwhale pixel '["mail", 42]' --metrics opened --expires 30d --uses 1
  hailwhale pixel '["shop", "paid"]' --vary 'value=0..500' --origin https://shop.example.org

prints the token, its address, and a tag for a page or a mail. What the address may give stands behind it:
/pixel/TOKEN.gif?value=12.50
"""
_ACTIONS = """\
actions:
  make            print a new key for HAILWHALE_SECRET
  list            print the numbers of the keys, and which of them seals
  rotate          make a new key in the store; it seals from now on, the others still open
  forget NUMBER   whatever this key of the store has sealed is refused from now on
"""
_WHY = {
    'forged': 'it was changed or cut off, or other keys sealed it',
    'foreign': 'the key that sealed it is not here, or a later release sealed it',
}


def pixel_options(parser: ArgumentParser) -> None:
    """The options of ``pixel``."""
    parser.epilog = _EPILOG
    parser.add_argument('pk', metavar='PK', nargs='?', help='what is counted: \'["mail", 42]\'')
    parser.add_argument('--dimensions', '--dimension', metavar='JSON', help='its properties: \'{"country": "US"}\'')
    parser.add_argument('--metrics', '--metric', metavar='JSON', help='fixed amounts, or names that count 1')
    parser.add_argument(
        '--vary',
        action='append',
        default=[],
        metavar='METRIC=LEAST..MOST',
        help='an amount that the address may give: value=0..100',
    )
    parser.add_argument(
        '--free', action='append', default=[], metavar='NAME', help='a dimension whose value the address may give'
    )
    parser.add_argument('--expires', metavar='WHEN', help='30d from now, or 2026-12-24T00:00Z; never')
    parser.add_argument('--uses', type=positive, metavar='N', help='count it so often at the most')
    parser.add_argument(
        '--origin', action='append', default=[], metavar='ORIGIN', help='count it on pages of https://example.org only'
    )
    parser.add_argument('--server', metavar='URL', default='', help='where hail answers, for the address and the tag')
    parser.add_argument('--read', metavar='TOKEN', help='show what a token holds instead')
    parser.set_defaults(run=pixel, settings=('timeout',))


def pixel(arguments: Namespace) -> int:
    """Seal a pixel, or show what one holds."""
    from hailwhale.errors import InvalidInput, TokenRefused
    from hailwhale.keyrings import keyring
    from hailwhale.pixels import read, seal

    if (arguments.pk is None) == (arguments.read is None):
        raise InvalidInput('a PK to seal or a token to --read is needed, and not both', field='pk')
    with whale_of(arguments) as whale:
        keys, now = keyring(whale.storage, whale.settings), whale.clock()
    if arguments.read is None:
        token = seal(keys, _pixel(arguments), now=now, limits=whale.settings.limits)
        address = f'{arguments.server.rstrip("/")}/pixel/{token}.gif'
        print(token, address, f'<img src="{html.escape(address)}" width="1" height="1" alt="">', sep='\n')
        return 0
    try:
        for name, value in _lines(read(keys, arguments.read)):
            print(f'{name:11} {clean(value)}')
    except TokenRefused as error:
        note(f'not a pixel of ours: {_WHY[error.reason]}')
        return 1
    return 0


def _pixel(arguments: Namespace) -> Pixel:
    from hailwhale.pixels import Pixel

    pk, dimensions, metrics = (value_of(getattr(arguments, name), name) for name in ('pk', 'dimensions', 'metrics'))
    return Pixel(
        pk,
        dimensions,
        metrics,
        dict(map(_bounds, arguments.vary)),
        arguments.free,
        arguments.expires,
        arguments.uses,
        arguments.origin,
    )


def _bounds(text: str) -> tuple[str, tuple[object, object]]:
    """``value=0..100``, read."""
    from hailwhale.errors import InvalidInput

    name, equals, bounds = text.rpartition('=')
    least, dots, most = bounds.partition('..')
    if not equals or not dots:
        raise InvalidInput(f'not bounds of a metric: {text!r:.80} (try value=0..100)', field='vary')
    return name, (least, most)


def _lines(pixel: Pixel) -> Iterator[tuple[str, str]]:
    """What a pixel holds, in words."""
    yield 'pk', _json(pixel.pk)
    yield 'dimensions', _json(pixel.dimensions)
    yield 'metrics', _amounts(pixel.metrics)
    for name, (least, most) in pixel.vary.items():
        yield 'vary', f'{name}={_number(least)}..{_number(most)}'
    for name in pixel.free:
        yield 'free', name
    if pixel.expires is not None:
        yield 'expires', f'{pixel.expires:%Y-%m-%dT%H:%M:%SZ}'
    if pixel.uses is not None:
        yield 'uses', str(pixel.uses)
    for origin in pixel.origins:
        yield 'origin', origin


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _amounts(amounts: object) -> str:
    assert isinstance(amounts, Mapping)
    return '{' + ', '.join(f'{_json(name)}: {_number(amount)}' for name, amount in amounts.items()) + '}'


def _number(amount: object) -> str:
    return str(amount) if isinstance(amount, int) else f'{amount:f}'


def secret_options(parser: ArgumentParser) -> None:
    """The options of ``secret``."""
    parser.epilog = _ACTIONS
    actions = ['make', 'list', 'rotate', 'forget']
    parser.add_argument('action', nargs='?', choices=actions, default='make', help='what to do; make')
    parser.add_argument('number', nargs='?', metavar='NUMBER', help='the key to forget')
    parser.set_defaults(run=secret, settings=('timeout',))


def secret(arguments: Namespace) -> None:
    """Make, list, rotate or forget keys."""
    from hailwhale.errors import InvalidInput

    if (arguments.action == 'forget') != (arguments.number is not None):
        raise InvalidInput('forget, and nothing else, takes the number of a key', field='number')
    if arguments.action == 'make':
        _make(arguments)
    elif arguments.action == 'list':
        _list(arguments)
    else:
        _change(arguments)


def _make(arguments: Namespace) -> None:
    from hailwhale.keyrings import free_number
    from hailwhale.tokens import make_key, read_keys

    known = settings_of(arguments).secret
    print(f'{free_number(read_keys(known)) if known else 0}:{make_key()}')
    note('put it into HAILWHALE_SECRET' + (', in front of the others' if known else ''))


def _list(arguments: Namespace) -> None:
    from hailwhale.tokens import read_keys

    with whale_of(arguments) as whale:
        if whale.settings.secret:
            keys = read_keys(whale.settings.secret)
            _show(keys.numbers, keys.first)
            note('these are of HAILWHALE_SECRET')
        else:
            kept = whale.storage.secrets()
            _show(kept.keys, kept.first)
            if not kept.keys:
                note('no keys yet: the store makes one when it is needed')


def _change(arguments: Namespace) -> None:
    """Rotate, or forget."""
    from hailwhale.errors import InvalidInput
    from hailwhale.keyrings import forget, rotate

    with whale_of(arguments) as whale:
        if whale.settings.secret:
            raise InvalidInput(
                'the keys are those of HAILWHALE_SECRET (hailwhale secret makes one to put in front of them; one '
                'that is taken out is forgotten)',
                field='secret',
            )
        storage = whale.storage
        keys = rotate(storage) if arguments.action == 'rotate' else forget(storage, _number_of_key(arguments.number))
    _show(keys.numbers, keys.first)


def _show(numbers: Iterable[int], first: int | None) -> None:
    for number in sorted(numbers):
        print(f'{number}  seals' if number == first else number)


def _number_of_key(text: str) -> int:
    from hailwhale.errors import InvalidInput

    if not text.isascii() or not text.isdigit():
        raise InvalidInput(f'not the number of a key: {text!r:.80} (hailwhale secret list shows them)', field='number')
    return int(text[:9])
