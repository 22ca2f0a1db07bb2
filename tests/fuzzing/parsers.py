"""What must hold of every parser that a request reaches, whatever it is given: each target takes bytes, and raises
where it does not.

A parser reads, or raises one of our errors; what was read can be written, and read again as the same; where a second
reader of the same language is at hand, the two agree.
"""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from decimal import Decimal
from http.client import HTTPException, parse_headers
from io import BytesIO
from typing import Any

from hailwhale import compact, paths, waiting
from hailwhale.access.keys import id_of
from hailwhale.access.local import check_host, check_page
from hailwhale.access.patterns import Pattern
from hailwhale.compact import pack, unpack
from hailwhale.counter import read_event
from hailwhale.errors import Forbidden, HailWhaleError, InvalidInput, LimitExceeded, TokenRefused
from hailwhale.formulas import Formula
from hailwhale.intervals import Interval, Span
from hailwhale.kept import Kept
from hailwhale.lenient import read_items, read_json, read_lines, read_value
from hailwhale.metrics import number, parse_amount, parse_metrics, split
from hailwhale.periods import Period, Retention
from hailwhale.pixels import Pixel, opened, page_origin, seal
from hailwhale.servers import hail_server, whale_server
from hailwhale.servers.batches import ONE, Events
from hailwhale.servers.bodies import body_of
from hailwhale.servers.framing import fault_of
from hailwhale.servers.heads import MAX_HEAD, plain
from hailwhale.servers.params import FORM, Parameters, hide_key, refusal, value
from hailwhale.servers.queries import Queries
from hailwhale.servers.web import key_of
from hailwhale.settings import Settings
from hailwhale.storage import shard_of
from hailwhale.times import clock, parse_time, zone
from hailwhale.tokens import Keyring, number_of
from hailwhale.uids import cookie_value, uid_of
from tests.clocks import NOW

Target = Callable[[bytes], None]

SETTINGS = Settings.load({})
RING = Keyring({7: bytes(range(32)), 9: bytes(32)}, 7)
KEPT = Kept(Retention.parse_list('1m:1d 1h:31d 1d:1y'), {})
TOKENS = [
    seal(RING, Pixel(['mail', 42], metrics='opened'), now=NOW),
    seal(RING, Pixel('a', {'geo': 'UK'}, vary={'price': (0, 100)}, free=['size'], expires='30d', uses=3), now=NOW),
    seal(RING, Pixel('a', origins=['https://shop.example'], vary={'hits': ('-1.5', '1e3')}), now=NOW),
]
#: All that any path reads.
_PARAMETERS = [ONE, *(found for found in vars(whale_server).values() if isinstance(found, Parameters))]
_COUNT = Parameters(pk=value, dimensions=value, metrics=value)
_MAX_BODY, _MAX_INFLATED = 4_096, 65_536


@contextmanager
def refusing(*kinds: type[HailWhaleError]) -> Iterator[None]:
    """What cannot be read is refused with one of our errors, which can be told in the one shape; nothing else."""
    try:
        yield
    except HailWhaleError as error:
        if not isinstance(error, kinds or InvalidInput):
            raise
        check_refusal(error)


def check_refusal(error: HailWhaleError) -> None:
    """It can be told: not at length, and as what the client did."""
    told = refusal(error)
    assert len(error.message) < 4_096, len(error.message)
    said = json.loads(json.dumps(told.body))['error']
    assert set(said) == {'code', 'message', 'field'}
    assert said['code']
    assert 400 <= told.status < 500


def text_of(data: bytes) -> str:
    """A text of any kind: with halves of surrogate pairs where the bytes are no UTF-8."""
    return data.decode('utf-8', 'surrogateescape')


def same(one: Any, other: Any) -> bool:
    """Whether two values are equal, and of equal kinds: 1, True and 1.0 are three."""
    if type(one) is not type(other):
        return False
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, dict):
        return list(one) == list(other) and all(map(same, one.values(), other.values()))
    return bool(one == other)


