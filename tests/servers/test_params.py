"""What requests say, read and limited; what errors answer."""

from __future__ import annotations

import gzip
import io
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hailwhale import errors
from hailwhale.errors import (
    BacklogFull,
    Forbidden,
    HailWhaleError,
    InvalidInput,
    InvalidText,
    LimitExceeded,
    MissingLibrary,
    StorageConflict,
    StorageError,
    StorageRefused,
    StorageUnavailable,
    TokenRefused,
    TooManyRequests,
    Unanswerable,
    Unauthorized,
)
from hailwhale.paths import Path
from hailwhale.servers import params
from hailwhale.servers.bodies import UnknownCoding
from hailwhale.servers.params import (
    ForeignOrigin,
    NotFound,
    Parameters,
    UnknownBody,
    WrongMethod,
    flag,
    one_of,
    raw,
    refusal,
    share,
    under,
    value,
    whole,
    word,
)
from tests.servers.client import environ

ALL = Parameters(
    pk=value,
    dimensions=value,
    metric=word,
    period=value,
    id=raw,
    depth=whole,
    important=share,
    descending=flag,
    points=one_of('ms', 'dict'),
)
FORM = 'application/x-www-form-urlencoded'


def ask(query: str) -> dict[str, Any]:
    return ALL.read(environ('GET', f'/?{query}'), max_body=0)


def send(body: bytes, media: str = 'application/json', query: str = '', **more: Any) -> dict[str, Any]:
    return ALL.read(environ('POST', f'/?{query}', body, CONTENT_TYPE=media, **more), max_body=1_000)


# -- the address line ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ('query', 'expected'),
    [
        ('', {}),
        ('&&', {}),
        ("pk=O'Brien", {'pk': "O'Brien"}),
        ("pk=['Product', 42]", {'pk': ['Product', 42]}),
        ('pk=a+b%20c', {'pk': 'a b c'}),
        ('pk=a%2Bb%26c', {'pk': 'a+b&c'}),
        ('pk=größe', {'pk': 'größe'}),
        ('pk=a=b', {'pk': 'a=b'}),
        (
            'dimensions={geo: {UK: London}, "device": \'mobile\'}',
            {'dimensions': {'geo': {'UK': 'London'}, 'device': 'mobile'}},
        ),
        ('dimension={price: .50}', {'dimensions': {'price': Decimal('0.50')}}),
        ('metrics=revenue/hits', {'metric': 'revenue/hits'}),
        ('metric="hours"/hits', {'metric': '"hours"/hits'}),
        ("metric=['hits']", {'metric': 'hits'}),
        ('metric="hits"', {'metric': 'hits'}),
        ('metric=true', {'metric': 'true'}),
        ('periods=1h:24h', {'period': '1h:24h'}),
        ('period=3600', {'period': '3600'}),
        ('id="7"', {'id': '"7"'}),
        ('depth=2', {'depth': 2}),
        ('depth= -1', {'depth': -1}),
        ('important=.25', {'important': 0.25}),
        ('descending=yes', {'descending': True}),
        ('descending', {'descending': True}),
        ('descending=False', {'descending': False}),
        ('points=dict', {'points': 'dict'}),
    ],
)
def test_an_address_line_is_read_as_the_documents_write_it(query: str, expected: dict[str, Any]) -> None:
    assert ask(query) == expected


@pytest.mark.parametrize('number', ['42', '1e5', '+5', '.50', '007', '1e999999'])
def test_a_name_that_looks_like_a_number_stays_as_it_was_written(number: str) -> None:
    assert ask('pk=' + number.replace('+', '%2B')) == {'pk': number}


def test_an_empty_value_is_as_if_it_were_not_given() -> None:
    assert ask('pk=&dimensions=&depth=&points=&id=') == {}


def test_what_browsers_libraries_add_is_not_looked_at() -> None:
    assert ask('_=1795372900&callback=jsonp123&pk=a') == {'pk': 'a'}


@given(st.text(st.characters(exclude_categories=['Cs']), min_size=1))
def test_any_text_in_quotes_arrives_as_it_is(text: str) -> None:
    import json
    from urllib.parse import quote

    assert ask('pk=' + quote(json.dumps(text), safe='')) == {'pk': text}


