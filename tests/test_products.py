"""Sums of squares and products, against decimals, and how many amounts there were."""

from __future__ import annotations

from decimal import Decimal, localcontext

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hailwhale.errors import InvalidAmount
from hailwhale.metrics import MAX_AMOUNT, MICROS_PER_UNIT
from hailwhale.products import is_product, product_of, square_of, times_of, with_products

#: The largest amount whose square can be counted itself, in units.
LARGEST = 31_622_776
micros = st.integers(-LARGEST * MICROS_PER_UNIT, LARGEST * MICROS_PER_UNIT)


def decimal(amount: int) -> Decimal:
    return Decimal(amount) / MICROS_PER_UNIT


@given(micros, micros)
@example(1, 1)
@example(1_000_001, -500_000)
@example(500, 1_000)
@example(LARGEST * MICROS_PER_UNIT, -LARGEST * MICROS_PER_UNIT)
def test_squares_and_products_are_exact_to_half_a_millionth(spent: int, earned: int) -> None:
    found = with_products({'spent': spent, 'earned': earned})
    with localcontext(prec=60):
        for one, other in [('spent', 'spent'), ('earned', 'earned'), ('earned', 'spent')]:
            amounts = {'spent': decimal(spent), 'earned': decimal(earned)}
            exact = amounts[one] * amounts[other]
            assert abs(decimal(found.get(product_of(one, other), 0)) - exact) <= Decimal('0.0000005')
    assert all(abs(amount) < MAX_AMOUNT * MICROS_PER_UNIT for amount in found.values())


def test_an_event_keeps_its_amounts_and_gets_a_square_and_a_one_of_each_and_a_product_of_each_pair() -> None:
    amounts = {'c': 3_000_000, 'a': 2_000_000, 'hits': 1_000_000, 'b': -500_000}
    assert with_products(amounts) == amounts | {
        'a*a': 4_000_000,
        'b*b': 250_000,
        'c*c': 9_000_000,
        'a*b': -1_000_000,
        'a*c': 6_000_000,
        'b*c': -1_500_000,
        '*a': 1_000_000,
        '*b': 1_000_000,
        '*c': 1_000_000,
    }


def test_hits_and_amounts_of_nothing_have_no_squares() -> None:
    assert with_products({'hits': 2_000_000}) == {'hits': 2_000_000}
    assert with_products({'earned': 0, 'spent': 1_000_000}) == {
        'earned': 0,
        'spent': 1_000_000,
        'spent*spent': 1_000_000,
        '*spent': 1_000_000,
    }


@pytest.mark.parametrize('sign', [1, -1])
def test_an_amount_too_large_to_be_squared_is_refused_with_a_way_out(sign: int) -> None:
    most = sign * LARGEST * MICROS_PER_UNIT
    assert with_products({'earned': most})['earned*earned'] == LARGEST**2 * MICROS_PER_UNIT
    with pytest.raises(
        InvalidAmount, match=r'earned: -?31622776\.000001 is too large .*31,622,776 at the most.*thousands'
    ) as refused:
        with_products({'spent': MICROS_PER_UNIT, 'earned': most + sign})
    assert refused.value.field == 'metrics'
    assert (LARGEST + 1) ** 2 > MAX_AMOUNT


def test_the_name_of_a_product_does_not_depend_on_the_order_of_its_sides() -> None:
    assert product_of('spent', 'earned') == product_of('earned', 'spent') == 'earned*spent'
    assert square_of('earned') == 'earned*earned'
    assert times_of('earned') == '*earned'
    assert [is_product(name) for name in ('earned*spent', '*earned', 'earned', 'hits')] == [True, True, False, False]
