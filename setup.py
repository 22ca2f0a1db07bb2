"""Puts the built page into the package; everything else stands in pyproject.toml."""

import shutil
import subprocess
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py
from setuptools.command.sdist import sdist
from setuptools.errors import SetupError

ROOT = Path(__file__).resolve().parent
SOURCES = ROOT / 'js'
PAGE = ROOT / 'hailwhale' / 'static' / 'index.html'


def build_page() -> None:
    """Run the front-end build unless its result is there, as it is in a source distribution."""
    if PAGE.exists():
        return
    npm = shutil.which('npm')
    if npm is None:
        raise SetupError(
            f'the page is not built ({PAGE.relative_to(ROOT)} is missing) and npm was not found: '
            'install Node.js 20 or newer, or install the released wheel, which holds the page'
        )
    for arguments in (['ci'], ['run', 'build']):
        subprocess.run([npm, *arguments], cwd=SOURCES, check=True)


class BuildWithPage(build_py):
    """An editable install leaves the page to `make`: it must work before any JavaScript is built."""

    def run(self) -> None:
        if not self.editable_mode:
            build_page()
        super().run()


class SdistWithPage(sdist):
    """A source distribution holds the page and its sources, so that installing from it needs no Node."""

    def run(self) -> None:
        build_page()
        super().run()


setup(cmdclass={'build_py': BuildWithPage, 'sdist': SdistWithPage})
