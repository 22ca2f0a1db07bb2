"""``hailwhale verify``: whether every view of what was counted agrees."""

from __future__ import annotations

import sys
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from typing import TYPE_CHECKING

from hailwhale.cli.options import COUNTING, clean, note, value_of, whale_of

if TYPE_CHECKING:
    from hailwhale.verifying import Verified

_EPILOG = """\
Coarser buckets are compared with the finer ones that they consist of, wherever both are kept: every hour with its
minutes, every day with its hours. Numbers, names and expiries are looked at too. Counting may go on meanwhile.
Exits with 1 when something does not agree, with a line for each.
"""
_PAUSE = 1.0


def verify_options(parser: ArgumentParser) -> None:
    """The options of ``verify``."""
    parser.epilog = _EPILOG
    parser.add_argument('--pk', metavar='JSON', help='only this pk and all that is longer; everything')
    parser.add_argument('--progress', action='store_true', help='show progress even where that is no terminal')
    parser.set_defaults(run=verify, settings=COUNTING)


def verify(arguments: Namespace) -> int:
    """Print what does not agree."""
    from hailwhale.verifying import Verified
    from hailwhale.verifying import verify as findings

    done = Verified()
    told = _teller() if arguments.progress or sys.stderr.isatty() else None
    with whale_of(arguments) as whale:
        for finding in findings(whale, value_of(arguments.pk, 'pk'), done=done, progress=told):
            print(clean(str(finding)), flush=True)
    note(f'{done.keys:,} keys looked at, {done.sums:,} sums compared, {done.findings:,} do not agree')
    return 1 if done.findings else 0


def _teller(clock: Callable[[], float] = time.monotonic) -> Callable[[Verified], None]:
    """Tells how far it is, once a second."""
    told = [clock()]

    def tell(done: Verified) -> None:
        if clock() - told[0] >= _PAUSE:
            told[0] = clock()
            note(f'{done.keys:,} keys looked at, {done.sums:,} sums compared')

    return tell
