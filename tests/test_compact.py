"""A pixel's template in few bytes: it comes back as it was, and the format does not change."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hailwhale.compact import BEGINNING, WORDS, OtherVersion, Template, leaves, pack, unpack
from hailwhale.paths import dimension_nodes

MILLION = 10**6
PLAIN = Template(('mail', '42'), (), {'opened': MILLION}, {}, (), None, 0, b'', ())

names = (
    st.text(max_size=12)
    | st.sampled_from(WORDS)
    | st.integers(0, 10**25).map(str)
    | st.uuids().map(str)
    | st.text('0123456789abcdef', max_size=40)
    | st.text('abcxyz019-_. ', max_size=40)
).filter(lambda name: not any('\ud800' <= character <= '\udfff' for character in name))
amounts = st.integers(-(10**21) + 1, 10**21 - 1) | st.integers(-1_000, 1_000).map(lambda whole: whole * MILLION)
below = st.recursive(st.none() | names, lambda deeper: st.dictionaries(names, deeper, max_size=3), max_leaves=8)
nodes = st.dictionaries(names, below, max_size=4).map(lambda tree: dimension_nodes(tree, max_name_bytes=200)[1:])
origins = st.sampled_from(['https://example.org', 'http://localhost:8080', 'https://[::1]:8443', 'https://a.b'])
templates = st.builds(
    Template,
    st.lists(names, min_size=1, max_size=6).map(tuple),
    nodes,
    st.dictionaries(names, amounts | st.just(MILLION), max_size=4),
    st.dictionaries(names, st.tuples(amounts, amounts), max_size=3),
    st.lists(names, max_size=3).map(tuple),
    st.none() | st.integers(BEGINNING, BEGINNING + 10**10),
    st.just(0),
    st.just(b''),
    st.lists(origins, max_size=3).map(tuple),
)


@given(templates)
def test_a_template_comes_back_as_it_was(template: Template) -> None:
    assert unpack(pack(template)) == template


@given(st.integers(1, 10**9), st.binary(min_size=8, max_size=8))
def test_the_uses_and_the_id_by_which_they_are_counted_come_back(uses: int, id: bytes) -> None:
    template = PLAIN._replace(expires=BEGINNING, uses=uses, id=id)
    assert unpack(pack(template)) == template


@given(st.binary(max_size=60))
@example(b'\x00\xfd\xff\xff\xff\xff\xff\xff\x7f')
@example(b'\x00\xf8' + b'\xff' * 3_000 + b'\x01')
@example(b'\x60\x00')
def test_bytes_that_nobody_packed_are_a_template_or_a_value_error(packed: bytes) -> None:
    try:
        template = unpack(packed)
    except ValueError:
        return
    assert template.pk


@given(templates, st.data())
def test_a_template_that_is_cut_off_or_goes_on_is_refused(template: Template, data: st.DataObject) -> None:
    packed = pack(template)
    with pytest.raises(ValueError, match=r'cut off|more than'):
        unpack(packed[: data.draw(st.integers(0, len(packed) - 1))])
    with pytest.raises(ValueError, match='more than'):
        unpack(packed + b'\0')


def test_a_template_for_no_use_is_none() -> None:
    # A pk of one word, and a number of uses that is 0, with an id to count them by.
    with pytest.raises(ValueError, match='no use'):
        unpack(b'\x08\x01\x00' + b'12345678')


def test_a_version_that_comes_later_is_told_from_damage() -> None:
    packed = pack(PLAIN)
    with pytest.raises(OtherVersion):
        unpack(bytes([packed[0] | 0x80]) + packed[1:])


@pytest.mark.parametrize(
    ('name', 'size'),
    [
        ('hits', 1),  # among the first 64 words
        ('score', 1),
        ('visit', 2),
        ('42', 2),
        ('2047', 2),
        ('0', 1),
        ('007', 3),  # hexadecimal: as a number it would lose its zeros
        ('999999999999999999', 9),
        ('1234567890123456789', 12),
        ('8f14e45f-ceea-467f-a9d7-5b2c9a1f0a11', 17),
        ('8f14e45fceea467fa9d75b2c9a1f0a11', 18),
        ('spring-sale-2026', 13),
        ('', 1),
        ('Spring', 7),
        ('naïve', 7),
    ],
)
def test_a_name_takes_few_bytes(name: str, size: int) -> None:
    template = PLAIN._replace(pk=(name,), amounts={})
    assert unpack(pack(template)).pk == (name,)
    assert len(pack(template)) == 1 + size


@pytest.mark.parametrize(
    ('micros', 'size'), [(2 * MILLION, 1), (9 * MILLION, 1), (-9 * MILLION, 1), (5_250_000, 2), (1, 1), (0, 1)]
)
def test_an_amount_takes_few_bytes(micros: int, size: int) -> None:
    assert len(pack(PLAIN._replace(amounts={'value': micros}))) == len(pack(PLAIN._replace(amounts={}))) + 2 + size


def test_dimensions_that_share_a_beginning_spell_it_once() -> None:
    nodes = dimension_nodes({'geo': {'a-long-country': {'one': None, 'two': None}}})[1:]
    assert leaves(nodes) == [('geo', 'a-long-country', 'one'), ('geo', 'a-long-country', 'two')]
    packed = pack(PLAIN._replace(nodes=nodes))
    assert unpack(packed).nodes == nodes
    # One byte for what is shared, one for the length of the name, and two for its three letters.
    assert len(packed) - len(pack(PLAIN._replace(nodes=nodes[:-1]))) == 4
    deep = tuple(('a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j')[:end] for end in range(1, 11))
    for end in range(7, 11):
        assert unpack(pack(PLAIN._replace(nodes=deep[:end]))).nodes == deep[:end]


def test_words_are_only_ever_added_at_the_end() -> None:
    assert len(set(WORDS)) == len(WORDS)
    assert (WORDS[0], WORDS[63], WORDS[64], WORDS[217]) == ('hits', 'score', 'visit', 'it')


def test_the_format_is_for_good() -> None:
    template = Template(
        ('mail', 'a1', 'Spring', 'x y'),
        dimension_nodes({'geo': {'UK': 'London'}, 'device': 'mobile'})[1:],
        {'opened': MILLION, 'value': -5_250_000},
        {'revenue': (0, 500 * MILLION)},
        ('campaign',),
        BEGINNING + 1_000_000,
        3,
        b'12345678',
        ('https://example.org', 'http://localhost:8080'),
    )
    packed = bytes.fromhex(
        '7f040912a136537072696e671cf095c0843d0331323334353637380202e1028f03364c6f6e646f6e013b5b04030e2bbb'
        '3907012700d836010f025c2e3681ed7170aa00ae01687474703a2f2f6c6f63616c686f73743a38303830'
    )
    assert pack(template) == packed
    assert unpack(packed) == template