def quoted(value: object) -> str:
    """A value in the spelling that everybody reads: JSON, and keys may be numbers."""
    if isinstance(value, list):
        return '[' + ','.join(map(quoted, value)) + ']'
    if isinstance(value, dict):
        return '{' + ','.join(f'{quoted(key)}:{quoted(item)}' for key, item in value.items()) + '}'
    if not isinstance(value, Decimal):
        # As it is: two halves that stand apart would be one character, were they written as escapes.
        return json.dumps(value, ensure_ascii=False)
    text = f'{value:f}'
    if len(text) > 600:
        raise LimitExceeded('a number that is read only with the exponent that it was written with')
    # Without a point it would be read as an integer.
    return text if '.' in text else f'{text}.'


# -- texts -----------------------------------------------------------------------------------------------------------


def lenient(data: bytes) -> None:
    """A value as people write it; what was read is read again from its JSON."""
    with refusing():
        value = read_value(text_of(data), field='pk')
        # Whole values without quotes are words to their end, blanks and all: a list around them changes nothing.
        with refusing(LimitExceeded):
            assert same(read_value(quoted([value])), [value]), quoted([value])


def strict(data: bytes) -> None:
    """JSON: read as the standard library reads it, or refused."""
    mine: Any = None
    theirs: Any = None
    try:
        mine = [read_json(data, max_bytes=len(data))]
    except LimitExceeded:
        return
    except InvalidInput as error:
        check_refusal(error)
    # RecursionError: so deep is nothing that is read here.
    with suppress(ValueError, RecursionError):
        theirs = [json.loads(data.decode('utf-8-sig'), parse_float=Decimal, parse_constant=_no_constant)]
    assert (mine is None) == (theirs is None), (mine, theirs)
    assert mine is None or same(mine, theirs), (mine, theirs)


def _no_constant(name: str) -> object:
    raise ValueError(name)


def items(data: bytes) -> None:
    """A list in JSON, item by item, as it is read whole."""
    most = 64
    try:
        found = read_items(data, max_items=most)
    except LimitExceeded:
        return
    except InvalidInput:
        # What is no JSON at all, or no list.
        try:
            whole = read_json(data, max_bytes=len(data))
        except InvalidInput:
            return
        assert not isinstance(whole, list), whole
        return
    assert len(found) <= most
    if not any(isinstance(item, InvalidInput) for item in found):
        try:
            assert same(read_json(data, max_bytes=len(data), max_depth=99), found)
        except LimitExceeded:
            return


def lines(data: bytes) -> None:
    """Lines of JSON, each read by itself."""
    with refusing(LimitExceeded):
        found = read_lines(data, max_items=64)
        given = [line for line in data.split(b'\n') if line.strip()]
        assert len(found) == len(given)
        for item, line in zip(found, given, strict=True):
            try:
                value = read_json(line, max_bytes=len(line))
            except InvalidInput as error:
                value = type(error)
                item = type(item)
            assert same(item, value)


# -- what a request says ---------------------------------------------------------------------------------------------


def params(data: bytes) -> None:
    """The parameters of every path: in the address, in a form, in JSON."""
    query, _, body = data.partition(b'\n')
    for parameters in _PARAMETERS:
        with refusing():
            _about(parameters, parameters.read(environ(query), max_body=_MAX_BODY))
        for media in (FORM, 'application/json', ''):
            with refusing():
                _about(parameters, parameters.read(environ(query, body, CONTENT_TYPE=media), max_body=_MAX_BODY))


def _about(parameters: Parameters, given: dict[str, Any]) -> None:
    with refusing():
        parameters.pks(given)


def environ(query: bytes, body: bytes = b'', **more: str) -> dict[str, Any]:
    """The environment of a request with this query; with a body it is a POST."""
    return {
        'REQUEST_METHOD': 'POST' if body or more else 'GET',
        'QUERY_STRING': query.decode('latin-1'),
        'CONTENT_LENGTH': str(len(body)),
        'wsgi.input': BytesIO(body),
        **more,
    }


