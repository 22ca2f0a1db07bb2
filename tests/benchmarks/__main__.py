"""``make bench``: measure, and print every figure beside its baseline."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from importlib import import_module

from tests.benchmarks import report
from tests.benchmarks.measure import Bench, Figure

#: By the name that the command line takes: the module that measures it.
TARGETS = {
    't1': 't1_count_now',
    't2': 't2_drain',
    't3': 't3_http',
    't4': 't4_reads',
    't5': 't5_memory',
    't6': 't6_import',
    't8': 't8_decide',
    't9': 't9_start',
    't10': 't10_decisions',
    't11': 't11_peeking',
    't12': 't12_references',
    't14': 't14_graphs',
    'growth': 'growth',
}


def measure(target: str, bench: Bench) -> list[Figure]:
    """The figures of one target."""
    found: Callable[[Bench], list[Figure]] = import_module(f'tests.benchmarks.{TARGETS[target]}').measure
    return found(bench)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure what is asked for; 1 where a goal was missed."""
    parser = argparse.ArgumentParser('make bench', description=__doc__)
    parser.add_argument('targets', nargs='*', metavar='target', help=f'{", ".join(TARGETS)}; all by default')
    parser.add_argument('--runs', type=int, default=5, help='samples of each figure (default 5)')
    parser.add_argument('--quick', action='store_true', help='measure little, only to see that it works')
    parser.add_argument('--huge', action='store_true', help='grow to ten million counters: takes minutes')
    parser.add_argument('--write', action='store_true', help='put the results into docs/performance.rst')
    options = parser.parse_args(arguments)
    unknown = [target for target in options.targets if target not in TARGETS]
    if unknown:
        parser.error(f'no such target: {", ".join(unknown)} (there are {", ".join(TARGETS)})')
    bench = Bench(runs=1 if options.quick else options.runs, quick=options.quick, huge=options.huge)
    figures: list[Figure] = []
    for target in options.targets or TARGETS:
        print(f'measuring {target} ...', file=sys.stderr, flush=True)
        figures += measure(target, bench)
    machine = report.machine()
    print('\n'.join([*machine, '', *report.table(figures)]))
    if options.write:
        report.write(machine, figures)
    return any(figure.met is False for figure in figures)


if __name__ == '__main__':
    raise SystemExit(main())
