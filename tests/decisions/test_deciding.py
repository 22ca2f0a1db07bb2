"""The whale decides: its calls, on the class too, and visitors who come, are decided for and counted; every engine."""

from __future__ import annotations

import threading
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from random import Random
from typing import Any

import pytest

from hailwhale import Whale
from hailwhale.choices import CostWarning, Reason
from hailwhale.decisions import deciding
from hailwhale.decisions.contexts import Context
from hailwhale.decisions.decider import Decider
from hailwhale.decisions.deciding import Deciding
from hailwhale.decisions.reading import Today
from hailwhale.errors import InvalidFormula, InvalidInput, LimitExceeded
from hailwhale.kept import Kept
from hailwhale.settings import Settings
from hailwhale.storage import Columns, SeriesRead, Storage
from tests.clocks import NOW, Clock
from tests.decisions.test_decider import FORMULA, OPTIONS, UK, US, Seconds, Work, tell, tell_some

ASKED = ('Page', 'color')


@pytest.fixture
def default(whale: Whale) -> Iterator[Whale]:
    """The whale on which calls on the class work."""
    Whale.use(whale)
    yield whale
    Whale.use(None)


@pytest.fixture
def clear(default: Whale) -> Whale:
    """One option is clearly good, one clearly bad, and of the third nothing was counted."""
    for visitor in (US, UK):
        tell(default, 'red', 600, 30, visitor)
        tell(default, 'blue', 600, 240, visitor)
    return default


def test_calls_on_the_class_count_and_decide_on_the_default_instance(default: Whale) -> None:
    assert Whale.decide(*ASKED, OPTIONS) in OPTIONS
    for _ in range(3):
        assert Whale.count_decided_now(*ASKED, 'blue', US)
        assert Whale.count_decided_now(*ASKED, 'blue', US, {'earned': 2})
    assert default.today([*ASKED, 'blue'], 'earned/hits') == 2
    decision = Whale.decision(*ASKED, OPTIONS, FORMULA, US, visitor='me', explain=True)
    assert {reason.option: reason.exposure for reason in decision.reasons} == {'blue': 3, 'red': 0, 'green': 0}
    assert Whale.reasons_for(*ASKED, OPTIONS, FORMULA, US) == list(decision.reasons)
    assert {one.option for one in Whale.decide_many(*ASKED, OPTIONS, [US, UK], FORMULA)} <= set(OPTIONS)
    sorted_ones = Whale.weighted_reasons(*ASKED, OPTIONS, FORMULA, US)
    assert Whale.decide_from_reasons(*sorted_ones) in OPTIONS
    assert {reason.option for reasons in sorted_ones for reason in reasons} == set(OPTIONS)


def test_the_option_to_show_is_that_of_the_whole_decision(default: Whale) -> None:
    tell_some(default)
    for number in range(20):
        for more in ({'seed': number}, {'visitor': number}, {'visitor': number, 'holdout': 0.5}):
            whole = Whale.decision(*ASKED, OPTIONS, FORMULA, US, 'today', 'min', **more)
            assert Whale.decide(*ASKED, OPTIONS, FORMULA, US, 'today', 'min', **more) == whole.option
        bot: dict[str, Any] = {'visitor': number, 'bot': True}
        assert Whale.decide(*ASKED, OPTIONS, FORMULA, **bot) == Whale.decision(*ASKED, OPTIONS, **bot).option
    assert Whale.decision(*ASKED, OPTIONS, bot=True).by == 'bot'


def test_a_decision_may_have_its_whole_name_in_its_pk(clear: Whale) -> None:
    by_name = clear.decision('Page', 'color', ['red', 'blue'], FORMULA, US, seed=3)
    assert clear.decision(['Page', 'color'], None, ['red', 'blue'], FORMULA, US, seed=3) == by_name
    assert by_name.weights['blue'] > 0.9


def test_many_visitors_are_each_decided_for_as_alone(default: Whale) -> None:
    tell_some(default)
    visitors = [US, {'visitor': 'me', 'dimensions': UK}, {'visitor': 7}, None, ['UK', 'London'], {'dimensions': US}]
    found = default.decide_many(*ASKED, OPTIONS, visitors, FORMULA, None, 'min', explain=True)
    alone: list[tuple[object, object]] = [
        (US, None),
        (UK, 'me'),
        (None, 7),
        (None, None),
        (['UK', 'London'], None),
        (US, None),
    ]
    for decision, (known, visitor) in zip(found, alone, strict=True):
        one = default.decision(*ASKED, OPTIONS, FORMULA, known, None, 'min', visitor=visitor, explain=True)
        assert (decision.weights, decision.reasons, decision.sticky) == (one.weights, one.reasons, visitor is not None)
        if one.sticky:
            assert decision == one
    assert default.decide_many(*ASKED, OPTIONS, [{'visitor': 1}], holdout=1)[0].by == 'holdout'
    assert default.decide_many(*ASKED, OPTIONS, ()) == []


