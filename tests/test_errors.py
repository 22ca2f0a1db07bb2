"""The tree of errors, as its own documentation draws it."""

import inspect
import re
from typing import Any

import pytest

from hailwhale import errors

CLASSES: dict[str, type[Any]] = {
    name: kind
    for name, kind in vars(errors).items()
    if inspect.isclass(kind) and issubclass(kind, BaseException) and kind.__module__ == errors.__name__
}


def drawn() -> dict[str, str | None]:
    """Every class that the docstring draws, with the one that it hangs from."""
    parents: dict[str, str | None] = {}
    above: list[str] = []
    tree = errors.__doc__.split('::', 1)[1].split('A message names')[0]
    for line in filter(str.strip, tree.splitlines()):
        found = re.fullmatch(r'(?P<branch>[ │├└─]*)(?P<name>\w+).*', line)
        assert found
        depth = (len(found['branch']) - 4) // 4
        above[depth:] = [found['name']]
        parents[found['name']] = above[depth - 1] if depth else None
    return parents


def test_the_docstring_draws_exactly_the_classes_that_exist() -> None:
    assert list(drawn()) == list(CLASSES)


def test_every_class_hangs_where_it_is_drawn() -> None:
    for name, parent in drawn().items():
        bases = {base.__name__ for base in CLASSES[name].__bases__}
        assert (parent or 'Exception') in bases, name


#: They are made with more than a message.
WITH_MORE = (errors.TooManyRequests, errors.TokenRefused)


def test_no_two_errors_share_a_code() -> None:
    codes = [kind.code for kind in CLASSES.values()]
    assert len(set(codes)) == len(codes)


def test_codes_are_words_that_programs_can_compare() -> None:
    assert all(re.fullmatch('[a-z]+(_[a-z]+)*', kind.code) for kind in CLASSES.values())


@pytest.mark.parametrize('kind', [kind for kind in CLASSES.values() if kind not in WITH_MORE])
def test_every_error_keeps_its_message_and_the_argument_at_fault(kind: type[errors.HailWhaleError]) -> None:
    error = kind("not a length of time: '1x'", field='period')
    assert (str(error), error.message, error.field) == ("not a length of time: '1x'",) * 2 + ('period',)
    assert kind('no argument at fault').field is None


def test_too_many_requests_says_when_to_come_again() -> None:
    error = errors.TooManyRequests('more than 100/s', retry_after=3, field='key')
    assert (error.message, error.retry_after, error.field) == ('more than 100/s', 3, 'key')


def test_a_refused_token_says_no_more_than_that() -> None:
    error = errors.TokenRefused('forged')
    assert (error.reason, error.field) == ('forged', 'token')
    assert 'forged' not in error.message


def test_what_the_caller_gave_wrong_is_a_value_error_and_the_engine_is_none() -> None:
    assert issubclass(errors.InvalidPath, ValueError)
    assert not issubclass(errors.StorageError, ValueError)