def queries(data: bytes) -> None:
    """A query that is read at once: the same event as by the long way, which refuses none of those."""
    found = Queries(SETTINGS).read(data, 60, NOW)
    if found is None:
        return
    pk, shard, arrival, key = found
    given = _COUNT.read(environ(data), max_body=0)
    said = (given.get(name) for name in ('pk', 'dimensions', 'metrics', 'at', 'id'))
    read = read_event(*said, now=NOW, limits=SETTINGS.limits)
    assert arrival.text == waiting.written(read, 60)
    assert (pk, shard) == (read.subject.pk, shard_of(pk))
    assert key == key_of({'QUERY_STRING': data.decode('latin-1')})


def bodies(data: bytes) -> None:
    """A body that claims to be gzip: inflated as the standard library does, within the limit, or refused."""
    plain_body = body_of(environ(b'', data), max_body=len(data), max_inflated=0)
    assert plain_body == data
    packed = gzip.compress(data, 1, mtime=0)
    inflated = body_of(environ(b'', packed, HTTP_CONTENT_ENCODING='gzip'), max_body=len(packed), max_inflated=len(data))
    assert inflated == data
    with refusing():
        read = body_of(environ(b'', data, HTTP_CONTENT_ENCODING='gzip'), max_body=len(data), max_inflated=_MAX_INFLATED)
        assert len(read) <= _MAX_INFLATED
        assert not data or read == zlib.decompress(data, 31)


def batches(data: bytes) -> None:
    """Events in a body, each of which is an event, or an error in its place."""
    events = Events(SETTINGS)
    for media in ('application/json', 'application/x-ndjson', FORM):
        with refusing():
            given = events.read(environ(b'', data, CONTENT_TYPE=media), max_body=_MAX_BODY)
            for event in given['batch'].events if 'batch' in given else [given]:
                if not isinstance(event, InvalidInput):
                    with refusing():
                        _read(event)