def test_many_visitors_are_read_in_one_round_trip(default: Whale, monkeypatch: pytest.MonkeyPatch) -> None:
    tell_some(default)
    default.decide(*ASKED, OPTIONS, FORMULA)
    read, asked = default.storage.read_series, []

    def counted(reads: Sequence[SeriesRead]) -> list[Columns]:
        asked.append(len(reads))
        return read(reads)

    monkeypatch.setattr(default.storage, 'read_series', counted)
    default.decide_many(*ASKED, OPTIONS, [US, UK, {'country': 'DE', 'device': 'desk'}] * 20, FORMULA)
    # Each option in each of three contexts.
    assert asked == [9]


def test_many_contexts_are_read_in_parts_and_decided_for_as_at_once(
    default: Whale, monkeypatch: pytest.MonkeyPatch
) -> None:
    tell_some(default)
    visitors = [{'visitor': number, 'dimensions': {'country': f'c{number}'}} for number in range(5)]
    at_once = default.decide_many(*ASKED, OPTIONS, visitors, FORMULA)
    read, asked = Today.read, []

    def counted(
        today: Today, storage: Storage, kept: Kept, contexts: Sequence[Context], *more: Any
    ) -> list[dict[str, list[float]]]:
        asked.append(len(contexts))
        return read(today, storage, kept, contexts, *more)

    monkeypatch.setattr(Today, 'read', counted)
    for together, reads in [(6, [2, 2, 1]), (1, [1] * 5)]:
        monkeypatch.setattr('hailwhale.decisions.decider._TOGETHER', together)
        assert default.decide_many(*ASKED, OPTIONS, visitors, FORMULA) == at_once
        assert asked == reads
        asked.clear()


def test_a_whale_that_was_closed_reads_what_is_counted_later(default: Whale, monkeypatch: pytest.MonkeyPatch) -> None:
    tell_some(default)

    def refuse(*_: object, **__: object) -> None:
        pytest.fail('the connections that were closed are used again')

    def shown() -> float:
        found = default.decision(*ASKED, OPTIONS, FORMULA, US, explain=True)
        return sum(reason.exposure for reason in found.reasons)

    before = shown()
    engine = default.storage.engine
    default.close()
    monkeypatch.setattr(engine, 'run', refuse)
    default.count_decided_now(*ASKED, OPTIONS[0], US)
    assert shown() == before + 1


def test_what_takes_long_for_many_visitors_is_worked_out_where_models_are(whale: Whale) -> None:
    tell_some(whale)
    work = Work()
    decider = Decider(whale, compute=work.compute)
    few = [{'visitor': number, 'dimensions': US} for number in range(100)]
    decider.decide_many(few, *ASKED, OPTIONS, FORMULA)
    assert work.made == 1
    more = [*few, {'visitor': 100, 'dimensions': UK}]
    assert decider.decide_many(more, *ASKED, OPTIONS, FORMULA)[:100] == decider.decide_many(
        few, *ASKED, OPTIONS, FORMULA
    )
    # Their names and their options; there are few contexts.
    assert work.made == 3


def test_each_of_many_may_have_a_seed_or_be_a_bot(default: Whale) -> None:
    tell_some(default)
    visitors = [{'dimensions': US, 'seed': 5}, {'visitor': 'me', 'bot': True}, {'visitor': 'me', 'bot': False}]
    seeded, bot, me = default.decide_many(*ASKED, OPTIONS, visitors, FORMULA)
    assert seeded == default.decision(*ASKED, OPTIONS, FORMULA, US, seed=5)
    assert bot == default.decision(*ASKED, OPTIONS, visitor='me', bot=True)
    assert me == default.decision(*ASKED, OPTIONS, FORMULA, visitor='me')
    assert [one.by for one in default.decide_many(*ASKED, OPTIONS, visitors[1:], holdout=1)] == ['bot', 'holdout']


