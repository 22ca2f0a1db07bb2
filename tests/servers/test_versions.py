"""What has changed of an answer since any earlier look."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from hailwhale.servers.versions import Event, Versions
from tests import events
from tests.events import merged


def answer(*numbers: int, start: int = 0, names: tuple[str, ...] = ('_',)) -> Any:
    """The same numbers for each name, a bucket a minute."""
    return {
        name: {'hits': [[start + 60_000 * place, number] for place, number in enumerate(numbers)]} for name in names
    }


def told(event: Event | None) -> events.Event:
    assert event
    (found,) = events.events(event.text)
    assert found.kind == event.kind
    return found


def test_who_knows_nothing_is_told_all_and_who_knows_it_nothing() -> None:
    versions = Versions()
    assert versions.look(answer(1, 2), 5)
    assert told(versions.since(0))[:2] == ('all', answer(1, 2))
    assert versions.since(versions.number) is None


def test_what_has_not_changed_is_no_new_version() -> None:
    versions = Versions()
    assert versions.look(answer(1, 2), 5)
    assert not versions.look(answer(1, 2), 6)
    assert versions.number == 1


def test_only_numbers_that_have_changed_are_told_each_with_its_newest() -> None:
    versions = Versions()
    for numbers in ((1, 1, 1), (1, 2, 1), (1, 3, 1), (9, 3, 1)):
        versions.look(answer(*numbers), 5)
    assert told(versions.since(1)).data == {'_': {'hits': [[0, 9], [60_000, 3]]}}
    assert told(versions.since(2)).data == {'_': {'hits': [[0, 9], [60_000, 3]]}}
    assert told(versions.since(3)).data == {'_': {'hits': [[0, 9]]}}
    assert versions.since(3) is versions.since(3)


def test_series_without_a_change_are_not_told() -> None:
    versions = Versions()
    before = answer(1, names=('a', 'b'))
    versions.look(before, 5)
    versions.look({**before, 'b': {'hits': [[0, 2]]}}, 6)
    versions.look({'a': {'hits': [[0, 7]]}, 'b': {'hits': [[0, 2]]}}, 7)
    assert told(versions.since(1)).data == {'a': {'hits': [[0, 7]]}, 'b': {'hits': [[0, 2]]}}
    assert told(versions.since(2)).data == {'a': {'hits': [[0, 7]]}}


def test_other_buckets_dimensions_or_orders_of_them_bring_the_whole_answer() -> None:
    versions = Versions()
    changes = [
        answer(1, 2),
        answer(1, 2, start=60_000),
        answer(1, 2, start=60_000, names=('_', 'a')),
        answer(1, 2, start=60_000, names=('a', '_')),
        answer(1, 2, start=60_000, names=('b', '_')),
    ]
    for number, change in enumerate(changes):
        assert versions.look(change, 5)
        event = told(versions.since(number))
        assert event.kind == 'all'
        assert list(event.data) == list(change)
        assert event.data == change
    versions.look(answer(1, 3, start=60_000, names=('b', '_')), 6)
    assert told(versions.since(5)).kind == 'points'
    assert told(versions.since(4)).kind == 'all'


def test_after_a_problem_everybody_is_told_all_even_when_nothing_has_changed() -> None:
    versions = Versions()
    versions.look(answer(1), 5)
    known = versions.id
    versions.interrupt(b'{"error":1}', 6)
    assert told(versions.since(1))[:2] == ('problem', {'error': 1})
    assert told(versions.since(0)).kind == 'problem'
    assert versions.since(2) is None
    assert versions.knows(str(versions.id)) == versions.knows(str(known)) == 0
    assert versions.look(answer(1), 7)
    assert told(versions.since(2))[:2] == ('all', answer(1))


def test_an_id_is_known_to_any_process_that_sees_the_same_answer() -> None:
    one, other = Versions(), Versions()
    one.look(answer(1), 5)
    one.look(answer(2), 5)
    other.look(answer(2), 1_000)
    assert one.id != other.id
    assert other.knows(str(one.id)) == other.number == 1
    for stranger in ('', '7', 'x' * 20, '²' * 20, str(one.id)[1:-1], str(one.id + 1)):
        assert other.knows(stranger) == 0


def test_ids_grow_also_when_the_clock_is_put_back() -> None:
    versions, ids = Versions(), [0]
    for number, moment in enumerate((5, 5, 3, 9)):
        versions.look(answer(number), moment)
        ids.append(versions.id)
        versions.interrupt(b'{}', moment)
        ids.append(versions.id)
    assert ids == sorted(set(ids))


#: Looks: which numbers a look finds, where its buckets begin, or None: a problem.
LOOKS = st.lists(
    st.none() | st.tuples(st.tuples(st.integers(0, 2), st.integers(0, 2)), st.sampled_from([0, 60_000]), st.booleans()),
    min_size=1,
    max_size=12,
)


@given(looks=LOOKS, reads=st.lists(st.booleans(), min_size=12, max_size=12))
def test_whoever_reads_now_and_then_knows_the_answer(looks: list[Any], reads: list[bool]) -> None:
    versions, version, heard = Versions(), 0, list[events.Event]()
    for look, is_read in zip(looks, reads, strict=False):
        if look is None:
            found: Any = {'error': 1}
            versions.interrupt(json.dumps(found).encode(), 5)
        else:
            numbers, start, both = look
            found = answer(*numbers, start=start, names=('_', 'a') if both else ('_',))
            versions.look(found, 5)
        event = versions.since(version) if is_read or look is looks[-1] else None
        if event:
            version = versions.number
            heard.append(told(event))
        if version == versions.number:
            assert merged(heard) == found
