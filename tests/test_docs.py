"""The documentation: every page can be rendered, its links lead somewhere, its tables are those of the code."""

import importlib.util
import os
import re
from pathlib import Path
from types import ModuleType

import docutils.core
import docutils.utils
import pytest

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted([*ROOT.glob('*.rst'), *ROOT.glob('docs/**/*.rst')])


def names(pages: list[Path]) -> list[str]:
    return [str(page.relative_to(ROOT)) for page in pages]


@pytest.fixture(scope='module')
def make_settings_page() -> ModuleType:
    spec = importlib.util.spec_from_file_location('make_settings_page', ROOT / 'tools' / 'make_settings_page.py')
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize('page', PAGES, ids=names(PAGES))
def test_every_page_renders_without_a_warning(page: Path) -> None:
    warn = docutils.utils.Reporter.WARNING_LEVEL
    settings = {'halt_level': warn, 'report_level': warn + 1, '_disable_config': True, 'output_encoding': 'unicode'}
    assert '<h1' in docutils.core.publish_string(page.read_text('utf-8'), writer='html5', settings_overrides=settings)


@pytest.mark.parametrize('page', PAGES, ids=names(PAGES))
def test_every_link_between_pages_leads_to_a_file(page: Path) -> None:
    targets = re.findall(r'<([^<>\s:]+)>`_', page.read_text('utf-8'))
    assert [target for target in targets if not (page.parent / target).exists()] == []


def test_the_index_leads_to_every_page() -> None:
    docs = ROOT / 'docs'
    index = (docs / 'index.rst').read_text('utf-8')
    pages = [os.fspath(page.relative_to(docs)) for page in docs.rglob('*.rst') if page.name != 'index.rst']
    assert [page for page in pages if f'<{page}>`_' not in index] == []


def test_the_storage_page_quotes_only_figures_that_were_measured() -> None:
    measured = (ROOT / 'docs' / 'performance.rst').read_text('utf-8')
    quoted = re.findall(r'\d[\d,]*\.\d+|\d+(?:,\d{3})+', (ROOT / 'docs' / 'design' / 'storage.rst').read_text('utf-8'))
    assert len(quoted) > 10
    missing = [figure for figure in quoted if not re.search(rf'(?<![\d.,]){re.escape(figure)}(?![\d.,]*\d)', measured)]
    assert missing == [], 'not in docs/performance.rst (any more): write there what make bench has measured'


def test_the_settings_page_is_the_table_of_settings(make_settings_page: ModuleType) -> None:
    written = make_settings_page.PAGE.read_text('utf-8')
    assert written == make_settings_page.page(), 'run: python tools/make_settings_page.py'