@pytest.mark.parametrize(
    ('query', 'error', 'fragment', 'field'),
    [
        ('metrc=hits', InvalidInput, "no such parameter: 'metrc' (there are pk, dimensions, metric, ", 'metrc'),
        ('=1', InvalidInput, "no such parameter: ''", ''),
        (f'{"x" * 300}=1', InvalidInput, "no such parameter: 'xxx", 'x' * 80),
        ('pk=a&pk=b', InvalidInput, 'pk is given twice', 'pk'),
        ('dimension=a&dimensions=b', InvalidInput, 'dimensions is given twice', 'dimensions'),
        ('pk=[a', InvalidText, 'cannot read', 'pk'),
        ('pk=%FF', InvalidText, "'pk' is not UTF-8", 'pk'),
        ('%FF=a', InvalidText, "'a name' is not UTF-8", 'a name'),
        ('pk=' + '[' * 20, LimitExceeded, 'brackets', 'pk'),
        ('pk=' + 'a' * 70_000, LimitExceeded, 'bytes', 'pk'),
        ('&'.join(f'p{i}=1' for i in range(65)), LimitExceeded, 'more than 64 parameters: 65', None),
        ('metric=[a, b]', InvalidInput, "not one text: ['a', 'b']", 'metric'),
        ('metric=[1]', InvalidInput, 'not one text: 1', 'metric'),
        ('depth=two', InvalidInput, "not a whole number: 'two'", 'depth'),
        ('depth=1.5', InvalidInput, "not a whole number: '1.5'", 'depth'),
        ('depth=' + '9' * 5_000, InvalidInput, 'not a whole number', 'depth'),
        ('important=2', InvalidInput, "not a share: '2'", 'important'),
        ('important=-0.1', InvalidInput, "not a share: '-0.1'", 'important'),
        ('important=much', InvalidInput, "not a share: 'much'", 'important'),
        ('important=true', InvalidInput, "not a share: 'true'", 'important'),
        ('important=NaN', InvalidInput, "not a share: 'NaN'", 'important'),
        ('descending=maybe', InvalidInput, "neither yes nor no: 'maybe'", 'descending'),
        ('points=csv', InvalidInput, "not one of ms, dict: 'csv'", 'points'),
    ],
)
def test_what_cannot_be_read_is_refused_by_name(
    query: str, error: type[HailWhaleError], fragment: str, field: str | None
) -> None:
    with pytest.raises(error) as caught:
        ask(query)
    assert fragment in caught.value.message
    assert caught.value.field == field
    assert len(caught.value.message) < 300


def test_a_path_without_parameters_says_that_it_takes_none() -> None:
    with pytest.raises(InvalidInput, match=r"no such parameter: 'a' \(this path takes none\)"):
        Parameters().read(environ('GET', '/?a=1'), max_body=0)


# -- bodies ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ('body', 'expected'),
    [
        (b'', {}),
        (b'{}', {}),
        (b'{"pk": ["Product", 42], "metrics": "hits"}', {'pk': ['Product', 42], 'metric': 'hits'}),
        (b'{"pk": "[a"}', {'pk': '[a'}),
        (b'{"pk": ""}', {'pk': ''}),
        (b'{"pk": null, "depth": null}', {}),
        (b'{"dimensions": {"price": 0.50}}', {'dimensions': {'price': Decimal('0.50')}}),
        (b'{"depth": 2, "descending": true, "important": 0.5, "points": "ms", "id": "7"}',
         {'depth': 2, 'descending': True, 'important': 0.5, 'points': 'ms', 'id': '7'}),
    ],
)  # fmt: skip
def test_a_json_body_is_taken_as_it_stands(body: bytes, expected: dict[str, Any]) -> None:
    assert send(body) == expected


@pytest.mark.parametrize(
    'media',
    ['application/json', 'Application/JSON; charset=utf-8', 'application/ld+json', 'text/plain;charset=UTF-8', ''],
)
def test_json_is_read_under_each_of_its_names(media: str) -> None:
    assert send(b'{"pk": "a"}', media) == {'pk': 'a'}


@pytest.mark.parametrize('media', ['application/json', FORM])
def test_a_packed_body_is_read_like_another(media: str) -> None:
    body = b'{"pk": "a"}' if media != FORM else b'pk=a'
    assert send(gzip.compress(body), media, HTTP_CONTENT_ENCODING='gzip') == {'pk': 'a'}
    with pytest.raises(LimitExceeded, match='inflates to more than 1000 bytes'):
        send(gzip.compress(body.ljust(1_001)), media, HTTP_CONTENT_ENCODING='gzip')


