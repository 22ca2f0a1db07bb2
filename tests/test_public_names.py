"""What `from hailwhale import ...` gives."""

import importlib.metadata
import inspect
import re
from pathlib import Path

import pytest

import hailwhale
from hailwhale import errors

PACKAGE = Path(hailwhale.__file__).parent


@pytest.mark.parametrize('name', hailwhale.__all__)
def test_every_public_name_can_be_imported(name: str) -> None:
    assert getattr(hailwhale, name) is not None
    assert name in dir(hailwhale)


def test_every_error_is_a_public_name() -> None:
    ours = {name for name, _ in inspect.getmembers(errors, inspect.isclass) if not name.startswith('_')}
    assert ours <= set(hailwhale.__all__)


def test_an_unknown_name_is_an_attribute_error_that_names_it() -> None:
    with pytest.raises(AttributeError, match="module 'hailwhale' has no attribute 'Wale'"):
        hailwhale.Wale  # type: ignore[attr-defined] # noqa: B018


def test_the_version_is_the_one_of_the_installed_package() -> None:
    assert hailwhale.__version__ == importlib.metadata.version('hailwhale')


def test_the_changelog_tells_of_this_version() -> None:
    changelog = (PACKAGE.parent / 'CHANGELOG.rst').read_text('utf-8')
    assert re.search(rf'^{re.escape(hailwhale.__version__)} ', changelog, re.MULTILINE)


def test_type_checkers_find_the_types() -> None:
    assert (PACKAGE / 'py.typed').read_bytes() == b''
