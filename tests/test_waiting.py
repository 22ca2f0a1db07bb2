"""The text of a waiting event, and the sum of many texts: held against reading and counting one by one."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hailwhale import waiting
from hailwhale.counter import MAX_COUNTERS, Read, read_event
from hailwhale.errors import InvalidInput, InvalidTime
from hailwhale.kept import Kept
from hailwhale.metrics import MAX_AMOUNT, MICROS_PER_UNIT
from hailwhale.paths import decode, dimension_nodes, encode
from hailwhale.periods import Retention
from hailwhale.storage import series, shard_of
from hailwhale.tally import Subject, Tally
from hailwhale.waiting import Adder, TooWide, check_size, dimensions_of, ids_in, read, read_nodes, written
from tests.models import DictWhale

NOW = 1_700_000_000
KEPT = Kept([Retention.parse(text) for text in ('1m:1d', '1h:31d', '1d:1y')], {})
NAMES = st.text(max_size=4) | st.sampled_from(['', '/', '}', ':', '%', 'a b', 'ü', '\t', '\r\n', '\x85', '\u2028', 'a'])
SPECIAL_FREE = NAMES.filter(lambda name: not any('\ud800' <= character <= '\udfff' for character in name))
TREES: st.SearchStrategy[object] = st.recursive(
    st.none() | SPECIAL_FREE, lambda below: st.dictionaries(SPECIAL_FREE, below, max_size=3), max_leaves=6
)
METRICS = st.sampled_from(['sales', 'a b', 'ü', 'hits', 'per%'])
MICROS = st.integers(-MAX_AMOUNT * MICROS_PER_UNIT + 1, MAX_AMOUNT * MICROS_PER_UNIT - 1) | st.sampled_from(
    [0, 1, 10**6]
)
READS = st.builds(
    Read,
    st.builds(Subject, st.lists(SPECIAL_FREE, min_size=1, max_size=3).map(tuple), TREES.map(dimension_nodes)),
    st.integers(NOW - 40 * 86_400, NOW).map(lambda at: at // 60 * 60),
    st.dictionaries(METRICS, MICROS, min_size=1, max_size=3),
    st.none() | SPECIAL_FREE.filter(bool),
)


def text(pk: str = 'p', nodes: str = '', amounts: str = 'hits 1000000', *, at: int = NOW, id: str = '') -> bytes:
    return '\t'.join([str(at), pk, nodes, amounts, *([id] if id else [])]).encode()


class TestText:
    @given(READS)
    @example(Read(Subject(('a\tb', ''), ((), ('\r\n',))), NOW, {'a b': -1}, '\x85 \u2028'))
    def test_what_is_written_reads_back(self, event: Read) -> None:
        there = written(event, 1)
        assert b'\r' not in there
        assert b'\n' not in there
        assert read(there) == event

    def test_a_moment_is_floored_to_what_is_told_apart(self) -> None:
        one, other = (read_event('p', None, None, at, None, now=NOW) for at in (NOW // 60 * 60, NOW // 60 * 60 + 59))
        assert written(one, 60) == written(other, 60)
        assert written(one, 1) != written(other, 1)

    @given(READS)
    def test_dimensions_as_they_are_shown_count_the_same_nodes(self, event: Read) -> None:
        nodes = event.subject.nodes
        # Among texts the empty one and '_' stand for overall where they stand alone.
        if len(nodes) != 2 or nodes[1] not in ((('',)), ('_',)):
            assert set(dimension_nodes(dimensions_of(nodes))) == set(nodes)

    @given(st.binary(max_size=40) | st.text(alphabet='0123456789\tp /%-hits', max_size=40).map(str.encode))
    def test_any_other_text_is_refused_or_is_the_one_spelling_of_what_it_says(self, other: bytes) -> None:
        try:
            event = read(other)
        except InvalidInput:
            return
        assert written(event, 1) == other

    def test_an_event_that_would_hold_up_all_others_is_refused(self) -> None:
        nodes = ' '.join(map(str, range(63)))
        assert read(text('p', nodes, ' '.join(f'm{i} 1' for i in range(MAX_COUNTERS // 64)))).amounts
        with pytest.raises(InvalidInput, match='counters in each interval'):
            read(text('p', nodes, ' '.join(f'm{i} 1' for i in range(MAX_COUNTERS // 64 + 1))))
        with pytest.raises(InvalidInput, match='counters in each interval'):
            read(text('p/' + 'x' * 600_000))

    def test_the_longest_node_counts_in_bytes(self) -> None:
        assert read_nodes('a ü üx').longest == 3
        assert read_nodes('').longest == 0
        check_size('p', read_nodes('a'), 1)

    def test_only_ids_that_can_be_read_are_looked_for(self) -> None:
        assert ids_in([text(), text(id='one'), text(id='%'), text(id='a%20b'), b'\t\t\t\t\xff', b'']) == ['one', 'a b']


def model_of(events: Sequence[Read]) -> DictWhale:
    model = DictWhale()
    for event in events:
        amounts = {name: Fraction(micros) for name, micros in event.amounts.items()}
        # The model adds hits to what has none; here every event says all of its metrics.
        model.count(event.subject.pk, event.subject.nodes, {'hits': Fraction(0), **amounts}, event.at, event.id)
    return model


class TestSum:
    @given(st.lists(READS, max_size=12), st.sampled_from([1, 2, 5]))
    def test_a_sum_is_what_a_slow_model_counts(self, events: list[Read], times: int) -> None:
        events = [event._replace(subject=event.subject._replace(pk=('p', *event.subject.pk[1:]))) for event in events]
        adder, shard = Adder(KEPT), shard_of(('p',))
        texts = [written(event, 60) for event in events] * times
        commit, increments, largest = adder.sum(shard, texts, NOW)
        model = model_of([read(one) for one in texts])
        found: dict[tuple[object, object, str], int] = {}
        for slot, cells in commit.cells.items():
            for place, packed in cells.items():
                amounts = zip(commit.lanes.names, commit.lanes.unpack(packed), strict=True)
                found.update({(slot, place, name): micros for name, micros in amounts if micros})
        expected: dict[tuple[object, object, str], int] = {}
        for (pk, node, metric), counted in model.counted.items():
            for at, amount in counted:
                for slot in KEPT.slots(at, NOW):
                    key = slot, series(pk, node), metric
                    expected[key] = expected.get(key, 0) + int(amount)
        assert found == {key: micros for key, micros in expected.items() if micros}
        assert sorted(commit.ids) == sorted(model.ids)
        assert increments >= len(found)
        assert max(map(abs, found.values()), default=0) <= largest
        assert {(encode(pk), name) for (pk, _, name), some in model.counted.items() if any(one for _, one in some)} == {
            (pk, name) for pk, names in commit.pks.items() for name in names
        }

    @given(st.lists(READS, max_size=8))
    def test_texts_and_events_add_up_to_the_same(self, events: list[Read]) -> None:
        events = [
            event._replace(subject=event.subject._replace(pk=('p', *event.subject.pk[1:])), id=None) for event in events
        ]
        shard, tally = shard_of(('p',)), Tally(KEPT, NOW)
        for event in events:
            tally.add(*event[:3])
        one, other = tally.commit(shard), Adder(KEPT).sum(shard, [written(event, 60) for event in events], NOW).commit
        assert (one.events, one.pks) == (other.events, other.pks)
        assert {slot: cells.keys() for slot, cells in one.cells.items()} == {
            slot: cells.keys() for slot, cells in other.cells.items()
        }

    def test_each_id_counts_once_and_those_that_were_counted_do_not(self) -> None:
        texts = [text(id='a'), text(id='b'), text(id='a'), text(id='b', amounts='hits 7'), text(id='c'), text(), text()]
        commit = Adder(KEPT).sum(shard_of(('p',)), texts, NOW, {'c'}).commit
        assert (list(commit.ids), commit.events) == (['a', 'b'], 4)

    @pytest.mark.parametrize(
        'bad',
        [b'', b'x', text('other'), text(at=NOW - 900 * 86_400), text(id='%'), text(nodes='a/b'), b'\xff' + text()],
    )
    def test_what_cannot_be_counted_is_found(self, bad: bytes) -> None:
        adder, shard = Adder(KEPT), shard_of(('p',))
        with pytest.raises(InvalidInput):
            adder.sum(shard, [text(), bad, text()], NOW)
        adder.check(shard, text(), NOW)
        with pytest.raises(InvalidInput):
            adder.check(shard, bad, NOW)
        assert adder.sum(shard, [text()], NOW).commit.events == 1

    def test_an_event_that_is_too_large_is_found_among_others_that_are_not(self) -> None:
        adder, shard = Adder(KEPT), shard_of(('p',))
        wide, deep = text(nodes=' '.join(map(str, range(100)))), text(amounts=' '.join(f'm{i} 1' for i in range(60)))
        # Both are allowed, though the nodes of the one with the metrics of the other would not be.
        assert adder.sum(shard, [wide, deep], NOW).commit.events == 2
        with pytest.raises(InvalidInput):
            adder.sum(shard, [text(nodes='x' * 999_999)], NOW)

    def test_the_future_is_no_reason(self) -> None:
        assert Adder(KEPT).sum(shard_of(('p',)), [text(at=NOW + 10 * 86_400)], NOW).commit.events == 1
        with pytest.raises(InvalidTime):
            KEPT.slots(NOW + 10 * 86_400, NOW)

    def test_more_metrics_than_are_added_together_are_left_to_shorter_slices(self) -> None:
        adder, shard = Adder(KEPT), shard_of(('p',))
        texts = [text(amounts=' '.join(f'm{i}.{j} 1' for j in range(200))) for i in range(2)]
        with pytest.raises(TooWide):
            adder.sum(shard, texts, NOW)
        assert [adder.sum(shard, [one], NOW).commit.events for one in texts] == [1, 1]
        assert adder.sum(shard, [text(amounts=' '.join(f'm{j} 1' for j in range(600)))], NOW).increments == 3 * 600

    def test_what_is_remembered_is_bounded(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(waiting, '_REMEMBERED', 3)
        adder, shard = Adder(KEPT), shard_of(('p',))
        for turn in range(4):
            texts = [text(nodes=f'a a/{turn}{i}', amounts=f'hits {10 * turn + i}') for i in range(1, 5)]
            commit = adder.sum(shard, texts, NOW).commit
            (total,) = {
                packed for cells in commit.cells.values() for place, packed in cells.items() if place.child == 'p'
            }
            assert commit.lanes.unpack(total) == [sum(10 * turn + i for i in range(1, 5))]
        assert decode('a/1') == ('a', '1')