def test_a_packed_body_may_have_more_bytes_than_are_sent() -> None:
    body = b'{"pk": "%s"}' % (b'a' * 2_000)
    packed = environ('POST', '/', gzip.compress(body), HTTP_CONTENT_ENCODING='gzip')
    assert ALL.read(packed, max_body=1_000, max_inflated=3_000) == {'pk': 'a' * 2_000}


def test_a_key_is_no_parameter_of_any_path() -> None:
    assert ask('key=hw_a_b&pk=a') == {'pk': 'a'}


@pytest.mark.parametrize(
    ('given', 'pks'),
    [({'pk': 'a'}, [('a',)]), ({'pk': ['a', 1]}, [('a', '1')]), ({}, [('_',)])],
)
def test_a_request_is_about_the_pk_that_it_names(given: dict[str, Any], pks: list[Path]) -> None:
    assert Parameters(pk=value).pks(given) == pks


def test_a_request_may_be_about_all_pks() -> None:
    assert Parameters(pk=value).about_all().pks({}) == [()]
    assert Parameters(depth=whole).pks({}) == []


@pytest.mark.parametrize(
    ('given', 'path'), [('[]', ()), ('', ()), ('a', ('a',)), ('0', ('0',)), ('[a, 1]', ('a', '1'))]
)
def test_others_lie_below_a_pk_or_below_none(given: str, path: Path) -> None:
    assert under(given, 'under', True) == path


def test_a_pk_that_others_lie_below_may_be_a_number() -> None:
    some: list[object] = [0, 7, None, []]
    assert [under(given, 'under', False) for given in some] == [('0',), ('7',), (), ()]


def test_a_pk_that_nothing_can_lie_below_is_refused_under_its_own_name() -> None:
    with pytest.raises(errors.InvalidPath) as caught:
        under(['\ud800'], 'below', False)
    assert caught.value.field == 'below'


def test_a_form_is_read_like_an_address_line() -> None:
    assert send(b"pk=['a','b']&dimensions={c:+d}&depth=1", FORM) == {
        'pk': ['a', 'b'],
        'dimensions': {'c': 'd'},
        'depth': 1,
    }


def test_a_post_may_say_some_things_in_its_address() -> None:
    assert send(b'{"depth": 1}', query='pk=a') == {'pk': 'a', 'depth': 1}
    with pytest.raises(InvalidInput, match='pk is given twice'):
        send(b'{"pk": "a"}', query='pk=a')


def test_the_body_of_a_get_is_not_looked_at() -> None:
    assert ALL.read(environ('GET', '/', b'{"pk": "a"}'), max_body=1_000) == {}


def test_a_body_in_chunks_is_read_to_its_end() -> None:
    more: dict[str, Any] = {'CONTENT_LENGTH': '', 'wsgi.input_terminated': True}
    assert send(b'{"pk": "a"}', **more) == {'pk': 'a'}
    with pytest.raises(LimitExceeded, match='more than 1000 bytes'):
        send(b'{"pk": "%s"}' % (b'a' * 1_000), **more)


def test_a_body_may_have_exactly_as_many_bytes_as_are_allowed() -> None:
    assert send(b'{"pk": "%s"}' % (b'a' * 990)) == {'pk': 'a' * 990}


class Broken(io.BytesIO):
    """A connection that breaks."""

    def read(self, _: int | None = -1) -> bytes:
        raise ConnectionResetError


