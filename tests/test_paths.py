"""Paths: what an event counts, what a reader asks for, and the two injective spellings."""

import enum
import re
from collections import OrderedDict
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Any
from uuid import UUID

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hailwhale.errors import HailWhaleError, InvalidDimensions, InvalidPath, LimitExceeded
from hailwhale.paths import (
    MAX_DEPTH,
    MAX_NAME_BYTES,
    MAX_NODES,
    OVERALL,
    decode,
    dimension_nodes,
    encode,
    escape,
    parse_path_name,
    path_name,
    pk_path,
    prefixes,
    question_nodes,
    unescape,
)

NOTHING: list[object] = [None, '', '_', {}, [], ()]
AWKWARD = [*'/{}%_[🐳', '||', '{}', '%2F', '%%', '', "O'Brien", 'a\nb', '\r\n', '["a"]', '{"a": 1}', '["a", "b"]']
NAMES = (
    st.sampled_from(AWKWARD) | st.text(st.characters(codec='utf-8'), max_size=20) | st.text('/%{}:_["2F', max_size=4)
)
PATHS = st.lists(NAMES, max_size=5).map(tuple)
SCALARS = NAMES | st.integers() | st.booleans() | st.floats(allow_nan=False) | st.none()
SHAPES = st.recursive(
    SCALARS,
    lambda below: st.lists(below, max_size=3) | st.dictionaries(NAMES | st.integers(), below, max_size=3),
    max_leaves=12,
)


class Colour(enum.StrEnum):
    RED = 'red'


class Label(str, enum.Enum):  # noqa: UP042  the text of such a member is 'Label.RED'
    RED = 'red'


class Size(enum.IntEnum):
    LARGE = 3


