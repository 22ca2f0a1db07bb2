"""The commands and their options."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence

from hailwhale.cli import (
    asking,
    buffering,
    counting,
    deciding,
    doctor,
    filling,
    keys,
    pixels,
    planning,
    results,
    serving,
    simulating,
    verifying,
)
from hailwhale.cli.options import Version, add_settings

_EPILOG = """\
values are JSON, or nearly: signup  ["Product", 42]  {country: US, device: "Mac OS X"}
A pk with a slash in it is one name: the path of two names is '["Product", 42]'.

counters live in an embedded engine below --home, or where --url says
"""


def parse(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the arguments; ``run`` among them is the function of the command.  Exits with 2 for bad usage."""
    parser = argparse.ArgumentParser(
        prog='hailwhale',
        description='Counts things in real time; answers totals, graphs and rankings.',
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument('--version', action=Version, nargs=0, help='show the version and exit')
    add_settings(parser, 'url', 'home')
    commands = parser.add_subparsers(metavar='COMMAND', required=True, title='commands')
    for name, help, build in _COMMANDS:
        command = commands.add_parser(
            name,
            help=help,
            description=help[0].upper() + help[1:] + '.',
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        build(command)
        add_settings(command.add_argument_group('settings'), 'url', 'home', *command.get_default('settings'))
    return parser.parse_args(argv)


_Build = Callable[[argparse.ArgumentParser], None]
_COMMANDS: tuple[tuple[str, str, _Build], ...] = (
    ('serve', 'take events, count and answer over HTTP', serving.serve_options),
    ('hail', 'take events over HTTP, and nothing else', serving.hail_options),
    ('whale', 'count and answer over HTTP, and nothing else', serving.whale_options),
    ('count', 'count one event', counting.count_options),
    ('annotate', 'let graphs show a word at a moment', counting.annotate_options),
    ('decide', 'choose an option for a visitor, and tell why', deciding.decide_options),
    ('totals', 'print sums', asking.totals_options),
    ('plot', 'draw a series in the terminal', asking.plot_options),
    ('top', 'print the largest children', asking.top_options),
    ('results', 'tell which variant of a split test is better', results.results_options),
    ('sample-size', 'tell how many visitors a split test takes', planning.sample_size_options),
    ('simulate', 'play ways to choose among options, on own numbers', simulating.simulate_options),
    ('import', 'count every row of a CSV or NDJSON file', filling.import_options),
    ('drain', 'bring events that wait into the counters', buffering.drain_options),
    ('dead', 'show events that were put aside, and why', buffering.dead_options),
    ('tail', 'show events as they come in', buffering.tail_options),
    ('key', 'make, list, rotate and revoke keys', keys.key_options),
    ('pixel', 'seal an event into an image', pixels.pixel_options),
    ('secret', 'make and rotate what seals pixels', pixels.secret_options),
    ('demo', 'count a year of flights and serve them', serving.demo_options),
    ('verify', 'check that all counters agree', verifying.verify_options),
    ('doctor', 'look whether everything is well, and say what is not', doctor.doctor_options),
)
