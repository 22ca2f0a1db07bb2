"""Results of split tests: which variant is better, by what was counted, and how sure that is.

`results` reads the sums of every variant and answers `Results`: by goal and variant a headline that is valid however
often one looks, or a typed reason why there is none.  It needs ``hailwhale[decide]``.
"""

from hailwhale.experiments.results.answers import (
    Belief,
    GoalResults,
    Once,
    Outlook,
    Refusal,
    Results,
    Segment,
    Shares,
    Variant,
    Verdict,
)
from hailwhale.experiments.results.asking import results

__all__ = [
    'Belief',
    'GoalResults',
    'Once',
    'Outlook',
    'Refusal',
    'Results',
    'Segment',
    'Shares',
    'Variant',
    'Verdict',
    'results',
]
