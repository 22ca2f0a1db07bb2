"""Statistics of split tests: sums in, typed results out; neither clock nor engine.

`compare` two versions, check that visitors were split as planned (`sample_ratio`), correct for several tests
(`adjust`), plan a test (`sample_size`, `detectable_effect`).  Numbers are floats; it needs ``hailwhale[decide]``.
"""

from hailwhale.experiments.statistics.answers import NotEnoughData, NoValidMethod, Shortage
from hailwhale.experiments.statistics.bayes import Prior
from hailwhale.experiments.statistics.comparison import Comparison, compare
from hailwhale.experiments.statistics.headlines import Headline
from hailwhale.experiments.statistics.multiple import adjust
from hailwhale.experiments.statistics.sequential import (
    bernoulli_confidence_interval,
    conversion_mixture,
    normal_mixture_bound,
    product_eprocess,
)
from hailwhale.experiments.statistics.sizes import (
    DetectableEffect,
    SampleSize,
    detectable_effect,
    sample_size,
)
from hailwhale.experiments.statistics.sizes import detectable_effect as minimum_detectable_effect
from hailwhale.experiments.statistics.splits import SampleRatio, sample_ratio
from hailwhale.experiments.statistics.sums import Sums

__all__ = [
    'Comparison',
    'DetectableEffect',
    'Headline',
    'NoValidMethod',
    'NotEnoughData',
    'Prior',
    'SampleRatio',
    'SampleSize',
    'Shortage',
    'Sums',
    'adjust',
    'bernoulli_confidence_interval',
    'compare',
    'conversion_mixture',
    'detectable_effect',
    'minimum_detectable_effect',
    'normal_mixture_bound',
    'product_eprocess',
    'sample_ratio',
    'sample_size',
]
