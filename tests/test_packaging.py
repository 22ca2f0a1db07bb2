"""What is built for others to install: a source distribution, and from it a wheel, without Node."""

import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.fresh import unmeasured

ROOT = Path(__file__).resolve().parent.parent
WIDGET = ('hailwhale.js', 'hailwhale.iife.js', 'jquery.hailwhale.js', 'graph.js', 'table_graph.js', 'hailwhale.d.ts')
COUNTING = ('count.js', 'count.mjs', 'count.d.ts', 'integrity.json')
PAGE = ('index.html', 'page.js', 'page.css', *WIDGET, *COUNTING)


class Built(NamedTuple):
    wheel: Path
    in_wheel: set[str]
    in_sdist: set[str]


def skipped_in_copy(folder: str, names: list[str]) -> set[str]:
    made = {'__pycache__', 'node_modules'}
    if Path(folder) == ROOT:
        made |= {'build', 'dist', 'hailwhale.egg-info', *(name for name in names if name.startswith('.'))}
    return made.intersection(names)


def without_npm(bin_folder: Path) -> dict[str, str]:
    """The environment, with nothing on the PATH: what is run is named by its whole path."""
    bin_folder.mkdir()
    return unmeasured(PATH=str(bin_folder))


def build(source: Path, *arguments: str, environ: dict[str, str]) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, '-m', 'build', '--no-isolation', *arguments, str(source)]
    return subprocess.run(command, env=environ, capture_output=True, text=True, check=False)


@pytest.fixture(scope='module')
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The repository as it is checked out, with the page built."""
    target = tmp_path_factory.mktemp('packaging') / 'hailwhale'
    return shutil.copytree(ROOT, target, ignore=skipped_in_copy)


@pytest.fixture(scope='module')
def built(copy: Path) -> Built:
    done = build(copy, environ=without_npm(copy.parent / 'bin'))
    assert done.returncode == 0, done.stdout + done.stderr
    (wheel,) = (copy / 'dist').glob('*.whl')
    (sdist,) = (copy / 'dist').glob('*.tar.gz')
    with tarfile.open(sdist) as archive:
        in_sdist = {name.partition('/')[2] for name in archive.getnames()}
    with zipfile.ZipFile(wheel) as archive:
        return Built(wheel, set(archive.namelist()), in_sdist)


def test_the_wheel_holds_every_module_and_script_of_the_package(built: Built) -> None:
    sources = [path for pattern in ('*.py', '*.lua') for path in (ROOT / 'hailwhale').rglob(pattern)]
    assert {str(path.relative_to(ROOT)) for path in sources} <= built.in_wheel


def test_the_wheel_holds_the_page_the_flights_and_the_mark_of_types(built: Built) -> None:
    # What draws a part of the page has a name of its own in each build.
    pieces = {f'hailwhale/static/{path.name}' for path in (ROOT / 'hailwhale' / 'static').iterdir()}
    wanted = {f'hailwhale/static/{name}' for name in PAGE} | {'hailwhale/data/flights.csv.gz', 'hailwhale/py.typed'}
    assert wanted | pieces <= built.in_wheel


def test_the_wheel_holds_the_licence_the_notice_and_nothing_beside_the_package(built: Built) -> None:
    folders = {name.partition('/')[0] for name in built.in_wheel}
    (metadata,) = folders - {'hailwhale'}
    assert {f'{metadata}/licenses/LICENSE', f'{metadata}/licenses/NOTICE'} <= built.in_wheel


def test_the_wheel_brings_the_command(built: Built) -> None:
    with zipfile.ZipFile(built.wheel) as archive:
        (entry_points,) = (name for name in built.in_wheel if name.endswith('/entry_points.txt'))
        assert archive.read(entry_points).decode().strip() == '[console_scripts]\nhailwhale = hailwhale.cli:main'


def test_the_source_distribution_holds_the_sources_of_the_page_and_the_page_itself(built: Built) -> None:
    wanted = {'js/package.json', 'js/package-lock.json', *(f'hailwhale/static/{name}' for name in PAGE)}
    assert wanted <= built.in_sdist
    assert not any('node_modules' in name for name in built.in_sdist)


def test_the_source_distribution_holds_tests_docs_and_examples(built: Built) -> None:
    assert {'tests/test_packaging.py', 'docs/index.rst', 'examples/nginx.conf', 'Makefile'} <= built.in_sdist
    pictures = {str(path.relative_to(ROOT)) for path in (ROOT / 'docs' / 'images').iterdir()}
    assert pictures
    assert pictures <= built.in_sdist
    assert not any(name.endswith('.png') for name in built.in_wheel)


def test_the_wheel_runs_from_where_it_is_installed(built: Built, tmp_path: Path) -> None:
    with zipfile.ZipFile(built.wheel) as archive:
        archive.extractall(tmp_path / 'site')
    program = 'import hailwhale; print(hailwhale.__file__, hailwhale.__version__, hailwhale.Period.__name__)'
    environ = unmeasured(PYTHONPATH=str(tmp_path / 'site'))
    done = subprocess.run(
        [sys.executable, '-c', program], cwd=tmp_path, env=environ, capture_output=True, text=True, check=True
    )
    path, version, name = done.stdout.split()
    assert Path(path) == tmp_path / 'site' / 'hailwhale' / '__init__.py'
    assert built.wheel.name.startswith(f'hailwhale-{version}-')
    assert name == 'Period'


def test_building_without_the_page_and_without_npm_says_what_to_install(copy: Path, tmp_path: Path) -> None:
    bare = shutil.copytree(copy, tmp_path / 'bare', ignore=shutil.ignore_patterns('static', 'build', 'dist'))
    done = build(bare, '--wheel', environ=without_npm(tmp_path / 'bin'))
    assert done.returncode != 0
    assert 'npm was not found: install Node.js 20 or newer, or install the released wheel' in done.stdout + done.stderr
    assert not (bare / 'dist').exists() or not list((bare / 'dist').iterdir())