@pytest.mark.parametrize(
    ('body', 'media', 'more', 'error', 'fragment'),
    [
        (b'{"pk": "%s"}' % (b'a' * 991), '', {}, LimitExceeded, 'the body has more than 1000 bytes'),
        (b'', '', {'CONTENT_LENGTH': '9' * 30}, LimitExceeded, 'the body has more than 1000 bytes'),
        (b'', '', {'CONTENT_LENGTH': '-5'}, InvalidText, "not a Content-Length: '-5'"),
        (b'', '', {'CONTENT_LENGTH': '²'}, InvalidText, 'not a Content-Length'),
        (b'{}', '', {'CONTENT_LENGTH': '3'}, InvalidText, 'the body ended after 2 of 3 bytes'),
        (b'{}', '', {'wsgi.input': Broken()}, InvalidText, 'the body did not arrive whole'),
        (b'{"pk"', '', {}, InvalidText, 'not JSON'),
        (b"{'pk': 'a'}", '', {}, InvalidText, 'not JSON'),
        (b'{"pk": NaN}', '', {}, InvalidText, 'NaN'),
        (b'{"pk": "\xff"}', '', {}, InvalidText, 'not UTF-8'),
        (b'[]', '', {}, InvalidText, 'not a JSON object of parameters: []'),
        (b'{"pk": ' + b'[' * 17 + b']' * 17 + b'}', '', {}, LimitExceeded, 'brackets'),
        (b'{"pk": 1e999}', '', {}, LimitExceeded, 'out of range'),
        (b'{"depth": true}', '', {}, InvalidInput, 'not a whole number: True'),
        (b'{"depth": "2"}', '', {}, InvalidInput, "not a whole number: '2'"),
        (b'{"depth": 1.0}', '', {}, InvalidInput, 'not a whole number'),
        (b'{"important": "0.1"}', '', {}, InvalidInput, "not a share: '0.1'"),
        (b'{"descending": 1}', '', {}, InvalidInput, 'neither yes nor no: 1'),
        (b'{"metric": {}}', '', {}, InvalidInput, 'not one text: {}'),
        (b'{"id": 7}', '', {}, InvalidInput, 'not a text: 7'),
        (b'{"nope": 1}', '', {}, InvalidInput, "no such parameter: 'nope'"),
        (b' {"pk": "a"}', FORM, {}, UnknownBody, 'send JSON with Content-Type: application/json'),
        (b'pk=a', 'multipart/form-data; boundary=x', {}, UnknownBody, "'multipart/form-data' (send application/json)"),
        (b'pk=%FF', FORM, {}, InvalidText, "'pk' is not UTF-8"),
    ],
)
def test_a_body_that_cannot_be_read_is_refused(
    body: bytes, media: str, more: dict[str, Any], error: type[HailWhaleError], fragment: str
) -> None:
    with pytest.raises(error) as caught:
        send(body, media, **more)
    assert fragment in caught.value.message


# -- what errors answer ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ('error', 'status', 'headers'),
    [
        (InvalidInput('no'), 400, {}),
        (InvalidText('no'), 400, {}),
        (LimitExceeded('no'), 413, {}),
        (Unanswerable('no'), 422, {}),
        (NotFound('no'), 404, {}),
        (UnknownBody('no'), 415, {}),
        (ForeignOrigin('no'), 403, {}),
        (UnknownCoding('no'), 415, {'Accept-Encoding': 'gzip'}),
        (MissingLibrary('no'), 501, {}),
        (Unauthorized('no'), 401, {'WWW-Authenticate': 'Bearer realm="HailWhale"'}),
        (Forbidden('no'), 403, {}),
        (TooManyRequests('no', retry_after=7), 429, {'Retry-After': '7'}),
        (TokenRefused('expired'), 403, {}),
        (BacklogFull('no'), 503, {'Retry-After': '2'}),
        (WrongMethod('PUT', ('GET', 'OPTIONS')), 405, {'Allow': 'GET, OPTIONS'}),
        (StorageUnavailable('no'), 503, {'Retry-After': '2'}),
        (StorageConflict('no'), 503, {'Retry-After': '2'}),
        (StorageRefused('no'), 503, {}),
        (StorageError('no'), 503, {}),
        (HailWhaleError('no'), 500, {}),
    ],
)
def test_each_kind_of_error_has_its_status(error: HailWhaleError, status: int, headers: dict[str, str]) -> None:
    answer = refusal(error)
    assert (answer.status, answer.headers) == (status, headers)
    assert answer.body == {'error': {'code': error.code, 'message': error.message, 'field': error.field}}


def test_an_error_names_the_parameter_at_fault() -> None:
    assert refusal(InvalidInput('no', field='pk')).body['error']['field'] == 'pk'


def test_why_a_token_was_refused_is_not_told() -> None:
    assert {str(refusal(TokenRefused(reason)).body) for reason in ('forged', 'expired', 'used_up')} == {
        str(refusal(TokenRefused('bounds')).body)
    }


def test_what_was_not_expected_is_not_told_to_the_client() -> None:
    answer = refusal(KeyError('the password'))
    assert answer.status == 500
    assert answer.body['error']['code'] == 'internal'
    assert 'password' not in str(answer.body)


def test_codes_of_requests_are_none_of_the_librarys() -> None:
    ours = {kind.code for kind in vars(params).values() if isinstance(kind, type) and kind.__module__ == params.__name__
            and issubclass(kind, HailWhaleError)}  # fmt: skip
    theirs = {
        kind.code for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, HailWhaleError)
    }
    assert ours == {'not_found', 'method_not_allowed', 'unsupported_media_type', 'foreign_origin', 'unknown_format'}
    assert not ours & theirs
