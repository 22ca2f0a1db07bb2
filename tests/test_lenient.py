"""The reader of values in URLs: whatever is written is a value, or an error that says where."""

import json
import string
import sys
import time
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from hailwhale.errors import InvalidInput, InvalidText, LimitExceeded
from hailwhale.lenient import MAX_BYTES, MAX_DEPTH, MAX_NODES, read_items, read_json, read_lines, read_value

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda below: st.lists(below, max_size=4) | st.dictionaries(st.text(), below, max_size=4),
    max_leaves=20,
)
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(string.printable),
    lambda below: st.lists(below, max_size=4) | st.dictionaries(st.text(string.printable), below, max_size=4),
    max_leaves=20,
)
NOISE = st.text('[]{}:,"\'\\ ab5.-+eu\ud800\nx0', max_size=30)


def as_floats(value: object) -> object:
    """The value with every Decimal as the float that it was written from."""
    if isinstance(value, list):
        return [as_floats(item) for item in value]
    if isinstance(value, dict):
        return {key: as_floats(item) for key, item in value.items()}
    return float(value) if isinstance(value, Decimal) else value


def is_float_in(value: object) -> bool:
    if isinstance(value, (list, dict)):
        return any(map(is_float_in, value.values() if isinstance(value, dict) else value))
    return isinstance(value, float)


def answer_of(read: Callable[..., object], text: str | bytes, **limits: int) -> object:
    """What the reader answers: the value, or the one of its errors that it raised."""
    try:
        return read(text, **limits)
    except (InvalidText, LimitExceeded) as error:
        return error