BAD_VISITORS: dict[str, tuple[object, str]] = {
    'more keys': (
        {'visitor': 'new', 'country': 'US'},
        "'country' beside visitor or dimensions (there are visitor, dimensions, bot, seed; all that is known",
    ),
    'a number as key': ({'dimensions': {}, 5: 'x'}, '5 beside'),
    'bot': ({'visitor': 1, 'bot': 'yes'}, "neither yes nor no: 'yes' (bot is true or false)"),
    'seed': ({'visitor': 1, 'seed': 'x'}, "not a seed: 'x' (a whole number)"),
    'name': ({'visitor': ''}, "not a visitor: ''"),
    'dimensions': ({'dimensions': {'__context__': 'x'}}, '__context__ and __holdout__'),
    'dimensions alone': (3.5j, 'not a name: a complex'),
}


@pytest.mark.parametrize('name', BAD_VISITORS)
def test_one_of_many_that_cannot_be_read_is_refused_by_its_place(default: Whale, name: str) -> None:
    given, message = BAD_VISITORS[name]
    with pytest.raises(InvalidInput) as refused:
        default.decide_many(*ASKED, OPTIONS, [US, given])
    assert refused.value.field == 'visitors'
    assert refused.value.message.startswith('visitors[1]: ')
    assert message in refused.value.message


def test_of_many_a_holdout_needs_the_names_and_a_share(default: Whale) -> None:
    with pytest.raises(InvalidInput, match=r'visitors\[1\]: a hold-out needs to know visitors again') as refused:
        default.decide_many(*ASKED, OPTIONS, [{'visitor': 1}, US], holdout=0.5)
    assert refused.value.field == 'visitors'
    with pytest.raises(InvalidInput, match='not a share of visitors: 2') as refused:
        default.decide_many(*ASKED, OPTIONS, [US], holdout=2)
    assert refused.value.field == 'holdout'


def test_a_dimension_may_have_the_name_of_what_is_said_of_visitors(default: Whale) -> None:
    default.count_decided_now(*ASKED, 'red', {'bot': 'new', 'country': 'US'})
    visitors = [{'bot': 'new', 'country': 'US'}, {'dimensions': {'bot': 'new', 'country': 'US'}}]
    for found in default.decide_many(*ASKED, OPTIONS, visitors, explain=True):
        assert {reason.option: reason.exposure for reason in found.reasons} == {'red': 1, 'blue': 0, 'green': 0}


@pytest.mark.parametrize('visitors', ['me', None, {'country': 'US'}, 5])
def test_visitors_that_are_no_list_are_refused(default: Whale, visitors: object) -> None:
    with pytest.raises(InvalidInput, match='not visitors') as refused:
        default.decide_many(*ASKED, OPTIONS, visitors)  # type: ignore[arg-type]
    assert refused.value.field == 'visitors'


