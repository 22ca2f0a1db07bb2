"""``hailwhale key``: who may write, read and administer."""

from __future__ import annotations

import html
import json
from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from hailwhale.cli.options import add_settings, clean, natural, note, table, value_of, whale_of

if TYPE_CHECKING:
    from hailwhale.access import Key, Keys, Made

_SETTINGS = ('timeout',)
_EPILOG = """\
write keys count, read keys ask, admin keys do both and reset. The text of a key is printed once, when it is made; the
store keeps a hash of it. Servers look at the keys every 3 seconds.

  hailwhale key create --scope write --pk 'Shop/*' --note 'the shop, server side' --expires 90d
  hailwhale key create --scope write --pk 'Shop/*' --origin https://shop.example --rate 100/s
  hailwhale key graph shop --metric dollars/hits --period 1d:30d --origin https://blog.example --expires 1y
  hailwhale key list
  hailwhale key rotate ID --overlap 24h
  hailwhale key revoke ID
"""
_WAYS = 'as "Authorization: Bearer KEY", or as the parameter key'


def key_options(parser: ArgumentParser) -> None:
    """The options of ``key`` and of what it does."""
    parser.epilog = _EPILOG
    parser.set_defaults(settings=_SETTINGS)
    actions = parser.add_subparsers(metavar='ACTION', required=True, title='actions')
    for name, help, build in _ACTIONS:
        action = actions.add_parser(
            name, help=help, description=help[0].upper() + help[1:] + '.', formatter_class=RawDescriptionHelpFormatter
        )
        build(action)
        add_settings(action.add_argument_group('settings'), 'url', 'home', *_SETTINGS)


def _create_options(parser: ArgumentParser) -> None:
    parser.add_argument('--scope', required=True, choices=['write', 'read', 'admin'], help='what it may do')
    parser.add_argument(
        '--pk',
        action='append',
        metavar='PATTERN',
        help="what it is for: 'Shop' that pk, 'Shop/*' it and all below it, '*' all; also several times; all",
    )
    _bounds_options(parser)
    parser.set_defaults(run=create)


def _graph_options(parser: ArgumentParser) -> None:
    parser.add_argument('pk', metavar='PK', help='what was counted: shop, or a path as JSON: \'["Product", 42]\'')
    parser.add_argument(
        '--metric', action='append', metavar='NAME', help='a metric, or a formula; also several times; hits'
    )
    parser.add_argument(
        '--dimension', metavar='JSON', help='the node that is drawn: sales or \'["sales", 42]\'; overall'
    )
    parser.add_argument('--depth', type=natural, default=1, metavar='N', help='levels below it, at most; 1')
    parser.add_argument('--limit', type=natural, default=8, metavar='N', help='children that are drawn, at most; 8')
    parser.add_argument('--period', default='1h:7d', metavar='PERIOD', help="its period, or 'any'; 1h:7d")
    parser.add_argument('--tz', metavar='ZONE', help='the time zone of its days; UTC')
    parser.add_argument('--drill', action='store_true', help='let clicks lead on to all that is below the node')
    parser.add_argument('--annotations', action='store_true', help='show the annotations of the pk')
    _bounds_options(parser)
    parser.set_defaults(run=graph)


def _bounds_options(parser: ArgumentParser) -> None:
    parser.add_argument(
        '--origin',
        action='append',
        default=[],
        metavar='URL',
        help='pages of this origin alone may use it, so that it may stand in them; also several times',
    )
    parser.add_argument(
        '--rate', metavar='RATE', help="at most so much: 100/s, 6000/m, 1000/10s; needs pip install 'hailwhale[rates]'"
    )
    parser.add_argument('--expires', metavar='LENGTH', help='it ends after so long: 90d; never')
    parser.add_argument('--note', default='', metavar='TEXT', help='who has it, and what for')


def _list_options(parser: ArgumentParser) -> None:
    parser.set_defaults(run=show)


def _rotate_options(parser: ArgumentParser) -> None:
    parser.add_argument('id', metavar='ID', help='the eight characters after hw_')
    parser.add_argument(
        '--overlap', default='24h', metavar='LENGTH', help='the old text goes on for so long, or 0; 24h'
    )
    parser.set_defaults(run=rotate)