class TestValues:
    @pytest.mark.parametrize(
        ('text', 'value'),
        [
            ("['a', 'b', 'c']", ['a', 'b', 'c']),
            ('[\'a\', "b"]', ['a', 'b']),
            ('{"dollars": 200}', {'dollars': 200}),
            ('{"spent": .50}', {'spent': Decimal('0.5')}),
            ('{"dollars": -2000}', {'dollars': -2000}),
            ('{"sales": $product_id}', {'sales': '$product_id'}),
            ('{dollars: 200}', {'dollars': 200}),
            ('[a, b]', ['a', 'b']),
            ('[a, b,]', ['a', 'b']),
            ("{'a': {'b': [1, 2,],},}", {'a': {'b': [1, 2]}}),
            ('[]', []),
            ('{ }', {}),
            ("[True, False, None, true, false, null, 'True']", [True, False, None, True, False, None, 'True']),
            ("[O'Brien, rock 'n roll]", ["O'Brien", "rock 'n roll"]),
            ('["O\'Brien", \'say "x"\']', ["O'Brien", 'say "x"']),
            ('{url: http://x/?a=1, at: 12:30}', {'url': 'http://x/?a=1', 'at': '12:30'}),
            ('{5: x, 1.5: y, true: z, 007: w}', {5: 'x', Decimal('1.5'): 'y', 'true': 'z', '007': 'w'}),
            ("{'a:b' : 1}", {'a:b': 1}),
            (' [ a , b ] ', ['a', 'b']),
            ("'it\\'s'", "it's"),
            ("'a\\n\\t\\r\\b\\f\\\\\\/\\\"'", 'a\n\t\r\b\f\\/"'),
            ("'\\x41\\u00e9\\U0001F433\\ud83d\\udc33'", 'Aé🐳🐳'),
            ("'\\ud83d'", '\ud83d'),
            ("['two\nlines']", ['two\nlines']),
            ("''", ''),
            ('"a"', 'a'),
        ],
    )
    def test_are_read_as_people_write_them(self, text: str, value: object) -> None:
        assert read_value(text) == value

    @pytest.mark.parametrize(
        'text',
        [
            '',
            ' ',
            'signup',
            "O'Brien",
            'a/b',
            'foo bar',
            ' foo ',
            'a, b]',
            'x"y',
            '(1, 2)',
            '$product_id',
            'a: b',
            '007',
            '-007',
            '1_000',
            '٣',
            '1e',
            '.',
            '+',
            '1e999999',
            '1e-401',
            '-1' + '0' * 640,
            'NaN',
            'Infinity',
            '-Infinity',
            'nan',
            'TRUE',
            '\ud800',
        ],
    )
    def test_that_begin_with_no_bracket_or_quote_are_words_as_they_are(self, text: str) -> None:
        assert read_value(text) == text

    @pytest.mark.parametrize(
        ('text', 'value'),
        [('true', True), ('True', True), ('false', False), (' False ', False), ('null', None), ('None', None)],
    )
    def test_that_are_said_true_false_or_nothing_are_that(self, text: str, value: object) -> None:
        assert read_value(text) is value

    @pytest.mark.parametrize(
        ('text', 'value'),
        [
            ('42', 42),
            (' 42 ', 42),
            ('+5', 5),
            ('-0', 0),
            ('.50', Decimal('0.50')),
            ('-.5', Decimal('-0.5')),
            ('5.', Decimal(5)),
            ('5.250', Decimal('5.250')),
            ('1e5', Decimal('1E+5')),
            ('1E-400', Decimal('1E-400')),
            ('0.1', Decimal('0.1')),
            ('9' * 640, int('9' * 640)),
        ],
    )
    def test_that_are_numbers_are_exact(self, text: str, value: object) -> None:
        listed: list[Any] = [read_value(f'[{text},]'), read_value(f'[{text}]')]
        for read in (read_value(text), listed[0][0], listed[1][0]):
            assert (read, type(read)) == (value, type(value))
            assert str(read) == str(value)

    @pytest.mark.parametrize(
        ('text', 'at', 'why'),
        [
            ("['a', 'b'\"]", 10, "',' or ']'"),
            ("['O'Brien']", 5, "',' or ']'"),
            ("[a', 'b']", 2, 'never began'),
            ("'tis", 1, 'never ends'),
            ("['a", 2, 'never ends'),
            ('[', 2, 'missing'),
            ('[a', 3, "',' or ']'"),
            ('[a,', 4, 'missing'),
            ('[,]', 2, 'missing'),
            ('[a,,b]', 4, 'missing'),
            ('{a}', 3, "':'"),
            ('{a:}', 4, 'missing'),
            ('{:a}', 2, 'missing'),
            ('{a: 1 "b": 2}', 7, "',' or '}'"),
            ('{[a]: 1}', 2, 'missing'),
            ('[a[1]]', 3, "',' or ']'"),
            ('[a}', 3, "',' or ']'"),
            ('[a] b', 5, 'nothing may follow'),
            ('"a" b', 5, 'nothing may follow'),
            ("'a\\q'", 3, 'backslash twice'),
            ("['\\u12']", 3, 'backslash twice'),
            ("'\\U00110000'", 2, 'backslash twice'),
        ],
    )
    def test_that_cannot_be_read_say_where_and_why(self, text: str, at: int, why: str) -> None:
        with pytest.raises(InvalidText) as caught:
            read_value(text, field='dimensions')
        assert f'at character {at}: ' in caught.value.message
        assert why in caught.value.message
        assert caught.value.field == 'dimensions'
        assert caught.value.message.startswith('dimensions: ')

    @given(VALUES)
    def test_in_json_read_back_the_same(self, value: object) -> None:
        assume(len(json.dumps(value)) < MAX_BYTES)
        assert as_floats(read_value(json.dumps(value), max_depth=100)) == value
        assert as_floats(read_value(json.dumps(value, ensure_ascii=False), max_depth=100)) == value
        assert as_floats(read_json(json.dumps(value), max_depth=100)) == value
        assert as_floats(read_json(json.dumps(value).encode(), max_depth=100)) == value

    @given(VALUES.filter(lambda value: isinstance(value, (list, dict)) and value))
    def test_with_a_comma_too_many_read_back_the_same(self, value: object) -> None:
        text = json.dumps(value)
        assert as_floats(read_value(f'{text[:-1]},{text[-1]}', max_depth=100)) == value

    @given(PLAIN.filter(lambda value: isinstance(value, (list, dict))))
    @example(["O'Brien", 'say "x"', 'both \' and "'])
    def test_printed_by_python_read_back_the_same(self, value: object) -> None:
        assert read_value(repr(value), max_depth=100) == value

    @given(st.text() | NOISE | st.lists(NOISE, max_size=4).map(lambda parts: f'[{",".join(parts)}]'))
    @example('[' * 60_000)
    @example("['a', 'b'\"]")
    def test_are_something_or_refused_as_our_own_error_and_never_a_float(self, text: str) -> None:
        answer = answer_of(read_value, text)
        assert not is_float_in(answer)
        assert '\n' not in getattr(answer, 'message', '')

    @given(st.text().filter(lambda text: text.strip()[:1] not in {'[', '{', '"', "'"}))
    def test_that_begin_with_no_bracket_or_quote_are_never_refused(self, text: str) -> None:
        value = read_value(text)
        assert value == text or not isinstance(value, str) or value == text.strip()

    @pytest.mark.parametrize(
        'text',
        [
            '[' * 100_000,
            '[' * 100_000 + ']' * 100_000,
            '{a:' * 100_000,
            '[a,' * 100_000,
            "'" * 100_000,
            "'\\" * 50_000,
            '"\\u' * 30_000 + '"',
            '[a' + ' ' * 100_000 + '"',
            ' ' * 100_000 + '[',
            '[' + '1,' * 50_000,
            '[' + "'" + "a'b" * 30_000,
            '1' * 100_000,
            '1e' + '9' * 100_000,
            '[' + '.5e-9,' * 15_000 + ']',
        ],
    )
    def test_made_to_be_slow_are_answered_at_once(self, text: str) -> None:
        # What is timed is the reader: to trace its lines takes nine times as long as to run them.
        tracer = sys.gettrace()
        sys.settrace(None)
        try:
            began = time.process_time()
            answer = answer_of(read_value, text, max_bytes=10**6)
            took = time.process_time() - began
        finally:
            sys.settrace(tracer)
        assert len(getattr(answer, 'message', '')) < 400
        assert took < 1

    def test_deeper_than_python_can_go_are_refused_whatever_the_limit(self) -> None:
        for text in ['[' * 5000 + ']' * 5000, '[' * 5000 + ',]']:
            with pytest.raises(LimitExceeded):
                read_value(text, max_depth=10**6)