def test_more_visitors_than_one_call_may_have_are_refused(default: Whale, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(LimitExceeded, match=r'10,001 visitors, more than 10,000 \(ask in parts\)'):
        default.decide_many(*ASKED, OPTIONS, [None] * 10_001)
    monkeypatch.setattr(deciding, 'MOST_VISITORS', 2)
    assert len(default.decide_many(*ASKED, OPTIONS, [None] * 2)) == 2


def test_more_weights_than_one_call_may_answer_are_refused(default: Whale) -> None:
    options = list(range(1_000))
    message = r'201 visitors of 1,000 options are more than 200,000 weights \(ask for 200 visitors at a time\)'
    with pytest.raises(LimitExceeded, match=message) as refused:
        default.decide_many(*ASKED, options, [None] * 201)
    assert refused.value.field == 'visitors'
    assert len(default.decide_many(*ASKED, options, [None] * 200)) == 200


# -- reasons ----------------------------------------------------------------------------------------------------------


def test_reasons_sort_a_winner_a_loser_and_an_option_that_was_never_shown(clear: Whale) -> None:
    good, bad, test = clear.weighted_reasons(*ASKED, OPTIONS, FORMULA, US)
    assert [[reason.option for reason in reasons] for reasons in (good, bad, test)] == [['blue'], ['red'], ['green']]
    (blue,), (red,), (green,) = good, bad, test
    assert (blue.exposure, blue.reward, red.exposure, red.reward, green.exposure) == (600, 240, 600, 30, 0)
    assert blue.mean == pytest.approx(0.4, abs=0.08)
    assert red.mean == pytest.approx(0.05, abs=0.05)
    assert blue.weight > red.weight
    ranked = clear.reasons_for(*ASKED, OPTIONS, FORMULA, US)
    assert [reason.weight for reason in ranked] == sorted((reason.weight for reason in ranked), reverse=True)


def test_thresholds_say_what_is_bad_and_what_is_to_be_tested(clear: Whale) -> None:
    def options(**thresholds: Any) -> tuple[set[str], ...]:
        found = clear.weighted_reasons(*ASKED, ['red', 'blue'], FORMULA, US, **thresholds)
        return tuple({reason.option for reason in reasons} for reasons in found)

    assert options() == ({'blue'}, {'red'}, set())
    assert options(bad_idea_threshold=0, test_idea_threshold=10) == ({'red', 'blue'}, set(), set())
    assert options(bad_idea_threshold=0, test_idea_threshold=0) == (set(), set(), {'red', 'blue'})
    assert options(bad_idea_threshold=1.1) == (set(), {'red', 'blue'}, set())


def test_of_reasons_only_those_given_are_chosen_among_each_by_its_weight() -> None:
    reasons = [Reason(name, 1, 1, 1, None, None, weight) for name, weight in [('a', 0.1), ('b', 0.3), ('c', 0.6)]]
    found = Counter(Whale.decide_from_reasons(reasons[:1], (), reasons[1:2], seed=seed) for seed in range(800))
    assert set(found) == {'a', 'b'}
    assert abs(found['a'] - 200) < 4.5 * (800 * 0.25 * 0.75) ** 0.5
    assert Whale.decide_from_reasons([], [replace(reasons[2], weight=1e-9)]) == 'c'
    every = Counter(Whale.decide_from_reasons(*[[reason] for reason in reasons], seed=seed) for seed in range(800))
    assert abs(every['c'] - 480) < 4.5 * (800 * 0.6 * 0.4) ** 0.5
    assert {Whale.decide_from_reasons(reasons) for _ in range(100)} >= {'b', 'c'}


def test_no_reasons_decide_nothing() -> None:
    with pytest.raises(InvalidInput, match='no reasons to decide from') as refused:
        Whale.decide_from_reasons([])
    assert refused.value.field == 'good'
    with pytest.raises(InvalidInput, match=r'not a seed: 1\.5'):
        Whale.decide_from_reasons([Reason('a', 1, 1, 1, None, None, 1)], seed=1.5)  # type: ignore[arg-type]


@pytest.mark.parametrize('threshold', ['x', None, -0.1, True, float('nan')])
@pytest.mark.parametrize('field', ['bad_idea_threshold', 'test_idea_threshold'])
def test_a_threshold_is_a_number_from_0(default: Whale, field: str, threshold: object) -> None:
    with pytest.raises(InvalidInput, match=r'not a threshold: .* \(a number from 0, such as 0\.05\)') as refused:
        default.weighted_reasons(*ASKED, OPTIONS, FORMULA, **{field: threshold})  # type: ignore[arg-type]
    assert refused.value.field == field


@pytest.mark.parametrize('reasons', [['x'], 'x', 5, None, [None], [{'option': 'a', 'weight': 1}]])
def test_what_is_no_reason_decides_nothing(reasons: object) -> None:
    with pytest.raises(InvalidInput, match=r'not a reason: .* \(give those of weighted_reasons\)') as refused:
        Whale.decide_from_reasons([Reason('a', 1, 1, 1, None, None, 1)], (), reasons)  # type: ignore[arg-type]
    assert refused.value.field == 'test'


# -- formulas, periods, goals -----------------------------------------------------------------------------------------


def test_a_ratio_of_two_metrics_is_compared(default: Whale) -> None:
    rng = Random(3)
    for option, worth in [('red', 1), ('blue', 4)]:
        for _ in range(60):
            spent = rng.choice([1, 2, 3])
            default.count_decided_now(*ASKED, option, US, {'spent': spent, 'earned': worth * spent, 'hits': 1})
    decision = default.decision(*ASKED, ['red', 'blue'], 'earned/spent', US, explain=True)
    blue, red = decision.reasons
    assert (blue.option, blue.exposure > 60, blue.reward) == ('blue', True, 4 * blue.exposure)
    assert red.mean is not None
    assert blue.mean is not None
    assert blue.mean > 2 * red.mean
    assert decision.weights['blue'] > 0.8


def test_a_period_says_what_is_compared(default: Whale) -> None:
    for at, winner in [(NOW - 3 * 86_400, 'red'), (NOW, 'blue')]:
        for option in ('red', 'blue'):
            tell(default, option, 300, 150 if option == winner else 15, US, at=at)
    for period, winner in [('2037-11-19', 'red'), ('today', 'blue')]:
        assert default.decision(*ASKED, ['red', 'blue'], FORMULA, US, period).weights[winner] > 0.9


@pytest.mark.parametrize('metric', ['spent', 'cost'])
def test_to_want_the_most_of_a_cost_is_warned_of_where_it_is_asked(default: Whale, metric: str) -> None:
    message = f"the most {metric} is chosen, .* goal='min'"
    with pytest.warns(CostWarning, match=message) as warned:
        decision = default.decision(*ASKED, OPTIONS, f'{metric}/hits')
    with pytest.warns(CostWarning, match=message) as on_class:
        Whale.decide(*ASKED, OPTIONS, metric)
    assert decision.warning == str(warned[0].message)
    assert [one.filename for one in [*warned, *on_class]] == [__file__] * 2


def test_the_least_of_a_cost_or_the_most_of_something_else_is_no_reason_to_warn(default: Whale) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        assert default.decision(*ASKED, OPTIONS, 'spent/hits', goal='min').warning is None
        assert default.decision(*ASKED, OPTIONS, 'earned/spent').warning is None


def test_what_reads_no_formula_names_what_is_wrong(default: Whale) -> None:
    for call in (default.decide, default.decision, default.reasons_for, default.weighted_reasons):
        with pytest.raises(InvalidFormula, match='decisions compare a metric, or one over another'):
            call(*ASKED, OPTIONS, 'earned/2')
        with pytest.raises(InvalidInput, match='not a goal'):
            call(*ASKED, OPTIONS, FORMULA, goal='much')


# -- one whale --------------------------------------------------------------------------------------------------------


def test_threads_share_what_decides_for_a_whale(whale: Whale) -> None:
    barrier = threading.Barrier(8)

    def find(_: int) -> Deciding:
        barrier.wait()
        found = whale.deciding
        assert isinstance(found, Deciding)
        return found

    with ThreadPoolExecutor(8) as pool:
        assert len(set(map(id, pool.map(find, range(8))))) == 1


def test_a_whale_that_hung_up_decides_again(clear: Whale) -> None:
    before = clear.decision(*ASKED, OPTIONS, FORMULA, US).weights
    clear.close()
    assert clear.decision(*ASKED, OPTIONS, FORMULA, US).weights == before


# -- visitors who come ------------------------------------------------------------------------------------------------


def test_what_wins_in_one_country_alone_is_what_that_country_gets_in_the_end(
    embedded_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng, seconds = Random(11), Seconds(0.0)
    monkeypatch.setattr('hailwhale.decisions.decider.monotonic', seconds)
    best = {'US': 'red', 'DE': 'red', 'UK': 'blue'}
    right = []
    with Whale(embedded_url, settings=Settings.load({}), clock=Clock()) as whale:
        assert isinstance(whale.deciding, Deciding)
        # Models are made between the visitors, so that each run is the same.
        whale.deciding.decider.behind = lambda work: work()
        for _ in range(2_000):
            seconds.now += 1
            country = rng.choice(list(best))
            known = {'country': country, 'device': rng.choice(['phone', 'desk'])}
            option = whale.decide(*ASKED, OPTIONS, FORMULA, known, seed=rng.randrange(2**32))
            whale.count_decided_now(*ASKED, option, known)
            if rng.random() < (0.5 if option == best[country] else 0.1):
                whale.count_decided_now(*ASKED, option, known, {'earned': 1})
            right.append(option == best[country])
        shown = sum(whale.today([*ASKED, option]) for option in OPTIONS)
    assert shown == 2_000
    assert sum(right[-300:]) > 240
    assert sum(right[-300:]) > sum(right[:300])


@pytest.mark.parametrize('formula', ['earned/hits', 'earned/spent'])
def test_amounts_whose_squares_are_too_small_to_be_counted_are_learned_of(default: Whale, formula: str) -> None:
    for option, worth in [('a', '0.0001'), ('b', '0.0003')]:
        event = default.decided_event(*ASKED, option, US, {'hits': 1, 'earned': worth, 'spent': '0.0002'})
        assert default.count_many([event] * 1_000).refused == []
    assert default.today(ASKED, 'earned*earned') == 0
    decision = default.decision(*ASKED, ['a', 'b'], formula, US, explain=True)
    assert decision.weights['b'] > 0.9
    worth_of = {reason.option: reason.mean for reason in decision.reasons}
    assert worth_of['b'] is not None
    assert worth_of['a'] is not None
    assert worth_of['b'] > 2 * worth_of['a']
