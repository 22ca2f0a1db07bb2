"""The command line: ``hailwhale COMMAND``.

Results go to standard output, progress and errors to standard error.  Exit codes: 0 done, 1 failed, 2 bad usage (also a
value that cannot be read), 130 interrupted.  Only this package prints.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from io import TextIOWrapper

#: As a shell reports a program that was interrupted, or that wrote to a pipe nobody reads.
INTERRUPTED = 130
BROKEN_PIPE = 141


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; the exit code.  Raises `SystemExit` for ``--help``, ``--version`` and bad usage."""
    from hailwhale.cli.parser import parse
    from hailwhale.errors import HailWhaleError, InvalidInput, SettingsError

    _write_what_can_be_written()
    # Decisions reckon with small matrices: threads that share one cost more than they save, and slow down all else.
    if 'OMP_NUM_THREADS' not in os.environ:
        os.environ.setdefault('OPENBLAS_NUM_THREADS', '1')
    arguments = parse(argv)
    try:
        code = arguments.run(arguments)
        if sys.stdout:
            sys.stdout.flush()
        return int(code or 0)
    except HailWhaleError as error:
        where = f'{error.field}: ' if error.field and not error.message.startswith(error.field) else ''
        print(f'hailwhale: {where}{error.message}', file=sys.stderr)
        return 2 if isinstance(error, InvalidInput | SettingsError) else 1
    except KeyboardInterrupt:
        return INTERRUPTED
    except OSError as error:
        # What is still buffered would fail again, loudly, when the interpreter ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if isinstance(error, BrokenPipeError):
            return BROKEN_PIPE
        print(f'hailwhale: cannot write the answer: {error.strerror or error}', file=sys.stderr)
        return 1


def _write_what_can_be_written() -> None:
    """A name that the terminal's encoding lacks is written as an escape, and ends no command."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors='backslashreplace')