LIMITED = [
    ('[' * (MAX_DEPTH + 1) + '1' + ']' * (MAX_DEPTH + 1), {}),
    ('[' + '1,' * MAX_NODES + '1]', {}),
    ('[1, 2]', {'max_nodes': 2}),
    ('[["a", "b"], {"c": 1}]', {'max_nodes': 5}),
    ('[[1]]', {'max_depth': 1}),
    ('{"a": {"b": 1}}', {'max_depth': 1}),
    ('"' + 'a' * MAX_BYTES + '"', {}),
    ('"é"', {'max_bytes': 3}),
    ('"aa"', {'max_bytes': 3}),
]
ALLOWED = [
    ('[' * MAX_DEPTH + ']' * MAX_DEPTH, {}),
    ('[' + '1,' * (MAX_NODES - 2) + '1]', {}),
    ('["a,b,c", "[[["]', {'max_nodes': 3, 'max_depth': 1}),
    ('{"a": {"b": 1}}', {'max_depth': 2, 'max_nodes': 3}),
    ('[["[{"], {"c": []}]', {'max_depth': 3, 'max_nodes': 5}),
    ('"é"', {'max_bytes': 4}),
]


@pytest.mark.parametrize(('text', 'limits'), LIMITED)
def test_both_readers_refuse_what_is_larger_than_the_limits(text: str, limits: dict[str, Any]) -> None:
    for read, spelling in [(read_value, text), (read_value, text.replace('"', "'")), (read_json, text)]:
        with pytest.raises(LimitExceeded) as caught:
            read(spelling, field='metrics', **limits)
        assert caught.value.field == 'metrics'
    with pytest.raises(LimitExceeded, match='more than'):
        read_json(text.encode(), **limits)


@pytest.mark.parametrize(('text', 'limits'), ALLOWED)
def test_both_readers_take_what_is_just_within_the_limits(text: str, limits: dict[str, Any]) -> None:
    value = json.loads(text)
    assert read_value(text, **limits) == value
    assert read_value(text.replace('"', "'"), **limits) == value
    assert read_json(text, **limits) == read_json(text.encode(), **limits) == value


