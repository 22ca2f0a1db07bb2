"""``hailwhale results``: which variant of a split test is better."""

from __future__ import annotations

import json
from argparse import ArgumentParser, Namespace
from typing import Any

from hailwhale.cli.options import ASKING, draw, positive, value_of, whale_of, width_of_terminal

_EPILOG = """\
The verdicts hold however often one looks. Variants are the pks below PK, or with --split the children of a dimension.
"""
# Values as people write them; the others are taken as they stand.
_VALUES = ('pk', 'goals', 'variants', 'split', 'dimension', 'by', 'period', 'weights')
_AS_THEY_STAND = (
    'control',
    'limit',
    'tz',
    'kind',
    'goal',
    'exposures',
    'allocation',
    'alpha',
    'power',
    'lift',
    'correction',
)


def results_options(parser: ArgumentParser) -> None:
    """The options of ``results``."""
    parser.epilog = _EPILOG
    add = parser.add_argument
    add('pk', metavar='PK', help='the split: a name, or a path as JSON: \'["Page", "button"]\'')
    add('--goals', metavar='JSON', help='metrics or ratios, or a mapping of them to kinds; all that were counted')
    add('--control', metavar='NAME', help="whom the others are compared with; 'control', or the first by name")
    add('--variants', metavar='JSON', help='only these')
    add('--split', metavar='JSON', help='the variants are the children of this dimension, not the pks below')
    add('--dimension', '--dimensions', metavar='JSON', help='only what was counted within this dimension')
    add('--by', metavar='JSON', help='also for each child of this dimension')
    add('--limit', type=positive, metavar='N', help='at most so many of them, the largest; 10')
    add('--period', '--periods', metavar='PERIOD', help='the whole life of the test; year')
    add('--tz', metavar='ZONE', help='the zone of its days and hours; UTC')
    add('--kind', metavar='KIND', help='binomial, mean or ratio; found by what was counted')
    add('--goal', metavar='DIRECTION', help='max, or min for what is better when it is lower; max')
    add('--exposures', metavar='METRIC', help='what counts who saw a variant; hits')
    add('--weights', metavar='JSON', help='planned shares, by name or in order, or none; equal ones')
    add('--allocation', metavar='HOW', help='fixed, or adaptive where results chose who saw what')
    add('--alpha', type=float, metavar='SHARE', help='the chance of any false winner; 0.05')
    add('--power', type=float, metavar='SHARE', help='for sample sizes; 0.8')
    add('--lift', type=float, metavar='LIFT', help='the lift that matters; 0.2')
    add('--correction', metavar='METHOD', help='for several comparisons: holm, bonferroni, fdr_bh, none; holm')
    add('--width', type=positive, metavar='N', help='columns; those of the terminal')
    add('--json', action='store_true', help='print JSON')
    parser.set_defaults(run=results, settings=ASKING)


def results(arguments: Namespace) -> None:
    """Print a table and a sentence for each goal."""
    given: dict[str, Any] = {name: value_of(getattr(arguments, name), name) for name in _VALUES}
    given |= {name: getattr(arguments, name) for name in _AS_THEY_STAND}
    with whale_of(arguments) as whale:
        found = whale.results(**{name: value for name, value in given.items() if value is not None})
    if arguments.json:
        print(json.dumps(found.as_dict(), ensure_ascii=False))
        return
    from hailwhale.cli.standings import lines

    draw(list(lines(found, width_of_terminal(arguments.width))))
