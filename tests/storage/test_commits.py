"""Counting: each event in all of its counters or in none, once; one by one and many at a time alike."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path as File

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from hailwhale.errors import StorageConflict, StorageRefused
from hailwhale.intervals import DAY
from hailwhale.paths import Path
from hailwhale.storage import (
    Arrival,
    Bounds,
    Commit,
    Position,
    Storage,
    commits,
    connect,
    keys,
    numbering,
)
from hailwhale.storage.redis import evaluate, teach
from hailwhale.storage.wire import Reply, Wire
from tests.engines import Server
from tests.storage.stores import (
    KEEP,
    NOW,
    ONE,
    Entry,
    Happening,
    at_once,
    clearing,
    commit,
    configured,
    counted,
    dump,
    event,
    expected,
    is_counters,
    slots_at,
)

LIMIT = 2**63
AWKWARD = ['', '/', '}', ':', '%', 'a b', 'ü', '0', '-1']
NAMES = st.sampled_from(['a', 'b', 'c', *AWKWARD])
NODES = st.lists(st.lists(NAMES, min_size=1, max_size=3).map(tuple), max_size=3).map(
    lambda paths: tuple(dict.fromkeys([(), *(path[: end + 1] for path in paths for end in range(len(path)))]))
)
AMOUNTS = st.dictionaries(
    st.sampled_from(['hits', 'dollars', 'a:b']),
    st.sampled_from([0, ONE, -ONE, 1, -1, 500_000, 9_990_000, 10**15, -7]),
    min_size=1,
    max_size=3,
)
HAPPENINGS = st.builds(
    Happening,
    st.lists(NAMES, max_size=2).map(lambda rest: ('p', *rest)),
    NODES,
    AMOUNTS,
    st.integers(NOW - 40 * DAY, NOW + DAY),
)
PERMANENT = re.compile(r'hw:\{\d+\}:(store|epoch|hits|dead|seq)')
EVENT = Happening(('shop', 'tea'), ((), ('geo',), ('geo', 'UK')), {'hits': ONE, 'dollars': 2_500_000}, id='e1')


def count(store: Storage, one: Happening, *, now: int = NOW) -> bool:
    return store.count(event(one), now=now)


def push(store: Storage, shard: int, *events: bytes) -> None:
    assert store.push({shard: [Arrival(event) for event in events]}) == {shard: [True] * len(events)}


def full(one: Happening = EVENT) -> Happening:
    """An event that brings every counter it touches near the end of its range, from which 1 more is too much."""
    return replace(one, amounts={'dollars': (LIMIT - 1) * ONE}, id=None)


def meaning(server: Server) -> dict[str, Entry]:
    """All but the counters' values and the numbers of names; the metrics of a pk over all eras; no counters of 0."""
    found: dict[str, Entry] = {}
    for key, (value, expires) in dump(server).items():
        if is_counters(key):
            if any(amount != b'0' for amount in value.values()):
                found[key] = Entry(None, expires)
        elif ':m:' in key:
            pk = key.split(':')[4]
            found[pk] = Entry(found.get(pk, Entry(set(), 0)).value | set(value), 0)
        else:
            found[key] = Entry(set(value), expires)
    return found