def _read(event: Any) -> None:
    if not isinstance(event, dict):
        return
    fields = ('pk', 'dimensions', 'metrics', 'at', 'id')
    read = read_event(*(event.get(name) for name in fields), now=NOW)
    waits = waiting.written(read, 60)
    again = waiting.read(waits)
    assert again == read._replace(at=read.at // 60 * 60), waits
    # What was taken can be drained, or is refused for when it was.
    with refusing():
        KEPT.slots(read.at, NOW)
        waiting.Adder(KEPT).sum(shard_of(read.subject.pk), [waits], NOW)


def event(data: bytes) -> None:
    """An event of three values as people write them; written, and read again, and added up."""
    parts = [*text_of(data).split('\n', 4), '', '', '', '', ''][:5]
    with refusing():
        values = [read_value(part) if part else None for part in parts[:4]]
        _read(dict(zip(('pk', 'dimensions', 'metrics', 'at'), values, strict=True)) | {'id': parts[4] or None})


def waits(data: bytes) -> None:
    """A text in the list of waiting events: read and written the same, or refused by all who read it."""
    mine = None
    with refusing():
        mine = waiting.read(data)
    waiting.ids_in([data])
    adder = waiting.Adder(KEPT)
    if mine is None:
        return
    # The moment stands there as it was floored; to the second it is kept.
    assert waiting.written(mine, 1) == data, waiting.written(mine, 1)
    with refusing():
        adder.check(shard_of(mine.subject.pk), data, NOW)
        assert adder.sum(shard_of(mine.subject.pk), [data, data], NOW).commit.events in (1, 2)


def sums(data: bytes) -> None:
    """Texts that are added up: the sum is refused just where one of them would be."""
    texts = data.split(b'\n')
    shards = [shard_of(read.subject.pk) for read in map(_waiting, texts) if read]
    shard = shards[0] if shards else 0
    bad, ids = False, set[bytes]()
    for text in texts:
        _, _, id = text.partition(b'\t')[2].rpartition(b'\t') if text.count(b'\t') == 4 else (b'', b'', b'')
        try:
            waiting.Adder(KEPT).check(shard, text, NOW)
        except InvalidInput:
            # Of an event that comes again only the id is looked at.
            bad = bad or id not in ids
        ids |= {id} if id else set()
    try:
        waiting.Adder(KEPT).sum(shard, texts, NOW)
    except (InvalidInput, waiting.TooWide):
        return
    assert not bad


def _waiting(text: bytes) -> Any:
    try:
        return waiting.read(text)
    except InvalidInput:
        return None


def names(data: bytes) -> None:
    """Paths: their three spellings lead to each other."""
    text = text_of(data)
    for read, write in ((paths.decode, paths.encode), (paths.parse_path_name, paths.path_name)):
        with refusing():
            path = read(text)
            assert read(write(path)) == path
            # Keys have one spelling for each path, and no other is read.
            assert read is not paths.decode or write(path) == text
    with refusing():
        value = read_value(text)
        for reader in (paths.dimension_nodes, paths.question_nodes):
            with refusing():
                for node in reader(value):
                    assert paths.decode(paths.encode(node)) == node
                    assert paths.parse_path_name(paths.path_name(node)) == node
        pk = paths.pk_path(value)
        assert pk
        assert paths.pk_path(list(pk)) == pk == paths.decode(paths.encode(pk))


def times(data: bytes) -> None:
    """Moments, zones, intervals and periods: what is read has buckets that can be listed."""
    text = text_of(data)
    spelled, _, where = text.partition('\n')
    with refusing():
        at = parse_time(spelled, NOW)
        assert parse_time(at, NOW) == at == parse_time(str(at), NOW)
    name = 'UTC'
    with refusing():
        name = zone(where)
        assert zone(name) == name
        clock(name).local(NOW)
    with refusing():
        interval = Interval.parse(spelled, name)
        assert interval.floor(NOW) <= NOW < interval.next(interval.floor(NOW))
    with refusing():
        period = Period.parse(spelled, name)
        assert Period.parse(str(period), name) == period
        buckets = period.buckets(NOW)
        assert buckets == sorted(set(buckets))
    with refusing():
        retention = Retention.parse(spelled, name)
        assert retention.expires(retention.interval.floor(NOW)) > NOW


def formulas(data: bytes) -> None:
    """Formulas: what is read can be asked of any columns."""
    spans = [Span(0, 86_400, 31), Span(86_400, 172_800, 31)]
    with refusing():
        formula = Formula.parse(text_of(data))
        columns = {name: [1_000_000, 0] for name in formula.metrics}
        assert len(formula.points(columns, spans)) == 2
        assert formula.total(columns, spans) == formula.total(columns, spans)
        formula.sides(columns, spans)
        assert Formula.parse(formula.text) == formula
        # So that it can be counted, each name is one that metrics may have.
        for metric in formula.metrics:
            parse_metrics(metric)


def amounts(data: bytes) -> None:
    """Amounts and metrics: exact, and the same again."""
    text = text_of(data)
    with refusing():
        micros = parse_amount(text)
        assert abs(micros) < 10**21
        assert parse_amount(Decimal(micros).scaleb(-6)) == micros
        whole, rest = split(micros)
        assert whole * 10**6 + rest == micros
        number(micros)
    with refusing():
        for name, micros in parse_metrics(read_value(text)).items():
            found = waiting.read_amounts(waiting.amounts_part({name: micros}))
            assert found == {name: micros}


# -- who asks --------------------------------------------------------------------------------------------------------


def tokens(data: bytes) -> None:
    """Tokens and signed texts: nothing opens but what was sealed or signed, in its one spelling."""
    text = data.decode('latin-1')
    number_of(text)
    with refusing(TokenRefused):
        assert RING.seal(RING.open(text, b'pixel'), b'pixel') == text
    with refusing(TokenRefused):
        signed = RING.unsign(text, b'uid')
        assert RING.sign(signed, b'uid') == text
    uid = uid_of(RING, text)
    assert uid is None or cookie_value(RING, uid) == text
    if data:
        assert RING.open(RING.seal(data, b'pixel'), b'pixel') == data
    hail_server._cookie_of(text)


def templates(data: bytes) -> None:
    """What a sealed token may hold: read, and packed and read again as the same; or a ValueError, which is caught."""
    try:
        template = unpack(data)
    except ValueError:
        # OtherVersion is one.
        return
    if template.expires is not None and template.expires < compact.BEGINNING:
        raise AssertionError(template)
    again = unpack(pack(template))
    # Bytes that we have not packed may name a node before others that lie above it.
    assert set(again.nodes) == set(template.nodes)
    assert again._replace(nodes=()) == template._replace(nodes=())


def pixels(data: bytes) -> None:
    """What an address adds to a sealed event: within its bounds, or refused."""
    given: dict[str, object] = {}
    for part in text_of(data).split('&'):
        name, _, value = part.partition('=')
        given.setdefault(name, value)
    origin = page_origin(text_of(data))
    assert origin is None or page_origin(origin) == origin
    for token in TOKENS:
        with refusing(TokenRefused):
            found = opened(RING, token, given, origin=origin or 'https://shop.example', now=NOW)
            # Nothing that is left open makes an event that could not be counted.
            read_event(found.pk, found.dimensions, found.metrics, None, None, now=NOW)
            assert 0 <= found.metrics.get('price', 0) <= 100


def callers(data: bytes) -> None:
    """The headers that say who asks."""
    text = data.decode('latin-1')
    first, _, rest = text.partition('\n')
    with refusing(LimitExceeded):
        key = key_of({'HTTP_AUTHORIZATION': first, 'QUERY_STRING': rest})
        assert key is None or id_of(key) is None or key.startswith('hw_')
    assert len(hide_key(text)) <= len(text) + 3 * text.count('key=')
    with refusing(Forbidden):
        check_host(first, rest)
    with refusing(Forbidden):
        check_page(page_origin(first, rest), cross_site=False, host=rest, trusted=())
    with refusing():
        pattern = Pattern.parse(text_of(data))
        assert Pattern.parse(str(pattern)) == pattern
        assert pattern.matches(pattern.path)


def heads(data: bytes) -> None:
    """Heads that are plain: every other reader reads the same in them, and no body."""
    head = plain(b' HTTP/1.1' + data)
    if head is None:
        return
    assert len(data) <= MAX_HEAD
    assert data.isascii()
    read = parse_headers(BytesIO(data.removeprefix(b'\r\n') + b'\r\n\r\n'))
    assert not fault_of(read)
    assert len(read.items()) == data.count(b'\n') == data.count(b'\r')
    assert [read.get(name, '').strip() for name in ('Host', 'Origin', 'Referer', 'Authorization')] == list(head[2:6])
    assert 'Content-Length' not in read
    assert 'Transfer-Encoding' not in read


def frames(data: bytes) -> None:
    """Heads of any kind: at most one length, in digits, where they are read on."""
    try:
        read = parse_headers(BytesIO(data + b'\r\n\r\n'))
    except HTTPException:
        return
    if not fault_of(read):
        lengths, codings = read.get_all('Content-Length', []), read.get_all('Transfer-Encoding', [])
        assert len(lengths) + len(codings) <= 1
        assert all(int(length) >= 0 for length in lengths)


TARGETS: dict[str, Target] = {
    target.__name__: target
    for target in (
        lenient,
        strict,
        items,
        lines,
        params,
        queries,
        bodies,
        batches,
        event,
        waits,
        sums,
        names,
        times,
        formulas,
        amounts,
        tokens,
        templates,
        pixels,
        callers,
        heads,
        frames,
    )
}