def _revoke_options(parser: ArgumentParser) -> None:
    parser.add_argument('id', metavar='ID', help='the eight characters after hw_')
    parser.set_defaults(run=revoke)


_ACTIONS: tuple[tuple[str, str, Callable[[ArgumentParser], None]], ...] = (
    ('create', 'make a key, and print it this once', _create_options),
    ('graph', 'make a key that shows one graph and nothing else', _graph_options),
    ('list', 'show all keys, without their secrets', _list_options),
    ('rotate', 'give a key a new text; the old one goes on for a while', _rotate_options),
    ('revoke', 'end a key', _revoke_options),
)


@contextmanager
def _keys(arguments: Namespace) -> Iterator[Keys]:
    from hailwhale.access import Keys

    with whale_of(arguments) as whale:
        yield Keys(whale.storage, whale.clock)


def create(arguments: Namespace) -> None:
    """Make a key, and print its text to standard output."""
    with _keys(arguments) as keys:
        made = keys.create(
            arguments.scope,
            pks=arguments.pk or ['*'],
            origins=arguments.origin,
            rate=arguments.rate,
            expires=arguments.expires,
            note=arguments.note,
        )
    _hand_over(made)


def graph(arguments: Namespace) -> None:
    """Make a key that shows one graph, print its text to standard output, and what draws that beside it."""
    from hailwhale.access import Graph

    shown = Graph.of(
        value_of(arguments.pk, 'pk'),
        dimension=value_of(arguments.dimension, 'dimension'),
        metrics=arguments.metric,
        depth=arguments.depth,
        limit=arguments.limit,
        period=arguments.period,
        tz=arguments.tz,
        drill=arguments.drill,
        annotations=arguments.annotations,
    )
    with _keys(arguments) as keys:
        made = keys.create_graph(
            shown,
            origins=arguments.origin,
            rate=arguments.rate,
            expires=arguments.expires,
            note=arguments.note,
        )
    _hand_over(made)
    note(f'drawn by <hail-graph {_attributes({**shown.options(), "key": "KEY"})}></hail-graph>')


def _attributes(options: dict[str, Any]) -> str:
    """Options as the attributes of a tag."""
    spelled = {name: each if isinstance(each, str) else json.dumps(each) for name, each in options.items()}
    return ' '.join(f'{name}="{html.escape(clean(each))}"' for name, each in spelled.items())


def rotate(arguments: Namespace) -> None:
    """Give a key a new text, and print it."""
    with _keys(arguments) as keys:
        made = keys.rotate(arguments.id, overlap=arguments.overlap)
    _hand_over(made)
    ends = max((secret.until for secret in made.key.secrets if secret.until is not None), default=None)
    note('its old text has ended' if ends is None else f'its old text goes on until {_moment(ends)}')


def revoke(arguments: Namespace) -> None:
    """End a key."""
    with _keys(arguments) as keys:
        keys.revoke(arguments.id)
    print('revoked; servers know it within 3 seconds')


def show(arguments: Namespace) -> None:
    """A line for each key."""
    with _keys(arguments) as keys:
        listed = keys.listed()
        now = int(keys.clock())
    if not listed:
        print('there are no keys yet (hailwhale key create --scope write)')
        return
    rows: list[tuple[str, ...]] = [('id', 'may', 'pk', 'origins', 'rate', 'made', 'ends', 'last used', 'note')]
    rows += [_row(key, used, now) for key, used in listed]
    print('\n'.join(table(rows, [False] * len(rows[0]))))


def _row(key: Key, used: int | None, now: int) -> tuple[str, ...]:
    expires = '-' if key.expires is None else _moment(key.expires)
    if key.expires is not None and key.expires <= now:
        expires = f'{expires} (over)'
    return (
        key.id,
        key.scope,
        clean(str(key.graph or key.pks)),
        ' '.join(key.origins) or '-',
        str(key.rate or '-'),
        _moment(key.made),
        expires,
        'never' if used is None else _moment(used),
        clean(key.note),
    )


def _hand_over(made: Made) -> None:
    print(made.text, flush=True)
    note(f'give it {_WAYS}; it is shown this once (its id: {made.key.id})')


def _moment(at: int) -> str:
    return datetime.fromtimestamp(at, UTC).strftime('%Y-%m-%d %H:%MZ')