class TestJson:
    @pytest.mark.parametrize(
        ('text', 'value'),
        [
            (b'{"a": [1, 2.50]}', {'a': [1, Decimal('2.50')]}),
            (b'\xef\xbb\xbf[1]', [1]),
            ('"\\ud83d\\udc33é"', '🐳é'),
            (' null ', None),
            ('1e400', Decimal('1e400')),
        ],
    )
    def test_is_read_with_exact_numbers(self, text: str | bytes, value: object) -> None:
        assert read_json(text) == value
        assert not is_float_in(read_json(text))

    @pytest.mark.parametrize(
        'text', ["['a']", '[1,]', '{a: 1}', '.5', '+5', 'signup', '', '[1] 2', '007', '"a\nb"', 'True']
    )
    def test_is_not_what_people_write_in_urls(self, text: str) -> None:
        with pytest.raises(InvalidText, match=r'at character [0-9]+: not JSON'):
            read_json(text)

    @pytest.mark.parametrize('name', ['NaN', 'Infinity', '-Infinity'])
    def test_has_no_numbers_that_are_none(self, name: str) -> None:
        with pytest.raises(InvalidText, match=name) as caught:
            read_json(f'{{"a": {name}}}', field='metrics')
        assert caught.value.field == 'metrics'

    @pytest.mark.parametrize('digits', ['1e999999', '-1E-401', '1' * 641])
    def test_has_no_numbers_that_nothing_could_hold(self, digits: str) -> None:
        with pytest.raises(LimitExceeded, match='send it as a text') as caught:
            read_json(f'[{digits}]', field='metrics')
        assert caught.value.field == 'metrics'
        assert read_json(f'["{digits}"]') == [digits]

    def test_is_utf_8(self) -> None:
        with pytest.raises(InvalidText, match='not UTF-8 at byte 2'):
            read_json(b'"\xff"', field='body')

    @pytest.mark.parametrize('text', ['[' * 100_000, '[' * 100_000 + ']' * 100_000, '{"a":' * 100_000])
    def test_of_nothing_but_brackets_is_refused(self, text: str) -> None:
        with pytest.raises(LimitExceeded):
            read_json(text, max_bytes=10**6)

    @given(st.binary() | st.text())
    def test_is_read_or_refused_whatever_the_body(self, body: bytes | str) -> None:
        answer = answer_of(read_json, body)
        assert not is_float_in(answer)
        assert '\n' not in getattr(answer, 'message', '')

    @pytest.mark.parametrize('length', [639, 640, 641, 700, 5_000])
    @pytest.mark.parametrize('shape', ['{}', '-{}', '[{}]', '[1, {}]', '{}.5'])
    def test_has_numbers_of_at_most_640_digits_in_texts_of_any_length(self, length: int, shape: str) -> None:
        for around in ('{}', '[{}, "' + 'a' * 1_000 + '"]'):
            text = around.format(shape.format('1' * length))
            # A sign or a point beside the digits counts as one of them where it is a fraction.
            if length < 640 - 2 * ('.' in shape):
                assert not isinstance(answer_of(read_json, text), InvalidInput)
            elif length > 640:
                assert isinstance(answer_of(read_json, text), LimitExceeded)
                assert isinstance(answer_of(read_json, text.encode()), LimitExceeded)

    def test_may_hold_long_texts_of_digits(self) -> None:
        assert read_json(json.dumps(['1' * 2_000, 'é', 5])) == ['1' * 2_000, 'é', 5]
        assert read_json(json.dumps(['\ud800', 'a' * 1_000])) == ['\ud800', 'a' * 1_000]


