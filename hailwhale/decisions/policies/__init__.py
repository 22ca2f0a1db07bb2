"""The policy of decisions: from the sums of every option to the weight with which each is chosen.

Pure arithmetic: no clock, no engine, no state.  `Table` holds what was counted, `fit` makes a `Model` of it, and the
model answers the `weights` of the options for a visitor, from which `picked` takes one.
"""

from hailwhale.choices import Reason, Weights, even, picked
from hailwhale.decisions.contexts import Context
from hailwhale.decisions.policies.fitting import fit
from hailwhale.decisions.policies.models import Model
from hailwhale.decisions.policies.tables import Cell, Moments, Sums, Table
from hailwhale.decisions.policies.tuning import Tuning
from hailwhale.decisions.policies.turns import Turn

__all__ = [
    'Cell',
    'Context',
    'Model',
    'Moments',
    'Reason',
    'Sums',
    'Table',
    'Tuning',
    'Turn',
    'Weights',
    'even',
    'fit',
    'picked',
]
