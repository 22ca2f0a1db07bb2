"""``make fuzz``: look for inputs for which something does not hold, target after target, until the time is over.

Each target has a process of its own, and begins with its corpus and with what earlier runs have found (``--keep``).
Atheris tells which inputs reach new lines of the code, and changes those further.  An input for which a target fails
is told as it is to be written into the corpus, where the suite tries it for ever; the run ends with 1 then.  Where
atheris is not built for a Python or a system, inputs are changed at random instead.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from tests.fuzzing.seeds import NAMES, TOKENS, seeds

#: What an input may take, and how long it may be: megabytes, seconds, bytes.
_MEMORY, _PATIENCE, _LONGEST = 2_048, 10, 8_192


def search(name: str, seconds: int, keep: Path | None) -> bool:
    """Whether a target holds for all that was tried in so many seconds."""
    command = [sys.executable, '-m', 'tests.fuzzing.search', name, str(seconds)]
    with tempfile.TemporaryDirectory() as directory:
        if find_spec('atheris'):
            corpus = keep / name if keep else Path(directory) / 'corpus'
            command += options_of(name, seconds, corpus, Path(directory))
        done = subprocess.run(command, check=False)
        for found in sorted(Path(directory).glob('found-*')):
            print(f'add to tests/fuzzing/corpus/{name}.txt:\n{found.read_bytes()!r}', flush=True)
    return done.returncode == 0


def options_of(name: str, seconds: int, corpus: Path, directory: Path) -> list[str]:
    """What libFuzzer, which is beneath atheris, is told."""
    corpus.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(seeds(name)):
        (corpus / f'seed-{number}').write_bytes(seed)
    words = directory / 'words'
    quoted = [''.join(f'\\x{byte:02x}' for byte in token) for token in TOKENS if len(token) <= 64]
    words.write_text('\n'.join(f'"{word}"' for word in quoted))
    limits = [f'-max_len={_LONGEST}', f'-timeout={_PATIENCE}', f'-rss_limit_mb={_MEMORY}', f'-max_total_time={seconds}']
    # Of what it found it keeps the shortest input for each line that is reached.
    return [str(corpus), *limits, f'-dict={words}', f'-artifact_prefix={directory}/found-', '-reduce_inputs=1']


def main(arguments: Sequence[str] | None = None) -> int:
    """Search in the targets that are named, or in all."""
    parser = argparse.ArgumentParser('make fuzz', description=__doc__)
    parser.add_argument('--only', choices=NAMES, action='append', help='a target; may be given several times (all)')
    parser.add_argument('--seconds', type=int, default=300, help='how long each target is searched (default 300)')
    parser.add_argument('--keep', type=Path, help='a directory for inputs that reach something new, for later runs')
    options = parser.parse_args(arguments)
    names = options.only or NAMES
    failed = [name for name in names if not search(name, options.seconds, options.keep)]
    print(f'{len(names)} targets, failed: {" ".join(failed) or "none"}')
    return int(bool(failed))


if __name__ == '__main__':
    raise SystemExit(main())
