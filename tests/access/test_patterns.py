"""Which pks a pattern is for; and that it is for no other."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hailwhale.access.patterns import Pattern, Patterns
from hailwhale.errors import InvalidPath
from hailwhale.paths import Path

NAMES = st.one_of(
    st.sampled_from(['', '*', '/', '%', '%2A', 'Shop', 'shop', 'Shop*', 'Sho', 'Shop/', 'a b', '}{', 'Größe', '42']),
    st.text(max_size=4),
)
PKS = st.lists(NAMES, min_size=1, max_size=4).map(tuple)


def obvious(path: Path, below: bool, pk: Path) -> bool:
    """Name by name."""
    if len(pk) < len(path) or (not below and len(pk) > len(path)):
        return False
    return all(pk[i] == name for i, name in enumerate(path))


@given(path=PKS, below=st.booleans(), pk=PKS)
def test_a_pattern_lets_through_what_begins_with_its_names_and_nothing_else(path: Path, below: bool, pk: Path) -> None:
    # The text, because that is what people write and the store keeps.
    pattern = Pattern.parse(str(Pattern(path, below)))
    assert pattern == Pattern(path, below)
    assert pattern.matches(pk) == obvious(path, below, pk)
    assert pattern.matches((*path, *pk)) == below
    assert pattern.matches(path)


@given(patterns=st.lists(st.tuples(PKS | st.just(()), st.booleans()), max_size=3), pk=PKS)
def test_several_patterns_let_through_what_any_of_them_does(patterns: list[tuple[Path, bool]], pk: Path) -> None:
    together = Patterns(Pattern(path, below) for path, below in patterns)
    assert together.match(pk) == any(obvious(path, below, pk) for path, below in patterns)
    assert together.everything == any(path == () and below for path, below in patterns)


@given(st.text(alphabet='Shop*/%2A5 ä', max_size=8))
def test_a_text_is_refused_or_read_so_that_it_means_the_same_written_anew(text: str) -> None:
    pattern = None
    with suppress(InvalidPath):
        pattern = Pattern.parse(text)
    if pattern is None:
        with pytest.raises(InvalidPath, match='%2A is a star') as caught:
            Pattern.parse(text)
        assert repr(text) in caught.value.message
    else:
        assert Pattern.parse(str(pattern)) == pattern


@pytest.mark.parametrize(
    ('text', 'inside', 'outside'),
    [
        ('Shop', [('Shop',)], [('Shop', '42'), ('Shopping',), ('shop',), ('*',), ('',)]),
        ('Shop/*', [('Shop',), ('Shop', '42'), ('Shop', '42', 'red')], [('Shopping',), ('Shop/*',), ('A', 'Shop')]),
        ('*', [('Shop',), ('*',), ('',), ('a', 'b')], []),
        ('%2A', [('*',)], [('Shop',), ('*', 'a')]),
        ('%2A/*', [('*',), ('*', 'a')], [('Shop',), ('**',)]),
        ('Shop/%2A', [('Shop', '*')], [('Shop', '42'), ('Shop',)]),
        ('a%2Fb', [('a/b',)], [('a', 'b')]),
        ('a%2fb/*', [('a/b', 'c')], [('a', 'b', 'c')]),
        ('%', [('',)], [('%',)]),
        ('50%25', [('50%',)], [('50%25',)]),
        ('Mac OS', [('Mac OS',)], [('Mac%20OS',)]),
    ],
)
def test_examples(text: str, inside: list[Path], outside: list[Path]) -> None:
    pattern = Pattern.parse(text)
    assert all(map(pattern.matches, inside))
    assert not any(map(pattern.matches, outside))


@pytest.mark.parametrize('text', ['', '/', 'Shop/', '/Shop', '//*', 'Shop*', '*/42', '**', 'a/*/b', '5%', '%ZZ', '%e9'])
def test_what_is_no_pattern_is_refused_with_the_way_out(text: str) -> None:
    with pytest.raises(InvalidPath, match='not a pattern of pks') as caught:
        Pattern.parse(text)
    assert caught.value.field == 'pk'


def test_all_pks_at_once_are_for_the_star_alone() -> None:
    assert Patterns([Pattern.parse('*')]).match(())
    assert not Patterns([Pattern.parse('Shop/*')]).match(())
    assert str(Patterns([Pattern.parse('Shop/*'), Pattern.parse('a')])) == 'Shop/* a'
