"""Keys that show one graph: what the widget asks of it, and nothing else."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from hailwhale.access import REFRESH, Access, Asked, Graph, Key, Keys, Scope
from hailwhale.access.patterns import Pattern, Patterns
from hailwhale.errors import Forbidden, HailWhaleError, InvalidInput, StorageRefused, Unauthorized
from hailwhale.formulas import Formula
from hailwhale.storage import Storage
from tests.clocks import NOW, Clock

BLOG = 'https://blog.example'
SALES = Graph.of(['Shop', 1], dimension='sales', metrics=['dollars/hits', 'stock:last'], period='1h:7d')
#: What the widget asks for it: one with children, as it has them.
CHILDREN = Asked((('sales',),), ('dollars/hits', 'hits', 'dollars', 'stock', 'hits'), ('1h:7d',), 1, 25)
#: Right before the seven days that end with the hour of `NOW`.
BEFORE = '1h:2037-11-08T19:00:00Z/2037-11-15T19:00:00Z'


def refused(graph: Graph, **changes: Any) -> str | None:
    """The argument for which a question is refused."""
    with pytest.raises(HailWhaleError) as caught:
        graph.check(CHILDREN._replace(**changes), NOW)
    return caught.value.field


@pytest.mark.parametrize(
    'changes',
    [
        {},
        {'depth': 0, 'limit': 0},
        {'metrics': ('dollars:cumulative', '"dollars" / hits', 'stock:last')},
        {'periods': (BEFORE,), 'depth': 0, 'limit': 0},
        {'periods': ('1h:168h',)},
        {'periods': ('1d:2037-11-09/2037-11-14',)},
        {'tz': 'utc'},
    ],
    ids=str,
)
def test_what_the_widget_asks_for_a_graph_is_asked_of_it(changes: dict[str, Any]) -> None:
    SALES.check(CHILDREN._replace(**changes), NOW)


@pytest.mark.parametrize(
    ('changes', 'field'),
    [
        ({'nodes': ((),)}, 'dimensions'),
        ({'nodes': (('sales',), ('services',))}, 'dimensions'),
        ({'nodes': (('sales', 'tea'),)}, 'dimensions'),
        ({'metrics': ('dollars', 'cost')}, 'metrics'),
        ({'metrics': ('dollars/cost',)}, 'metrics'),
        ({'metrics': ('a/b/c',)}, 'metrics'),
        ({'depth': 2}, 'depth'),
        ({'limit': 0}, 'limit'),
        ({'limit': 26}, 'limit'),
        ({'limit': -1}, 'limit'),
        ({'periods': (None,)}, 'period'),
        ({'periods': ('1h:8d',)}, 'period'),
        ({'periods': ('1m:7d',)}, 'period'),
        ({'periods': ('1m:2037-11-14T10:00Z/2037-11-14T11:00Z',)}, 'period'),
        ({'periods': ('1h:2037-11-01/2037-11-02',)}, 'period'),
        ({'periods': ('1h:2037-11-22/2037-11-24',)}, 'period'),
        ({'periods': ('1h:7d', 'year')}, 'period'),
        ({'periods': ('soon',)}, 'period'),
        ({'tz': 'Asia/Tokyo'}, 'tz'),
        ({'tz': 'Nowhere'}, 'tz'),
    ],
    ids=str,
)
def test_what_it_does_not_ask_is_refused(changes: dict[str, Any], field: str) -> None:
    assert refused(SALES, **changes) == field


def test_more_children_are_looked_at_where_more_are_drawn() -> None:
    replace(SALES, limit=40).check(CHILDREN._replace(limit=41), NOW)
    assert refused(replace(SALES, limit=40), limit=42) == 'limit'


def test_with_drill_what_is_below_belongs_to_it_and_what_is_beside_does_not() -> None:
    drilled = replace(SALES, drill=True)
    drilled.check(CHILDREN._replace(nodes=(('sales', 'tea', 'green'),)), NOW)
    assert refused(drilled, nodes=(('salesmen',),)) == 'dimensions'
    assert refused(drilled, nodes=((),)) == 'dimensions'


def test_a_graph_of_any_period_has_one_zone_still() -> None:
    assert Graph.of('shop', period='any').options() == {'pk': 'shop', 'metric': 'hits', 'drill': False}
    always = replace(SALES, period='any', tz='Asia/Tokyo')
    for period in ('year', None, BEFORE):
        always.check(CHILDREN._replace(periods=(period,), tz='Asia/Tokyo'), NOW)
    assert refused(always) == 'tz'


@pytest.mark.parametrize(
    ('formula', 'weight'),
    [
        ('dollars', 'dollars'),
        ('dollars/hits', 'hits'),
        ('dollars/hours', None),
        ('dollars/"hours"', None),
        ('dollars/2', None),
        ('stock:last', 'stock'),
    ],
)
def test_children_are_ordered_by_what_stands_behind_a_formula(formula: str, weight: str | None) -> None:
    assert Formula.parse(formula).weight == weight
    graph = Graph.of(metrics=formula)
    graph.check(Asked(((),), (formula, weight or 'hits'), ('1h:7d',)), NOW)


@pytest.mark.parametrize(
    ('given', 'field'),
    [
        ({'metrics': ['a/b/c']}, 'metrics'),
        ({'metrics': [str(n) for n in range(17)]}, 'metrics'),
        ({'depth': 17}, 'depth'),
        ({'limit': -1}, 'limit'),
        ({'limit': 1_001}, 'limit'),
        ({'period': '1x'}, 'period'),
        ({'tz': 'Nowhere'}, 'tz'),
        ({'dimension': [['a'], ['b']]}, 'dimension'),
    ],
)
def test_no_key_is_made_for_what_is_no_graph(given: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        Graph.of('shop', **given)
    assert caught.value.field == field


def test_the_options_of_the_widget_that_draw_it() -> None:
    assert Graph.of('shop', drill=True).options() == {'pk': 'shop', 'metric': 'hits'}
    assert replace(SALES, depth=2, limit=3, period='1d:30d', tz='Asia/Tokyo', annotations=True).options() == {
        'pk': ['Shop', '1'],
        'metrics': ['dollars/hits', 'stock:last'],
        'dimensions': 'sales',
        'depth': 2,
        'limit': 3,
        'period': '1d:30d',
        'tz': 'Asia/Tokyo',
        'drill': False,
        'annotations': 'server',
    }


def test_a_key_is_read_as_it_was_written() -> None:
    key = Key('abcdefgh', 'graph', Patterns([Pattern(SALES.pk, below=False)]), graph=SALES)
    assert Key.read('abcdefgh', key.written()).graph == SALES
    damaged = json.dumps({**json.loads(key.written()), 'graph': {'pk': ['a']}})
    with pytest.raises(StorageRefused):
        Key.read('abcdefgh', damaged)


# -- with servers ----------------------------------------------------------------------------------------------------


def told(refused: type[Exception], ask: Callable[[], object]) -> str:
    with pytest.raises(refused) as caught:
        ask()
    return str(caught.value)


def test_the_key_of_a_graph_may_look_at_it_and_do_nothing_else(storage: Storage, keys: Keys, clock: Clock) -> None:
    keyed = Access(storage, clock, open=False, local=False)
    made = keys.create_graph(SALES, note='the blog')
    grant = keyed.permit(made.text, 'graph')
    grant.check(('Shop', '1'))
    grant.check_graph(CHILDREN)
    said = told(Forbidden, lambda: grant.check_graph(CHILDREN._replace(metrics=('cost',))))
    assert said == (
        f"the key hw_{made.key.id} shows one graph, 'dollars/hits, stock:last of Shop/1: sales, 1h:7d UTC', not the "
        "metric 'cost' (hailwhale key create --scope read makes one that may read)"
    )
    for pk in [('Shop',), ('Shop', '1', 'red'), ()]:
        told(Forbidden, lambda pk=pk: grant.check(pk))  # type: ignore[misc]
    told(Forbidden, lambda: grant.check(('Shop', '1'), below=True))
    scopes: tuple[Scope, ...] = ('read', 'write', 'admin')
    for scope in scopes:
        assert 'shows one graph' in told(Forbidden, lambda scope=scope: keyed.permit(made.text, scope))  # type: ignore[misc]
    keyed.close()


def test_keys_that_may_read_or_administer_may_look_at_any_graph(storage: Storage, keys: Keys, clock: Clock) -> None:
    keyed = Access(storage, clock, open=False, local=False)
    scopes: tuple[Scope, ...] = ('read', 'admin')
    for scope in scopes:
        keyed.permit(keys.create(scope).text, 'graph').check_graph(CHILDREN)
        clock.now += REFRESH
    said = told(Forbidden, lambda: keyed.permit(keys.create('write').text, 'graph'))
    assert 'may write, not read' in said
    assert '--scope read' in told(Unauthorized, lambda: keyed.permit(None, 'graph'))
    keyed.close()


def test_it_ends_and_is_rotated_and_revoked_as_others_are(storage: Storage, keys: Keys, clock: Clock) -> None:
    keyed = Access(storage, clock, open=False, local=False)
    made = keys.create_graph(SALES, expires='1h')
    again = keys.rotate(made.key.id, overlap='0')
    assert again.key.graph == SALES
    told(Unauthorized, lambda: keyed.permit(made.text, 'graph'))
    keyed.permit(again.text, 'graph').check_graph(CHILDREN)
    clock.now += 3_600
    told(Unauthorized, lambda: keyed.permit(again.text, 'graph'))
    other = keys.create_graph(SALES)
    clock.now += REFRESH
    keyed.permit(other.text, 'graph')
    keys.revoke(other.key.id)
    clock.now += REFRESH
    told(Unauthorized, lambda: keyed.permit(other.text, 'graph'))
    keyed.close()


def test_with_origins_it_is_for_their_pages_and_for_our_own(storage: Storage, keys: Keys, clock: Clock) -> None:
    keyed = Access(storage, clock, open=False, local=False)
    made, plain = keys.create_graph(SALES, origins=[BLOG]), keys.create('read', origins=[BLOG])
    ours = {'origin': 'https://Whale.example'.lower(), 'host': 'Whale.example'}
    keyed.permit(made.text, 'graph', origin=BLOG, cross_site=True, host='whale.example')
    keyed.permit(made.text, 'graph', **ours)  # type: ignore[arg-type]
    for origin in ('https://evil.example', None):
        told(Forbidden, lambda origin=origin: keyed.permit(made.text, 'graph', origin=origin, host='whale.example'))  # type: ignore[misc]
    # Who may read more shows that to no page of ours that another may frame.
    told(Forbidden, lambda: keyed.permit(plain.text, 'graph', **ours))  # type: ignore[arg-type]
    keyed.close()


def test_the_pages_of_a_key_are_told_and_nothing_is_refused(
    storage: Storage, keys: Keys, clock: Clock, away: Storage
) -> None:
    made = keys.create_graph(SALES, origins=[BLOG])
    keyed = Access(storage, clock, open=False, local=False)
    assert keyed.origins(made.text) == (BLOG,)
    assert keyed.origins(made.text[:-1] + '!') == keyed.origins('nonsense') == keyed.origins(None) == ()
    assert Access(storage, clock, open=True, local=False).origins(made.text) == ()
    assert Access(away, clock, open=False, local=False).origins(made.text) == ()