class TestCount:
    def test_an_event_is_in_all_of_its_counters(self, server: Server, store: Storage) -> None:
        assert count(store, EVENT)
        found = counted(server)
        assert found == expected([EVENT])
        # pks shop, shop/tea; nodes overall, geo, geo/UK; minute, hour, day; hits, dollars
        assert len(found) == 2 * 3 * 3 * 2
        assert set(found.values()) == {ONE, 2_500_000}

    @given(happened=st.lists(HAPPENINGS, max_size=4))
    @settings(max_examples=25)
    def test_any_events_are_where_the_model_has_them(
        self, server: Server, lasting_store: Storage, happened: list[Happening]
    ) -> None:
        server.empty()
        assert all(count(lasting_store, one) for one in happened)
        assert counted(server) == expected(happened)

    @pytest.mark.parametrize(
        ('amounts', 'sum'),
        [
            ([100_000] * 10, ONE),
            ([9_990_000] * 2, 19_980_000),
            ([500_000, -500_000], 0),
            ([-1, ONE], 999_999),
            ([-1_500_000] * 3, -4_500_000),
            ([10**15 * ONE - 1] * 2, 2 * 10**21 - 2),
        ],
    )
    def test_amounts_are_added_exactly(self, server: Server, store: Storage, amounts: Sequence[int], sum: int) -> None:
        for micros in amounts:
            count(store, Happening(amounts={'dollars': micros}))
        assert set(counted(server).values()) == ({sum} if sum else set())

    def test_a_metric_of_nothing_is_known_and_takes_no_counter(self, server: Server, store: Storage) -> None:
        count(store, Happening(amounts={'dollars': 0}))
        eras = [slot.era for slot in slots_at(NOW)]
        assert store.metric_names(Happening().shard, 'signup', eras) == {'dollars'}
        assert not any(is_counters(key) for key in dump(server))

    def test_a_whole_amount_takes_one_field(self, server: Server, store: Storage) -> None:
        count(store, Happening())
        count(store, Happening(amounts={'dollars': 500_000}))
        fields = {key: entry.value for key, entry in dump(server).items() if is_counters(key)}
        assert len(fields) == 6
        assert all(len(value) == 1 for value in fields.values())

    def test_the_names_of_all_metrics_are_known_for_each_pk(self, store: Storage) -> None:
        count(store, EVENT)
        count(store, Happening(('shop',), amounts={'a:b': ONE}))
        eras = [slot.era for slot in EVENT.slots]
        assert store.metric_names(EVENT.shard, 'shop', eras) == {'hits', 'dollars', 'a:b'}
        assert store.metric_names(EVENT.shard, 'shop/tea', eras) == {'hits', 'dollars'}
        assert store.metric_names(EVENT.shard, 'shop/coffee', eras) == set()

    def test_an_id_counts_once(self, server: Server, store: Storage) -> None:
        assert count(store, EVENT)
        before = dump(server)
        assert not count(store, EVENT)
        assert not count(store, replace(EVENT, amounts={'other': ONE}))
        assert dump(server) == before
        assert count(store, replace(EVENT, id='e2'))

    @pytest.mark.parametrize(('later', 'again'), [(0, False), (DAY, False), (2 * DAY, False), (3 * DAY, True)])
    def test_an_id_is_remembered_for_48_hours(self, server: Server, store: Storage, later: int, again: bool) -> None:
        assert count(store, EVENT)
        before = dump(server)
        assert count(store, EVENT, now=NOW + later) is again
        assert (dump(server) != before) is again

    def test_ids_of_two_shards_are_apart(self, store: Storage) -> None:
        assert count(store, EVENT)
        assert count(store, Happening(('elsewhere',), id=EVENT.id))

    def test_fresh_ids_are_those_not_counted_within_48_hours(self, store: Storage) -> None:
        for days, id in enumerate('abcd'):
            count(store, replace(EVENT, id=id), now=NOW - days * DAY)
        assert store.fresh(EVENT.shard, ['a', 'x', 'b', 'c', 'd'], now=NOW) == [False, True, False, False, True]


