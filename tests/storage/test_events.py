"""One event, one call: the command is what the script reads, whatever was encoded before."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from hailwhale.metrics import split
from hailwhale.paths import escape
from hailwhale.storage import Bounds, Event, keys
from hailwhale.storage.events import command
from hailwhale.storage.redis import evaluation
from tests.storage.stores import NOW, ONE, Happening, event

LONGEST = 400 * 86_400
BOUNDS = Bounds(children=7, ids_kept=5 * 86_400, ids=11)


def plain(script: str, one: Event, now: int) -> bytes:
    """The same command, part by part."""
    eras = sorted({slot.era for slot in one.slots})
    metrics = [escape(name) for name in one.amounts]
    touched = list(keys.ids_keys(one.shard, now, BOUNDS.ids_kept)) if one.id else []
    head = (keys.id_digest(one.id) if one.id else '', keys.ids_expire(now, BOUNDS.ids_kept), len(touched))
    touched += [keys.names_key(one.shard, era, group) for group, _ in one.groups for era in eras]
    touched += [keys.metrics_key(one.shard, era, pk) for pk in one.pks for era in eras]
    touched += [
        keys.counters_key(one.shard, slot.name, group, metric)
        for group, _ in one.groups
        for slot in one.slots
        for metric in metrics
    ]
    args: list[bytes | str | int] = [*head, BOUNDS.ids, BOUNDS.children, len(one.groups), len(one.pks)]
    args += (len(eras), len(one.slots), len(metrics), *(keys.era_expires(era, LONGEST) for era in eras))
    for slot in one.slots:
        args += (eras.index(slot.era) + 1, slot.length, slot.offset, slot.expires)
    for metric, micros in zip(metrics, one.amounts.values(), strict=True):
        args += (metric, *split(micros))
    for _, children in one.groups:
        args += (len(children), *children)
    return evaluation(script, touched, args)


NAMES = st.sampled_from(['a', 'b', 'ü', '', 'x' * 600])
EVENTS = st.builds(
    Happening,
    st.lists(NAMES, min_size=1, max_size=3).map(tuple),
    st.lists(NAMES, max_size=3).map(lambda path: tuple(tuple(path[:end]) for end in range(len(path) + 1))),
    st.dictionaries(st.sampled_from(['hits', 'a b']), st.sampled_from([0, ONE, -ONE, 5, -2_500_000]), min_size=1),
    st.integers(NOW - 40 * 86_400, NOW),
    st.none() | st.just('an id'),
)


@given(st.lists(EVENTS, max_size=6), st.integers(NOW, NOW + 86_400))
def test_the_command_is_the_same_whether_its_parts_were_encoded_before_or_not(
    happened: list[Happening], now: int
) -> None:
    for one in [*happened, *happened]:
        for script in ('count', 'level'):
            called = command(script, event(one), longest=LONGEST, bounds=BOUNDS, now=now)
            assert called == plain(script, event(one), now)