class TestPk:
    @pytest.mark.parametrize(
        ('pk', 'path'),
        [
            (None, ('_',)),
            ('signup', ('signup',)),
            ('a/b', ('a/b',)),
            (['Product', 42], ('Product', '42')),
            (('Product', '42'), ('Product', '42')),
            (7, ('7',)),
            (1.5, ('1.5',)),
            (True, ('True',)),
            (Decimal('1.50'), ('1.50',)),
            (UUID(int=5), ('00000000-0000-0000-0000-000000000005',)),
            (date(2026, 2, 3), ('2026-02-03',)),
            (datetime(2026, 2, 3, 4, tzinfo=UTC), ('2026-02-03T04:00:00+00:00',)),
            (Colour.RED, ('red',)),
            (Label.RED, ('red',)),
            (Size.LARGE, ('3',)),
            (['', ''], ('', '')),
        ],
    )
    def test_names_what_is_counted(self, pk: object, path: tuple[str, ...]) -> None:
        assert pk_path(pk) == path
        assert all(type(name) is str for name in pk_path(pk))

    def test_without_one_is_the_default(self) -> None:
        assert pk_path() == ('_',)

    @pytest.mark.parametrize('pk', [{}, {'a': 1}, [], (), ['a', None], ['a', ['b']], b'a', object(), {'a'}, int, 1j])
    def test_of_another_shape_is_refused(self, pk: object) -> None:
        with pytest.raises(InvalidPath) as caught:
            pk_path(pk)
        assert caught.value.field == 'pk'

    @pytest.mark.parametrize('pk', ['a\ud800', ['Product', '\udfff'], Label.RED.value + '\udc80'])
    def test_with_half_a_surrogate_pair_is_refused(self, pk: object) -> None:
        with pytest.raises(InvalidPath, match='surrogate') as caught:
            pk_path(pk)
        assert caught.value.field == 'pk'

    def test_may_be_as_long_and_as_deep_as_the_limits_say_and_no_more(self) -> None:
        assert pk_path('é' * (MAX_NAME_BYTES // 2)) == ('é' * (MAX_NAME_BYTES // 2),)
        assert len(pk_path(['a'] * MAX_DEPTH)) == MAX_DEPTH
        for pk in ['a' * (MAX_NAME_BYTES + 1), 'é' * (MAX_NAME_BYTES // 2) + 'a', 10**100_000, ['a'] * (MAX_DEPTH + 1)]:
            with pytest.raises(LimitExceeded) as caught:
                pk_path(pk)
            assert caught.value.field == 'pk'

    def test_has_the_limits_that_the_caller_sets(self) -> None:
        assert pk_path(['abc', 10**9], max_name_bytes=10, max_depth=2) == ('abc', '1000000000')
        for limits in [{'max_name_bytes': 9}, {'max_depth': 1}]:
            with pytest.raises(LimitExceeded):
                pk_path(['abc', 10**9], **limits)


@given(PATHS)
def test_prefixes_grow_by_one_name_up_to_the_path_itself(path: tuple[str, ...]) -> None:
    found = prefixes(path)
    assert [len(prefix) for prefix in found] == list(range(1, len(path) + 1))
    assert all(path[: len(prefix)] == prefix for prefix in found)


class TestDimensionNodes:
    @pytest.mark.parametrize('nothing', NOTHING)
    def test_without_dimensions_are_overall_alone(self, nothing: object) -> None:
        assert dimension_nodes(nothing) == ((),)

    @pytest.mark.parametrize(
        ('dimensions', 'nodes'),
        [
            ('UK', ['UK']),
            (0, ['0']),
            (False, ['False']),
            (['UK', 'London'], ['UK', 'UK/London']),
            (('a', 1, 2.5), ['a', 'a/1', 'a/1/2.5']),
            (['_'], ['_']),
            ({'a': 5, 'b': {'x': 1, 'y': 2}}, ['a', 'a/5', 'b', 'b/x', 'b/x/1', 'b/y', 'b/y/2']),
            (OrderedDict(b=1, a=2), ['b', 'b/1', 'a', 'a/2']),
            (MappingProxyType({'a': MappingProxyType({'b': 1})}), ['a', 'a/b', 'a/b/1']),
            (
                {'geo': ['UK', 'London'], 'device': 'mobile'},
                ['geo', 'geo/UK', 'geo/UK/London', 'device', 'device/mobile'],
            ),
            ({'a': None, 'b': {}, 'c': []}, ['a', 'b', 'c']),
            ({'a': ''}, ['a', 'a/%']),
            ({'': '_'}, ['%', '%/_']),
            ({'a': {'b': 1, 'c': None}, Size.LARGE: True}, ['a', 'a/b', 'a/b/1', 'a/c', '3', '3/True']),
        ],
    )
    def test_are_all_that_an_event_counts_parents_first(self, dimensions: object, nodes: list[str]) -> None:
        assert dimension_nodes(dimensions) == ((), *[decode(node) for node in nodes])

    def test_that_two_keys_name_alike_are_counted_once(self) -> None:
        assert dimension_nodes({1: 'a', '1': 'b'}) == ((), ('1',), ('1', 'a'), ('1', 'b'))
        assert dimension_nodes({1: 'a', '1': 'a'}) == ((), ('1',), ('1', 'a'))

    @pytest.mark.parametrize(
        'dimensions',
        [
            [['a']],
            ['a', None],
            ['a', {'b': 1}],
            {'a': [None]},
            {None: 1},
            {('a', 'b'): 1},
            {'a': {1, 2}},
            b'a',
            object(),
        ],
    )
    def test_of_another_shape_are_refused(self, dimensions: object) -> None:
        with pytest.raises(InvalidDimensions) as caught:
            dimension_nodes(dimensions)
        assert caught.value.field == 'dimensions'

    def test_with_half_a_surrogate_pair_are_refused_as_names(self) -> None:
        with pytest.raises(InvalidPath, match='surrogate') as caught:
            dimension_nodes({'a': 'b\ud800'})
        assert caught.value.field == 'dimensions'

    def test_are_at_most_as_many_as_the_limit_says(self) -> None:
        full = {str(child): None for child in range(MAX_NODES - 1)}
        assert len(dimension_nodes(full)) == MAX_NODES
        for too_many in [{**full, 'one more': None}, {**full, '0': 'one more'}, {'a': full}]:
            with pytest.raises(LimitExceeded, match='256 nodes'):
                dimension_nodes(too_many)
        with pytest.raises(LimitExceeded):
            dimension_nodes(['a', 'b'], max_nodes=2)

    def test_are_at_most_as_deep_as_the_limit_says(self) -> None:
        deep: dict[str, object] = {}
        deep['a'] = deep
        for dimensions in [deep, ['a'] * 17, {'a': ['b'] * 16}]:
            with pytest.raises(LimitExceeded, match='16 names'):
                dimension_nodes(dimensions)
        assert len(dimension_nodes({'a': ['b'] * 15})) == 17
        with pytest.raises(LimitExceeded):
            dimension_nodes(['a', 'b'], max_depth=1)

    def test_have_names_as_long_as_the_limit_says(self) -> None:
        for dimensions in ['abc', {'abc': 1}, {'a': {'b': 'abc'}}, [10**3]]:
            with pytest.raises(LimitExceeded):
                dimension_nodes(dimensions, max_name_bytes=2)

    @given(SHAPES)
    def test_hold_every_parent_before_its_children_each_once_or_are_refused(self, dimensions: object) -> None:
        try:
            nodes = dimension_nodes(dimensions)
        except (InvalidDimensions, LimitExceeded):
            return
        assert nodes[0] == OVERALL
        assert len(set(nodes)) == len(nodes)
        assert all(node[:-1] in nodes[:place] for place, node in enumerate(nodes) if node)

    @given(st.dictionaries(NAMES, NAMES, max_size=5))
    def test_of_a_flat_mapping_are_its_keys_and_its_values(self, dimensions: dict[str, str]) -> None:
        expected = {OVERALL} | {(key,) for key in dimensions} | set(dimensions.items())
        assert set(dimension_nodes(dimensions)) == expected


class TestQuestionNodes:
    @pytest.mark.parametrize(
        ('dimensions', 'nodes'),
        [
            *[(nothing, ((),)) for nothing in NOTHING],
            ('UK', (('UK',),)),
            (5, (('5',),)),
            (['geo', 'UK'], (('geo', 'UK'),)),
            (['_'], (('_',),)),
            ([['geo', 'UK'], ['geo', 'US']], (('geo', 'UK'), ('geo', 'US'))),
            ([['geo'], '_', [], None, '', 'UK', ('geo',)], (('geo',), (), ('UK',))),
            ({'a': {'b': 1}}, ((), ('a',), ('a', 'b'), ('a', 'b', '1'))),
            (MappingProxyType({'a': None}), ((), ('a',))),
        ],
    )
    def test_are_what_was_asked_in_the_order_asked(
        self, dimensions: object, nodes: tuple[tuple[str, ...], ...]
    ) -> None:
        assert question_nodes(dimensions) == nodes

    @pytest.mark.parametrize('dimensions', [[['a'], {'b': 1}], ['a', None], [['a', ['b']]], {'a': [['b']]}, b'a'])
    def test_of_another_shape_are_refused(self, dimensions: object) -> None:
        with pytest.raises(InvalidDimensions):
            question_nodes(dimensions)

    def test_have_the_limits_of_events(self) -> None:
        long = 'a' * (MAX_NAME_BYTES + 1)
        for dimensions in [[['a']] * (MAX_NODES + 1), ['a'] * (MAX_DEPTH + 1), [[long]], 10**9999]:
            with pytest.raises(LimitExceeded):
                question_nodes(dimensions)
        for limits in [{'max_nodes': 1}, {'max_depth': 1}, {'max_name_bytes': 1}]:
            for dimensions in [[['a'], ['bb', 'c']], {'aa': {'b': 'c'}}]:
                with pytest.raises(LimitExceeded):
                    question_nodes(dimensions, **limits)

    @given(PATHS)
    def test_ask_for_every_path_that_an_event_counted(self, path: tuple[str, ...]) -> None:
        assert question_nodes([path]) == (path,)


class TestNamesInResults:
    @pytest.mark.parametrize(
        ('path', 'name'),
        [
            ((), '_'),
            (('UK',), 'UK'),
            (('geo', 'UK'), '["geo", "UK"]'),
            (('geo', 'Köln 🐳'), '["geo", "Köln 🐳"]'),
            (('_',), '["_"]'),
            (('',), '[""]'),
            (('[x',), '["[x"]'),
            (('{"a": 1}',), '{"a": 1}'),
        ],
    )
    def test_are_plain_where_nothing_else_has_that_name(self, path: tuple[str, ...], name: str) -> None:
        assert path_name(path) == name
        assert parse_path_name(name) == path

    @given(PATHS)
    def test_lead_back_to_the_path(self, path: tuple[str, ...]) -> None:
        assert parse_path_name(path_name(path)) == path

    @given(PATHS, PATHS)
    @example(('_',), ())
    @example(('["a", "b"]',), ('a', 'b'))
    def test_are_never_shared_by_two_paths(self, one: tuple[str, ...], other: tuple[str, ...]) -> None:
        assert (path_name(one) == path_name(other)) == (one == other)

    def test_are_read_from_what_people_write_too(self) -> None:
        assert parse_path_name('') == ()
        assert parse_path_name('[]') == ()
        assert parse_path_name('["a",1.50, 7]') == ('a', '1.50', '7')

    @pytest.mark.parametrize('text', ['[', '["a"', '["a", null]', '[["a"]]', '["\\ud800"]', '["a"] b', '[' * 100_000])
    def test_that_begin_as_a_list_and_are_none_are_refused(self, text: str) -> None:
        with pytest.raises(InvalidPath):
            parse_path_name(text)

    @pytest.mark.parametrize('text', ['a' * 513, '["' + 'a' * 513 + '"]', '[' + '"a",' * 16 + '"a"]'])
    def test_have_the_limits_of_paths(self, text: str) -> None:
        with pytest.raises(LimitExceeded):
            parse_path_name(text)


class TestKeys:
    @pytest.mark.parametrize(
        ('name', 'escaped'),
        [
            ('country', 'country'),
            ('Mac OS X', 'Mac%20OS%20X'),
            ('', '%'),
            ('%', '%25'),
            ('a/b:c{d}', 'a%2Fb%3Ac%7Bd%7D'),
            ('||', '||'),
            ("O'Brien", "O'Brien"),
            ('\x00\t\n\x7f', '%00%09%0A%7F'),
            ('Köln 🐳', 'Köln%20🐳'),
            ('_', '_'),
        ],
    )
    def test_hold_names_escaped(self, name: str, escaped: str) -> None:
        assert escape(name) == escaped
        assert unescape(escaped) == name

    @given(NAMES)
    def test_never_hold_a_character_that_parts_them(self, name: str) -> None:
        escaped = escape(name)
        assert escaped
        assert not re.search('[/:{}\x00-\x20\x7f]', escaped)
        assert unescape(escaped) == name

    @given(NAMES, NAMES)
    @example('', '%')
    @example(' ', '%20')
    def test_are_never_shared_by_two_names(self, one: str, other: str) -> None:
        assert (escape(one) == escape(other)) == (one == other)

    @given(PATHS)
    def test_lead_back_to_the_path(self, path: tuple[str, ...]) -> None:
        assert decode(encode(path)) == path

    @given(PATHS, PATHS)
    @example((), ('',))
    @example(('a/b',), ('a', 'b'))
    @example(('', ''), ('',))
    def test_are_never_shared_by_two_paths(self, one: tuple[str, ...], other: tuple[str, ...]) -> None:
        assert (encode(one) == encode(other)) == (one == other)

    @given(st.text('%/a2Ff:{ é\ud800', max_size=8))
    @example('%2f')
    @example('%41')
    @example('%C3%A9')
    @example('a//b')
    @example('%/')
    def test_in_any_other_spelling_are_refused(self, text: str) -> None:
        ways: list[tuple[Callable[[str], Any], Callable[[Any], str]]] = [(decode, encode), (unescape, escape)]
        for read, write in ways:
            try:
                value = read(text)
            except InvalidPath:
                continue
            assert write(value) == text

    def test_have_no_spelling_for_half_a_surrogate_pair(self) -> None:
        with pytest.raises(InvalidPath, match='surrogate'):
            escape('a \udc80')
        with pytest.raises(InvalidPath):
            encode(('a', '\ud800'))

    def test_of_overall_are_empty(self) -> None:
        assert encode(OVERALL) == ''
        assert decode('') == OVERALL
        with pytest.raises(InvalidPath):
            unescape('')


@given(SHAPES | st.binary() | st.text())
def test_whatever_is_given_is_read_or_refused_as_our_own_error_of_one_line(value: object) -> None:
    for read in (pk_path, dimension_nodes, question_nodes):
        try:
            answer: object = read(value)
        except HailWhaleError as error:
            answer = error
        message = getattr(answer, 'message', '')
        assert isinstance(answer, tuple) or message
        assert '\n' not in message
        assert len(message) < 200