class TestExpiry:
    def test_every_key_ends_when_the_map_says(self, server: Server, store: Storage) -> None:
        store.longest = max(slots.longest for slots in KEEP)
        count(store, EVENT)
        store.commit(commit([replace(EVENT, id='e2', at=NOW - 40 * DAY)]), now=NOW)
        ends = {slot.name: slot.expires for at in (NOW, NOW - 40 * DAY) for slot in slots_at(at)}
        kinds = set()
        for key, (_, expires) in dump(server).items():
            _, _, kind, number, *_ = key.split(':')
            kinds.add('counters' if kind[0].isdigit() else kind)
            if kind == 'ids':
                assert expires == (NOW // DAY + 3) * DAY
            elif kind in ('n', 'm'):
                assert expires == (int(number) + 1) * 32 * DAY + store.longest
            else:
                assert expires == ends[f'{kind}:{number}']
        assert kinds == {'ids', 'n', 'm', 'counters'}

    def test_counters_end_with_the_last_bucket_of_their_chunk(self, server: Server, store: Storage) -> None:
        for at in (NOW, NOW + 3_600, NOW + 7_199):
            count(store, Happening(at=at))
        ends = {entry.expires for key, entry in dump(server).items() if ':1m:' in key}
        assert ends == {NOW + 7_200 + DAY}

    def test_a_position_ends_90_days_after_it_was_stored(self, server: Server, store: Storage) -> None:
        store.commit(commit([Happening()], position=Position('log', None, '1')), now=NOW)
        (key,) = [key for key in dump(server) if ':at:' in key]
        assert any(90 * DAY - 60 < node.ttl(key) <= 90 * DAY for node in server.nodes if node.exists(key))

    @given(happened=st.lists(HAPPENINGS, min_size=1, max_size=6), data=st.data())
    @settings(max_examples=15)
    def test_every_key_but_the_permanent_ones_expires(
        self, server: Server, lasting_store: Storage, happened: list[Happening], data: st.DataObject
    ) -> None:
        server.empty()
        lasting_store.register({'1m': ('1d', 0)})
        push(lasting_store, happened[0].shard, b'waits')
        for number, one in enumerate(happened):
            some = replace(one, id=str(number))
            if data.draw(st.booleans()):
                count(lasting_store, some)
            else:
                lasting_store.commit(commit([some], position=Position('log', None, '1')), now=NOW)
        lasting_store.commit(Commit(happened[0].shard, {}, commit([]).lanes, taken=[b'x'], dead=[b'dead']), now=NOW)
        lasting_store.reset(clearing(happened[0].pk))
        for key, entry in dump(server).items():
            assert (entry.expires == -1) == bool(PERMANENT.fullmatch(key)), key


class TestOverflow:
    @pytest.mark.parametrize(
        'amounts',
        [
            {'dollars': ONE},
            {'hits': ONE, 'dollars': ONE},
            {'fraction': 500_000, 'hits': 1_500_000, 'none': 0, 'minus': -3 * ONE, 'dollars': ONE},
        ],
    )
    @pytest.mark.parametrize('many', [False, True])
    def test_a_counter_at_the_end_of_its_range_takes_the_whole_event_back(
        self, server: Server, store: Storage, amounts: dict[str, int], many: bool
    ) -> None:
        count(store, EVENT)
        # Only the last node is full: all others have been added to before it refuses.
        count(store, full(Happening(('shop', 'tea'), (('x',),))))
        before = counted(server)
        one = Happening(('shop', 'tea'), ((), ('geo',), ('x',)), amounts, id='e2')
        with pytest.raises(StorageRefused, match='overflow'):
            store.commit(commit([one]), now=NOW) if many else count(store, one)
        assert counted(server) == before
        assert store.fresh(EVENT.shard, ['e1', 'e2'], now=NOW) == [False, True]

    def test_the_other_end_of_the_range_refuses_too(self, server: Server, store: Storage) -> None:
        count(store, Happening(amounts={'dollars': -LIMIT * ONE}))
        before = counted(server)
        for amounts in ({'dollars': -ONE}, {'hits': ONE, 'dollars': -2 * ONE}):
            with pytest.raises(StorageRefused, match='overflow'):
                count(store, Happening(amounts=amounts))
            with pytest.raises(StorageRefused, match='overflow'):
                store.commit(commit([Happening(amounts=amounts)]), now=NOW)
        assert counted(server) == before
        assert set(before.values()) == {-LIMIT * ONE}

    def test_what_a_refused_commit_had_marked_is_taken_back_with_it(self, server: Server, store: Storage) -> None:
        count(store, full())
        events = [b'one', b'two', b'three']
        push(store, EVENT.shard, *events)
        before = dump(server)
        for position in (None, '5'):
            sequence, _ = store.waiting(EVENT.shard, 10)
            if position:
                store.commit(Commit(EVENT.shard, {}, commit([]).lanes, position=Position('log', None, '5')), now=NOW)
            with pytest.raises(StorageRefused, match='none was kept'):
                store.commit(
                    commit(
                        [EVENT],
                        position=Position('log', position, '7'),
                        taken=events[:2],
                        sequence=sequence,
                        dead=[b'bad'],
                    ),
                    now=NOW,
                )
            assert store.position(EVENT.shard, 'log') == position
            after, waiting = store.waiting(EVENT.shard, 10)
            assert waiting == events
            assert after != sequence, 'who read the list in between must not take it for what it was'
        ours = {keys.sequence_key(EVENT.shard), keys.position_key(EVENT.shard, 'log')}
        found = {key: entry for key, entry in dump(server).items() if key not in ours and not is_counters(key)}
        assert found.keys() >= {keys.hits_key(EVENT.shard)}
        assert keys.dead_key(EVENT.shard) not in found
        assert not any(':ids:' in key for key in found)
        assert counted(server) == expected([full()])
        assert before.keys() - dump(server).keys() == set()


class TestCommit:
    @given(happened=st.lists(HAPPENINGS, min_size=1, max_size=8))
    @example(happened=[Happening(('p',), ((),), {'hits': ONE}), Happening(('p', 'a'), ((), ('a',)), {'dollars': 1})])
    @settings(max_examples=25)
    def test_a_commit_is_as_good_as_counting_one_by_one(
        self, server: Server, lasting_store: Storage, happened: list[Happening]
    ) -> None:
        named = [replace(one, id=f'e{number}') for number, one in enumerate(happened)]
        server.empty()
        assert all(count(lasting_store, one) for one in named)
        singly = counted(server), meaning(server)
        server.empty()
        assert lasting_store.commit(commit(named), now=NOW)
        assert counted(server) == singly[0] == expected(happened)
        together = meaning(server)
        # Events that cancel out leave counters of 0 behind when they come one by one, and none in one commit.
        cancelled = {key for key in singly[1].keys() ^ together.keys() if is_counters(key)}
        assert all(_net(key, server) == 0 for key in cancelled)
        assert {key: entry for key, entry in singly[1].items() if key not in cancelled} == together

    def test_ten_million_increments_of_one_counter_are_exact(self, server: Server, store: Storage) -> None:
        one = Happening(amounts={'hits': ONE, 'dollars': 100_000})
        million = commit([one])
        for of_slot in million.cells.values():
            for place, packed in of_slot.items():
                of_slot[place] = packed * 10**6  # type: ignore[index]
        for _ in range(10):
            assert store.commit(million, now=NOW)
        assert set(counted(server).values()) == {10**7 * ONE, 10**6 * ONE}

    def test_more_names_than_one_look_up_takes(self, server: Server, store: Storage) -> None:
        nodes: tuple[Path, ...] = ((), *((str(number),) for number in range(2_500)))
        happened = [Happening(('p',), nodes), Happening(('p', 'q'), nodes)]
        assert store.commit(commit(happened), now=NOW)
        assert counted(server) == expected(happened)

    def test_a_commit_of_nothing_is_done(self, server: Server, store: Storage) -> None:
        assert store.commit(commit([]), now=NOW)
        assert dump(server) == {}

    def test_a_pk_without_metrics_gets_no_names_of_any(self, server: Server, store: Storage) -> None:
        assert store.commit(replace(commit([Happening()]), pks={'signup': ()}), now=NOW)
        assert not any(':m:' in key for key in dump(server))

    def test_how_many_increments_a_commit_has(self) -> None:
        assert commit([EVENT, replace(EVENT, id='e2')]).increments == 3 * 6 * 2
        assert commit([]).increments == 0

    def test_a_commit_with_an_id_that_was_counted_does_nothing(self, server: Server, store: Storage) -> None:
        both = commit([EVENT, replace(EVENT, id='e2')])
        assert store.commit(both, now=NOW)
        before = dump(server)
        assert not store.commit(both, now=NOW + DAY)
        assert not store.commit(commit([replace(EVENT, id='e2'), replace(EVENT, id='e3')]), now=NOW)
        assert not count(store, EVENT)
        assert dump(server) == before

    def test_a_commit_from_a_position_that_was_passed_does_nothing(self, server: Server, store: Storage) -> None:
        first = commit([Happening()], position=Position('log:1', None, '10'))
        assert store.position(first.shard, 'log:1') is None
        assert store.commit(first, now=NOW)
        before = dump(server)
        assert store.position(first.shard, 'log:1') == '10'
        assert not store.commit(first, now=NOW)
        assert not store.commit(commit([Happening()], position=Position('log:1', '9', '11')), now=NOW)
        assert dump(server) == before
        assert store.commit(commit([Happening()], position=Position('log:1', '10', '11')), now=NOW)
        assert store.position(first.shard, 'log:1') == '11'

    def test_waiting_events_that_were_taken_are_not_taken_again(self, server: Server, store: Storage) -> None:
        shard = Happening().shard
        push(store, shard, b'1', b'2', b'3')
        sequence, waiting = store.waiting(shard, 2)
        assert (sequence, waiting) == (None, [b'1', b'2'])
        taken = commit([Happening()] * 2, taken=waiting, sequence=sequence, dead=[b'bad'])
        assert store.commit(taken, now=NOW)
        before = dump(server)
        assert not store.commit(taken, now=NOW)
        assert dump(server) == before
        assert store.waiting(shard, 10) == ('2', [b'3'])
        assert sum(store.backlog()) == store.backlog()[shard] == 1
        assert before[keys.dead_key(shard)].value == [b'bad']

    @pytest.mark.parametrize('count', [1, 3, 10_001])
    def test_those_that_are_put_in_order_wait_before_all_others_and_count_nothing(
        self, server: Server, store: Storage, count: int
    ) -> None:
        shard, waits = Happening().shard, [b'%d' % number for number in range(count)]
        push(store, shard, *waits, b'more')
        sequence, texts = store.waiting(shard, count)
        other = Commit(shard, {}, commit([]).lanes, taken=texts[:1], sequence=sequence)
        assert store.commit(replace(other, taken=texts, ordered=texts[::-1]), now=NOW)
        assert store.waiting(shard, count + 9)[1] == [*waits[::-1], b'more']
        assert not store.commit(other, now=NOW), 'who has read the list before must find it changed'
        assert store.backlog()[shard] == count + 1
        assert not any(is_counters(key) for key in dump(server))

    def test_a_list_that_another_program_has_replaced_is_told_of(self, store: Storage) -> None:
        store.engine.ask(3, 'SET', keys.hits_key(3), 'x')
        with pytest.raises(StorageRefused, match='WRONGTYPE'):
            store.waiting(3, 10)
        assert store.waiting(4, 10) == (None, [])

    def test_while_the_engine_is_at_work_there_is_time_for_something_else_once(self, store: Storage) -> None:
        calls: list[int] = []
        assert store.commit(commit([EVENT]), now=NOW, meanwhile=lambda: calls.append(1))
        assert not store.commit(commit([EVENT]), now=NOW, meanwhile=lambda: calls.append(2))
        assert calls == [1]

    def test_only_the_last_events_that_could_not_be_counted_are_kept(self, server: Server, store: Storage) -> None:
        dead = [b'%d' % number for number in range(10_005)]
        store.commit(Commit(3, {}, commit([]).lanes, dead=dead), now=NOW)
        assert dump(server)[keys.dead_key(3)].value == dead[5:]


def _net(key: str, server: Server) -> int:
    return sum(int(value) for value in dump(server).get(key, Entry({}, 0)).value.values())


class TestOthers:
    """Somebody else writes between what a commit has read and what it does."""

    @pytest.fixture
    def other(self, server: Server) -> Storage:
        return connect(server.url, home=File('unused'))

    @staticmethod
    def meddle(monkeypatch: pytest.MonkeyPatch, does: Callable[[], object], times: int = 1) -> list[int]:
        """Have something done by others whenever a commit has looked up its numbers; how often it was, so far."""
        done: list[int] = []

        def between(wire: Wire, name: str, data: bytes) -> Reply:
            found = evaluate(wire, name, data)
            if len(done) < times:
                done.append(len(done))
                does()
            return found

        monkeypatch.setattr(numbering, 'evaluate', between)
        return done

    def test_an_id_that_others_count_meanwhile_counts_once(
        self, server: Server, store: Storage, other: Storage, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        done = self.meddle(monkeypatch, lambda: count(other, EVENT))
        assert not store.commit(commit([EVENT, replace(EVENT, id='e2')]), now=NOW)
        assert done == [0]
        assert counted(server) == expected([EVENT])

    def test_other_ids_that_others_count_meanwhile_only_cost_a_second_try(
        self, server: Server, store: Storage, other: Storage, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        happened = [EVENT, replace(EVENT, id='e2')]
        done = self.meddle(monkeypatch, lambda: count(other, EVENT))
        assert store.commit(commit(happened[1:]), now=NOW)
        assert done == [0]
        assert counted(server) == expected(happened)

    def test_two_who_take_the_same_waiting_events_count_them_once(
        self, server: Server, store: Storage, other: Storage, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        one = Happening()
        push(store, one.shard, b'1', b'2')
        taken = commit([one], taken=[b'x'])
        self.meddle(monkeypatch, lambda: other.commit(taken, now=NOW))
        assert not store.commit(taken, now=NOW)
        assert counted(server) == expected([one])
        assert store.waiting(one.shard, 9) == ('1', [b'2'])

    def test_two_who_read_from_the_same_position_count_once(
        self, server: Server, store: Storage, other: Storage, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        read = commit([Happening()], position=Position('log', None, '9'))
        self.meddle(monkeypatch, lambda: other.commit(read, now=NOW))
        assert not store.commit(read, now=NOW)
        assert counted(server) == expected([Happening()])

    def test_a_reset_meanwhile_leaves_no_number_without_a_name(
        self, server: Server, store: Storage, other: Storage, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        count(store, EVENT)
        done = self.meddle(monkeypatch, lambda: other.reset(clearing(('shop',))))
        late = replace(EVENT, id='e2')
        assert store.commit(commit([late]), now=NOW)
        assert done == [0]
        assert counted(server) == expected([late])

    @pytest.mark.parametrize('times', [commits.ATTEMPTS - 1, commits.ATTEMPTS])
    def test_a_commit_gives_up_after_all_of_its_attempts(
        self, server: Server, store: Storage, other: Storage, monkeypatch: pytest.MonkeyPatch, times: int
    ) -> None:
        one = Happening()
        epoch = keys.epoch_key(one.shard)
        done = self.meddle(monkeypatch, lambda: other.engine.ask(one.shard, 'INCR', epoch), times)
        if times < commits.ATTEMPTS:
            assert store.commit(commit([one]), now=NOW)
        else:
            with pytest.raises(StorageConflict, match='64 attempts: try again'):
                store.commit(commit([one]), now=NOW)
        assert len(done) == times
        assert counted(server) == expected([one] if times < commits.ATTEMPTS else [])

    def test_many_committers_of_one_position_get_each_step_once(self, server: Server, store: Storage) -> None:
        def read(_: int) -> None:
            while (at := int(store.position(Happening().shard, 'log') or 0)) < 40:
                step = Position('log', str(at) if at else None, str(at + 1))
                store.commit(commit([Happening()], position=step), now=NOW)

        at_once(6, read)
        assert counted(server) == expected([Happening()] * 40)


def prepared(store: Storage, first: Commit, second: Commit) -> None:
    """Do the first, so that the second has its commands before its turn."""
    store.prepare(second)
    assert store.commit(first, now=NOW, behind=[second])
    assert second.prepared
    second.prepared.encode()


class TestPrepared:
    """The numbers that a commit was prepared with are a guess: whatever becomes of them, what is counted is right."""

    FIRST = Happening(('shop', 'tea'), ((), ('geo',)))
    SECOND = Happening(('shop', 'coffee'), ((), ('geo',), ('geo', 'UK')), {'hits': ONE, 'dollars': 2_500_000})

    def test_a_commit_whose_numbers_are_still_the_same_is_not_encoded_again(
        self, server: Server, store: Storage, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        first, second = commit([self.FIRST]), commit([self.SECOND])
        prepared(store, first, second)
        monkeypatch.delattr(commits, '_encoded')
        assert store.commit(second, now=NOW)
        assert counted(server) == expected([self.FIRST, self.SECOND])

    def test_one_that_nobody_asked_for_is_prepared_in_its_turn(self, server: Server, store: Storage) -> None:
        one = commit([self.SECOND])
        store.prepare(one)
        assert store.commit(one, now=NOW)
        assert counted(server) == expected([self.SECOND])

    def test_names_that_were_reset_and_numbered_anew_by_others_are_counted_under_their_new_numbers(
        self, server: Server, store: Storage
    ) -> None:
        first, second = commit([self.FIRST]), commit([self.SECOND])
        prepared(store, first, second)
        assert store.reset(clearing(('shop',)))
        other = replace(self.FIRST, pk=('shop', 'milk'), nodes=((), ('x',), ('geo',)))
        assert count(store, other)
        assert store.commit(second, now=NOW)
        assert counted(server) == expected([other, self.SECOND])

    def test_an_engine_that_has_lost_everything_counts_right(self, server: Server, store: Storage) -> None:
        first, second = commit([self.FIRST]), commit([self.SECOND])
        prepared(store, first, second)
        server.empty()
        other = replace(self.FIRST, pk=('shop', 'milk'), nodes=((), ('x',), ('geo',)))
        assert count(store, other)
        assert store.commit(second, now=NOW)
        assert counted(server) == expected([other, self.SECOND])

    def test_an_engine_that_has_forgotten_the_script_is_asked_again(self, server: Server, store: Storage) -> None:
        first, second = commit([self.FIRST]), commit([self.SECOND])
        prepared(store, first, second)
        for node in server.nodes:
            node.script_flush()
        assert store.commit(second, now=NOW)
        assert counted(server) == expected([self.FIRST, self.SECOND])

    def test_names_without_room_are_numbered_in_their_turn(self, server: Server) -> None:
        server.empty()
        store = connect(server.url, home=File('unused'), bounds=Bounds(children=1))
        first, second = commit([self.FIRST]), commit([self.SECOND])
        prepared(store, first, second)
        assert store.commit(second, now=NOW)
        store.close()
        assert {child for _, group, child, _, _ in counted(server) if group == 'shop:/'} == {'tea', keys.OTHER}

    def test_more_names_than_one_look_up_takes_are_numbered_in_their_turn(
        self, server: Server, store: Storage, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(numbering, '_NAMES_AT_ONCE', 3)
        first, second = commit([self.FIRST]), commit([self.SECOND])
        prepared(store, first, second)
        assert store.commit(second, now=NOW)
        assert counted(server) == expected([self.FIRST, self.SECOND])

    def test_what_is_behind_in_another_shard_is_counted_too(self, server: Server, store: Storage) -> None:
        elsewhere = Happening(('elsewhere',), ((), ('geo',)))
        first, second = commit([self.FIRST]), commit([elsewhere])
        prepared(store, first, second)
        assert store.commit(second, now=NOW)
        assert counted(server) == expected([self.FIRST, elsewhere])

    def test_a_commit_that_is_refused_reads_the_answers_of_those_behind(self, server: Server, store: Storage) -> None:
        count(store, full())
        late = replace(self.SECOND, amounts={'hits': ONE})
        second = commit([late])
        store.prepare(second)
        with pytest.raises(StorageRefused, match='none was kept'):
            store.commit(commit([EVENT]), now=NOW, behind=[second])
        assert store.commit(second, now=NOW)
        found = {place: micros for place, micros in counted(server).items() if micros}
        assert found == expected([full(), late])


class TestRefused:
    @pytest.mark.parametrize('many', [False, True])
    def test_a_full_engine_keeps_nothing_of_an_event(self, server: Server, store: Storage, many: bool) -> None:
        count(store, EVENT)
        before = dump(server)
        late = replace(EVENT, id='e2')
        with configured(server.nodes, 'maxmemory', 1), pytest.raises(StorageRefused, match='OOM'):
            store.commit(commit([late]), now=NOW) if many else count(store, late)
        assert dump(server) == before
        assert store.commit(commit([late]), now=NOW) if many else count(store, late)
        assert counted(server) == expected([EVENT, late])

    @pytest.mark.parametrize('many', [False, True])
    def test_a_full_engine_gives_no_new_name_a_number(self, server: Server, store: Storage, many: bool) -> None:
        with configured(server.nodes, 'maxmemory', 1), pytest.raises(StorageRefused, match='OOM'):
            store.commit(commit([EVENT]), now=NOW) if many else count(store, EVENT)
        assert dump(server) == {}

    @pytest.mark.parametrize('many', [False, True])
    def test_a_foreign_key_in_the_way_refuses_the_whole_event(self, server: Server, store: Storage, many: bool) -> None:
        one = Happening(amounts={'hits': ONE, 'dollars': ONE})
        taken = keys.counters_key(one.shard, one.slots[2].name, ':/', 'dollars')
        store.engine.ask(one.shard, 'SET', taken, 'mine')
        with pytest.raises(StorageRefused, match='WRONGTYPE'):
            store.commit(commit([one]), now=NOW) if many else count(store, one)
        values = [entry.value for key, entry in dump(server).items() if is_counters(key) and key != taken]
        assert all(set(value.values()) == {b'0'} for value in values)


def shop(names: Sequence[str], amounts: dict[str, int]) -> list[Happening]:
    """One event for each name: as many children of one node."""
    return [Happening(('wide',), ((), ('page',), ('page', name)), amounts) for name in names]


class TestManyCountersOfAHash:
    """What a commit adds by the script instead of one by one."""

    NAMES = tuple(f'page {number}' for number in range(7_000))

    def test_thousands_are_added_to_and_added_to_again(self, server: Server, store: Storage) -> None:
        happened = shop(self.NAMES, {'hits': ONE, 'dollars': -2_500_000})
        assert store.commit(commit(happened), now=NOW)
        assert store.commit(commit(happened[:3_500]), now=NOW)
        assert counted(server) == expected([*happened, *happened[:3_500]])

    @given(
        rounds=st.lists(
            st.lists(
                st.sampled_from([0, ONE, -ONE, 7, -7, 2**52 * ONE, -(2**52) * ONE, 2**61 * ONE]),
                min_size=10,
                max_size=10,
            ),
            min_size=1,
            max_size=3,
        )
    )
    @example(rounds=[[2**52 * ONE, -(2**52) * ONE] * 5, [7, ONE] * 5, [-ONE, 0] * 5])
    @settings(max_examples=15)
    def test_every_digit_is_kept_whatever_the_size(
        self, server: Server, lasting_store: Storage, rounds: list[list[int]]
    ) -> None:
        server.empty()
        happened: list[Happening] = []
        for amounts in rounds:
            some = [shop([name], {'dollars': amount})[0] for name, amount in zip('abcdefghij', amounts, strict=True)]
            try:
                assert lasting_store.commit(commit(some), now=NOW)
            except StorageRefused:
                assert abs(sum(one.amounts['dollars'] for one in [*happened, *some])) >= 2**62 * ONE
                break
            happened += some
        assert {key: value for key, value in counted(server).items() if value} == {
            key: value for key, value in expected(happened).items() if value
        }

    def test_one_at_the_end_of_its_range_takes_all_back(self, server: Server, store: Storage) -> None:
        names = ['first', *self.NAMES[:20], 'last']
        store.commit(commit(shop(['first'], {'dollars': 2**60 * ONE})), now=NOW)
        store.commit(commit(shop(['last'], {'dollars': (LIMIT - 1) * ONE - 2**61 * ONE})), now=NOW)
        before = counted(server)
        happened = shop(names, {'dollars': ONE})
        happened[0] = replace(happened[0], amounts={'dollars': 2**53 * ONE})
        happened[-1] = replace(happened[-1], amounts={'dollars': 2**62 * ONE})
        with pytest.raises(StorageRefused, match='none was kept'):
            store.commit(commit(happened), now=NOW)
        assert {key: value for key, value in counted(server).items() if value} == before

    def test_the_script_takes_back_what_it_has_added_itself(self, server: Server, store: Storage) -> None:
        store.commit(commit(shop(['first'], {'dollars': -(2**60) * ONE})), now=NOW)
        store.commit(commit(shop(['last'], {'dollars': (LIMIT - 1) * ONE})), now=NOW)
        before = counted(server)
        with pytest.raises(StorageRefused, match='none was kept'):
            store.commit(commit(shop(['first', *self.NAMES[:20], 'last'], {'dollars': ONE})), now=NOW)
        assert {key: value for key, value in counted(server).items() if value} == before

    def test_an_engine_that_forgot_the_script_in_between_learns_it_again(
        self, server: Server, store: Storage, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        happened = shop(self.NAMES[:10], {'hits': ONE})
        forgotten: list[int] = []

        def forget(wire: Wire, name: str) -> None:
            teach(wire, name)
            if not forgotten:
                forgotten.append(1)
                for node in server.nodes:
                    node.script_flush()

        monkeypatch.setattr(commits, 'teach', forget)
        assert store.commit(commit(happened), now=NOW)
        assert forgotten
        assert counted(server) == expected(happened)