class TestItemsOfAList:
    @given(st.lists(VALUES, max_size=8), st.sampled_from([None, 1, '\t']))
    def test_are_what_the_list_holds(self, items: list[object], indent: int | str | None) -> None:
        body = json.dumps(items, indent=indent).encode()
        assert as_floats(read_items(body, max_items=8, max_nodes=10**6)) == as_floats(read_json(body))

    @given(st.lists(VALUES, max_size=8))
    def test_may_have_blanks_and_a_mark_of_utf8_around(self, items: list[object]) -> None:
        body = b'\xef\xbb\xbf \r\n' + json.dumps(items, ensure_ascii=True).encode() + b'\n\t '
        assert as_floats(read_items(body, max_items=8)) == as_floats(json.loads(body))

    @pytest.mark.parametrize(
        ('body', 'fragment'),
        [
            (b'', "begins with '['"),
            (b'{}', "begins with '['"),
            (b'\x0b[]', "begins with '['"),
            (b'[', 'a value is missing'),
            (b'[,]', 'a value is missing'),
            (b'[1,]', 'a value is missing'),
            (b'[1,', 'a value is missing'),
            (b'[1', "here comes ',' or ']'"),
            (b'[1 2]', "here comes ',' or ']'"),
            (b'[1}', "here comes ',' or ']'"),
            (b'[1]]', 'nothing may follow'),
            (b'[] x', 'nothing may follow'),
            (b'[{"a"}]', 'delimiter'),
            (b'["a]', 'Unterminated'),
            (b'[NaN]', 'NaN'),
            (b'["\xff"]', 'not UTF-8 at byte 3'),
        ],
    )
    def test_are_refused_together_where_the_list_cannot_be_read(self, body: bytes, fragment: str) -> None:
        with pytest.raises(InvalidText) as caught:
            read_items(body, max_items=8)
        assert fragment in caught.value.message

    def test_are_not_more_than_may_be(self) -> None:
        assert read_items(b'[1, 2]', max_items=2) == [1, 2]
        with pytest.raises(LimitExceeded, match=r'more than 2 events at once .*HAILWHALE_MAX_BATCH'):
            read_items(b'[1, 2, 3', max_items=2)

    def test_have_limits_each_by_itself(self) -> None:
        deep, long = '[' * 17 + ']' * 17, json.dumps(list(range(5_000)))
        body = f'[{deep}, 1, {long}, {deep[1:-1]}, {json.dumps(list(range(4_095)))}]'.encode()
        first, second, third, fourth, fifth = read_items(body, max_items=5)
        assert isinstance(first, LimitExceeded)
        assert 'more than 16 brackets' in first.message
        assert isinstance(third, LimitExceeded)
        assert 'more than 4096 values' in third.message
        assert second == 1
        assert isinstance(fourth, list)
        assert isinstance(fifth, list)

    @pytest.mark.parametrize('body', [b'[' * 100_000, b'[1, ' + b'{"a":' * 100_000, b'[1e999]', b'[%s]' % (b'1' * 700)])
    def test_without_end_are_refused_together(self, body: bytes) -> None:
        with pytest.raises(LimitExceeded):
            read_items(body, max_items=8)

    @given(st.binary())
    def test_are_read_or_refused_whatever_the_body(self, body: bytes) -> None:
        for bytes_ in (body, b'[' + body + b']'):
            answer_of(lambda text: read_items(text, max_items=5), bytes_)


class TestLines:
    @given(st.lists(VALUES, max_size=8), st.sampled_from([b'\n', b'\r\n', b'\n\n', b' \n\t\n']))
    def test_are_the_values_that_they_hold(self, values: list[object], between: bytes) -> None:
        body = between.join(json.dumps(value).encode() for value in values)
        assert as_floats(read_lines(body, max_items=8)) == as_floats(json.loads(json.dumps(values)))

    def test_that_cannot_be_read_leave_the_others_as_they_are(self) -> None:
        body = '1\n[\n"a\u2028b\x85"\n\nNaN\n"é"'.encode() + b'\n"\xff"\n' + b'[' * 20 + b'\n2'
        one, bracket, text, constant, accent, broken, deep, two = read_lines(body, max_items=8)
        assert (one, text, accent, two) == (1, 'a\u2028b\x85', 'é', 2)
        assert isinstance(bracket, InvalidText)
        assert isinstance(constant, InvalidText)
        assert isinstance(broken, InvalidText)
        assert isinstance(deep, InvalidInput)

    def test_are_not_more_than_may_be(self) -> None:
        assert read_lines(b'1\n\n2\n\n', max_items=2) == [1, 2]
        with pytest.raises(LimitExceeded, match='more than 2 events at once'):
            read_lines(b'1\n2\n3', max_items=2)

    @given(st.binary())
    def test_are_read_or_refused_whatever_the_body(self, body: bytes) -> None:
        answer_of(lambda text: read_lines(text, max_items=5), body)
