"""Contexts: paths, names, and what lies above."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hailwhale.decisions.contexts import Context, level
from hailwhale.errors import InvalidDimensions

few = settings(max_examples=40)
names = st.text('aZ 0/%~é"\0', min_size=1, max_size=3)
dimensions = st.dictionaries(names, names | st.dictionaries(names, names, min_size=1, max_size=2), max_size=3)


@few
@given(dimensions)
def test_a_context_can_be_read_back_from_its_text(given: Mapping[str, Any]) -> None:
    context = Context.of(given)
    found = Context.read(context.text)
    assert (found, found.paths, hash(found)) == (context, context.paths, hash(context))


@few
@given(dimensions)
def test_the_order_of_dimensions_says_nothing(given: Mapping[str, Any]) -> None:
    assert Context.of(dict(reversed(list(given.items())))) == Context.of(given)


@few
@given(dimensions)
def test_all_that_lies_above_is_the_beginning_of_a_branch_and_shorter_ones_come_first(given: Mapping[str, Any]) -> None:
    context = Context.of(given)
    above = context.above
    assert len(set(above)) == len(above)
    assert all(any(branch[: len(path)] == path for branch in context.paths or [()]) for path in above)
    for place, path in enumerate(above):
        assert all(path[:end] in above[:place] for end in range(len(path)))


@few
@given(dimensions)
def test_no_branch_is_the_beginning_of_another(given: Mapping[str, Any]) -> None:
    paths = Context.of(given).paths
    assert not any(one != other and other[: len(one)] == one for one in paths for other in paths)


@pytest.mark.parametrize('nothing', [None, {}])
def test_above_who_nothing_is_known_of_is_what_is_above_all(nothing: object) -> None:
    context = Context.of(nothing)
    assert (context.text, context.paths, context.above, context.kind) == ('', (), ((),), ())
    assert Context.read('') == context


def test_a_single_branch_is_the_whole_of_a_context_and_may_lie_above_others() -> None:
    alone = Context.of({'country': 'US'})
    assert alone.above == ((), ('country',), ('country', 'US'))
    assert alone.whole == ('country', 'US')
    assert Context.of({'country': 'US', 'device': 'phone'}).whole is None
    assert Context.of({'country': 'US', 'device': 'phone'}).above[2] == alone.whole
    assert Context.of(None).whole == ()


def test_long_names_are_cut_and_stay_apart() -> None:
    one, other = (Context.of({'referrer': {'https://example.org/' + 'x' * 400 + end: 'y'}}) for end in 'ab')
    assert one != other
    assert len(one.text) < 100
    assert Context.read(one.text) == one
    assert one.paths[0][0] == 'referrer'
    assert one.paths[0][1].startswith('https://example.org/xxxx~')
    # Bytes are what counts.
    assert Context.of('я' * 36).paths == (('я' * 36,),)
    assert Context.of('я' * 37).paths != (('я' * 37,),)


def test_contexts_that_tell_the_same_things_are_of_one_kind() -> None:
    german, french = (Context.of({'country': name, 'device': 'phone'}) for name in ('DE', 'FR'))
    assert german.kind == french.kind == (('country', 2), ('device', 2))
    assert Context.of({'country': 'DE', 'browser': 'x'}).kind != german.kind
    assert Context.of({'country': {'DE': 'Berlin'}, 'device': 'phone'}).kind != german.kind


def test_a_single_branch_is_of_one_kind_with_others_as_long() -> None:
    """Its first name may be a value: {'US': ..}, {'UK': ..}."""
    assert Context.of('US').kind == Context.of('UK').kind
    assert Context.of({'US': 'Texas'}).kind == Context.of({'UK': 'Wales'}).kind != Context.of('US').kind


def test_the_level_above_all_has_no_name() -> None:
    assert level((), True) == level((), False) == ('', 0)
    assert level(('a', 'b'), True) == ('a', 2)
    assert level(('a', 'b'), False) == ('', 2)


def test_a_context_is_equal_to_no_text_and_shows_its_own() -> None:
    context = Context.of({'country': 'US'})
    assert context != 'country/US'
    assert context != Context.of({'country': 'UK'})
    assert repr(context) == "Context('country/US')"


def test_what_is_no_dimension_is_refused() -> None:
    with pytest.raises(InvalidDimensions):
        Context.of(3.5j)
