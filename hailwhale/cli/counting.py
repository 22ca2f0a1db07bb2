"""``hailwhale count``: one event; ``hailwhale annotate``: a word on graphs."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from hailwhale.cli.options import COUNTING, value_of, whale_of


def count_options(parser: ArgumentParser) -> None:
    """The options of ``count``."""
    parser.add_argument('pk', metavar='PK', help='what is counted: signup, or a path as JSON: \'["Product", 42]\'')
    parser.add_argument('--dimensions', '--dimension', metavar='JSON', help='its properties: \'{"country": "US"}\'')
    parser.add_argument(
        '--metrics', '--metric', metavar='JSON', help='amounts \'{"price": 9.99}\', or names that count 1'
    )
    parser.add_argument(
        '--at', metavar='TIME', help='when it happened: 2026-11-22T19:00:00+05:30 or epoch seconds; now'
    )
    parser.add_argument('--id', metavar='ID', help='count it only if no event with this id was counted within 48 hours')
    parser.set_defaults(run=count, settings=COUNTING)


def count(arguments: Namespace) -> None:
    """Count an event."""
    pk, dimensions, metrics = (value_of(getattr(arguments, name), name) for name in ('pk', 'dimensions', 'metrics'))
    with whale_of(arguments) as whale:
        counted = whale.count_now(pk, dimensions, metrics, arguments.at, id=arguments.id)
    print('counted' if counted else 'was counted before')


def annotate_options(parser: ArgumentParser) -> None:
    """The options of ``annotate``."""
    parser.add_argument('text', metavar='TEXT', help='what happened, in a few words')
    parser.add_argument('--pk', metavar='PK', help='graphs of this pk and of all below it show it; all graphs')
    parser.add_argument('--at', metavar='TIME', help='when: 2026-11-22T19:00:00+05:30 or epoch seconds; now')
    parser.add_argument('--remove', action='store_true', help='take it away again, without --at from all moments')
    parser.set_defaults(run=annotate, settings=COUNTING)


def annotate(arguments: Namespace) -> None:
    """Annotate graphs."""
    pk = value_of(arguments.pk, 'pk')
    with whale_of(arguments) as whale:
        if arguments.remove:
            print(f'removed {whale.forget_annotation(arguments.text, pk, arguments.at)}')
            return
        print('annotated' if whale.annotate(arguments.text, pk, arguments.at) else 'was there before')
