"""Tables: what was counted of each option, in each context, in each hour."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from hailwhale.decisions.contexts import Context
from hailwhale.decisions.policies.arrays import Floats


class Cell(NamedTuple):
    """The sums of one option in one context over one bucket."""

    context: int  #: its place in the table
    option: int  #: its place in the table
    age: float  #: hours since the bucket began
    exposure: float  #: sum of what the reward is divided by: hits, or what was spent
    reward: float  #: sum of what was earned
    times: float = 0.0  #: how often something was earned; 0 where that was not counted


class Moments(NamedTuple):
    """Sums over single decisions, of all options and contexts, from which their scatter is known.

    ``squares`` is None where they were not counted: then each reward is taken to be 1.
    """

    exposure: float
    reward: float
    squares: float | None = None  #: sum of squares of the rewards
    exposures: float | None = None  #: sum of squares of the exposures; None: each is 1
    products: float | None = None  #: sum of exposure times reward; None: each exposure is 1

    def powers(self) -> tuple[float, float, float]:
        """The sums of squares of the rewards, of squares of the exposures, and of products, counted or not."""
        squares = self.reward if self.squares is None else self.squares
        exposures = self.exposure if self.exposures is None else self.exposures
        return squares, exposures, self.reward if self.products is None else self.products

    def swapped(self) -> Moments:
        """With rewards for exposures, and exposures for rewards."""
        squares, exposures, products = self.powers()
        return Moments(self.reward, self.exposure, exposures, squares, products)

    def rest(self, rate: float) -> float:
        """The sum of squares of what rewards are beside a rate times their exposure."""
        squares, exposures, products = self.powers()
        return squares - 2 * rate * products + rate * rate * exposures


class Sums(NamedTuple):
    """What was counted of an option."""

    exposure: float
    reward: float
    times: float = 0.0


#: The fields of sums, by their places; some of them may be read without the others.
Fields = tuple[int, ...]
ALL_FIELDS: Fields = (0, 1, 2)
#: Of an option of which nothing was counted.
NOTHING = Sums(0.0, 0.0)


@dataclass(frozen=True, slots=True)
class Table:
    """Everything that was counted of one decision, for `fit`.

    ``cells`` may be left out where nothing was counted, and may be of buckets of any width: those of the last days are
    hours, older ones days.  They may be rows of an array as well, with the fields of `Cell` as columns.
    """

    contexts: Sequence[Context]
    options: Sequence[str]
    cells: Sequence[Cell] | Floats
    moments: Moments

    def columns(self) -> Floats:
        """The fields of all cells, [field, cell]."""
        return np.asarray(self.cells, float).reshape(-1, len(Cell._fields)).T

    def sums(self) -> dict[tuple[str, str], Sums]:
        """The sums of all cells by context and option; without those of which all are 0."""
        context, option, _, *columns = self.columns()
        # Of many contexts and options few were seen together.
        pairs, places = np.unique(context * len(self.options) + option, return_inverse=True)
        each = zip(*(np.bincount(places, column, len(pairs)).tolist() for column in columns), strict=True)
        names = (divmod(int(pair), len(self.options)) for pair in pairs)
        return {
            (self.contexts[place].text, self.options[number]): Sums(*sums)
            for (place, number), sums in zip(names, each, strict=True)
            if any(sums)
        }
