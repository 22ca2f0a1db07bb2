"""What is behind `Whale.decide` and its kin."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hailwhale.choices import MOST_VISITORS, Decision, Reason
from hailwhale.decisions.decider import Decider
from hailwhale.errors import InvalidInput, LimitExceeded
from hailwhale.whale import Whale


class Deciding:
    """Decisions of one whale; what else is given goes to its `Decider`."""

    def __init__(self, whale: Whale, **more: Any) -> None:
        self.decider = Decider(whale, **more)

    def decision(self, *args: Any, **more: Any) -> Decision:
        """See `Whale.decision`."""
        return self.decider.decide(*args, **more)

    def decide_many(
        self, visitors: Sequence[object], pk_base: object, decision_name: object, options: object, **more: Any
    ) -> list[Decision]:
        """See `Whale.decide_many`."""
        if isinstance(visitors, str) or not isinstance(visitors, Sequence):
            raise InvalidInput(f'not visitors: {visitors!r:.80} (a list of their dimensions)', field='visitors')
        if len(visitors) > MOST_VISITORS:
            raise LimitExceeded(
                f'{len(visitors):,} visitors, more than {MOST_VISITORS:,} (ask in parts)', field='visitors'
            )
        return self.decider.decide_many(visitors, pk_base, decision_name, options, **more)

    def reasons(self, *args: Any, **more: Any) -> list[Reason]:
        """See `Whale.reasons_for`."""
        return self.decider.reasons(*args, **more)
