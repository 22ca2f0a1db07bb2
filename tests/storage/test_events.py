"""One event, one call: the command is what the script reads, whatever was encoded before."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from hailwhale.metrics import split
from hailwhale.paths import escape
from hailwhale.storage import Event, keys
from hailwhale.storage.events import command
from hailwhale.storage.redis import evaluation
from tests.storage.stores import NOW, ONE, Happening, event

LONGEST = 400 * 86_400


def plain(one: Event, now: int) -> bytes:
    """The same command, part by part."""
    eras = sorted({slot.era for slot in one.slots})
    metrics = [escape(name) for name in one.amounts]
    touched = list(keys.ids_keys(one.shard, now)) if one.id else []
    touched += [keys.names_key(one.shard, era, group) for group, _ in one.groups for era in eras]
    touched += [keys.metrics_key(one.shard, era, pk) for pk in one.pks for era in eras]
    touched += [
        keys.counters_key(one.shard, slot.name, group, metric)
        for group, _ in one.groups
        for slot in one.slots
        for metric in metrics
    ]
    args: list[str | int] = [one.id or '', keys.ids_expire(now), len(one.groups), len(one.pks)]
    args += (len(eras), len(one.slots), len(metrics), *(keys.era_expires(era, LONGEST) for era in eras))
    for slot in one.slots:
        args += (eras.index(slot.era) + 1, slot.length, slot.offset, slot.expires)
    for metric, micros in zip(metrics, one.amounts.values(), strict=True):
        args += (metric, *split(micros))
    for _, children in one.groups:
        args += (len(children), *children)
    return evaluation('count', touched, args)


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
@settings(deadline=None)
def test_the_command_is_the_same_whether_its_parts_were_encoded_before_or_not(
    happened: list[Happening], now: int
) -> None:
    for one in [*happened, *happened]:
        assert command(event(one), longest=LONGEST, now=now) == plain(event(one), now)
