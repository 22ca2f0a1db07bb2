"""Layouts: which paths lie above which contexts."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from hailwhale.decisions.policies import Context
from hailwhale.decisions.policies.layouts import ROOT, Layout

few = settings(max_examples=40)
names = st.sampled_from(['US', 'UK', 'DE'])
contexts = st.lists(
    st.builds(
        Context.of,
        st.dictionaries(
            st.sampled_from(['country', 'device', 'plan']), names | st.dictionaries(names, names, max_size=2)
        ),
    ),
    max_size=8,
    unique=True,
)
BY_PAIR = [Context.of({'country': country, 'device': device}) for country in ('US', 'UK') for device in ('phone', 'pc')]


@few
@given(contexts)
def test_each_path_with_other_contexts_below_it_is_there_once(contexts: list[Context]) -> None:
    layout = Layout.of(contexts)
    below = {path: {place for place, one in enumerate(contexts) if path in one.above} for path in layout.paths}
    assert all(below.values())
    assert len(set(map(frozenset, below.values()))) == len(below)
    everything = {
        frozenset(p for p, one in enumerate(contexts) if path in one.above) for c in contexts for path in c.above
    }
    # What is missing is below one path that is the whole of a context.
    for missing in everything - set(map(frozenset, below.values())):
        (place,) = missing
        assert contexts[place].whole is not None


@few
@given(contexts)
def test_what_lies_above_a_context_is_found_by_place_and_by_name(contexts: list[Context]) -> None:
    layout = Layout.of(contexts)
    for place, context in enumerate(contexts):
        row = [number for number in layout.above[place].tolist() if number >= 0]
        assert [layout.paths[number] for number in row] == [path for path in context.above if path in layout.numbers]
        assert layout.places[context.text] == place
        assert layout.known(context) == row


@few
@given(contexts, st.integers(1, 3))
def test_sums_below_a_path_are_those_of_the_contexts_below_it(contexts: list[Context], options: int) -> None:
    layout = Layout.of(contexts)
    given = np.arange(1.0, 1 + len(contexts) * options).reshape(len(contexts), options)
    found = layout.summed(given)
    assert found.shape == (len(layout.paths), options)
    for path, row in zip(layout.paths, found, strict=True):
        below = [place for place, context in enumerate(contexts) if path in context.above]
        assert row.tolist() == given[below].sum(axis=0).tolist()


def test_the_name_of_a_dimension_that_all_have_says_nothing() -> None:
    layout = Layout.of(BY_PAIR)
    assert layout.paths == [(), ('country', 'UK'), ('country', 'US'), ('device', 'pc'), ('device', 'phone')]
    assert layout.levels == [ROOT, ('country', 2), ('country', 2), ('device', 2), ('device', 2)]


def test_the_name_of_a_dimension_that_some_have_says_something() -> None:
    layout = Layout.of([*BY_PAIR, Context.of({'country': 'US'})])
    assert ('device',) in layout.paths
    assert ('country',) not in layout.paths


def test_above_a_context_that_is_not_in_the_table_lies_what_is_known_of_its_paths() -> None:
    layout = Layout.of(BY_PAIR)
    known = layout.known(Context.of({'country': 'US', 'device': 'tv', 'plan': 'free'}))
    assert [layout.paths[number] for number in known] == [(), ('country', 'US')]


def test_above_who_nothing_is_known_of_lies_what_is_above_all() -> None:
    assert Layout.of(BY_PAIR).known(Context.of(None)) == [0]


def test_without_dimensions_there_are_no_paths() -> None:
    layout = Layout.of([Context.of(None)])
    assert (layout.paths, layout.levels, layout.above.shape) == ([], [], (1, 0))
    assert layout.known(Context.of(None)) == []
    assert layout.known(Context.of({'country': 'US'})) == []
    assert layout.inside(Context.of({'country': 'US'})) == [Context.of(None)]


def test_a_new_context_is_inside_those_that_no_path_stands_for() -> None:
    countries = [Context.of({'country': name}) for name in ('US', 'UK')]
    both, deeper = Context.of({'country': 'US', 'device': 'pc'}), Context.of({'country': {'US': 'Texas'}})
    layout = Layout.of(countries)
    assert layout.paths == [()]
    assert layout.inside(both) == layout.inside(deeper) == [countries[0]]
    # Where others are below it too, the path stands for it.
    shared = Layout.of([*countries, both])
    assert ('country', 'US') in shared.paths
    assert shared.inside(deeper) == []


def test_of_too_many_paths_those_with_most_traffic_are_kept() -> None:
    layout = Layout.of(BY_PAIR)
    assert layout.narrowed(np.ones(4), 5) is layout
    traffic = np.array([1.0, 1.0, 1.0, 7.0])
    found = layout.narrowed(traffic, 3)
    assert found.paths == [(), ('country', 'UK'), ('device', 'pc')]
    assert found.places == layout.places
    assert [len(found.known(context)) for context in BY_PAIR] == [1, 2, 2, 3]
    assert layout.narrowed(traffic, 1).paths == [()]


@few
@given(contexts)
def test_pairs_are_all_paths_that_lie_above_the_same_contexts(contexts: list[Context]) -> None:
    layout = Layout.of(contexts)
    pairs = layout.pairs()
    known = [set(layout.known(context)) for context in contexts]
    found = {
        (int(first), int(second)): set(np.flatnonzero(row).tolist())
        for first, second, row in zip(pairs.first, pairs.second, pairs.below.toarray(), strict=True)
    }
    assert found == {
        (first, second): {place for place, above in enumerate(known) if {first, second} <= above}
        for first in range(len(layout.paths))
        for second in range(len(layout.paths))
        if any({first, second} <= above for above in known)
    }


def test_branches_of_contexts_with_one_dimension_are_of_one_level_by_their_length() -> None:
    layout = Layout.of([Context.of({'country': {name: {'city': city}}}) for name in ('US', 'UK') for city in 'ab'])
    assert set(layout.levels) == {ROOT, ('', 2)}
