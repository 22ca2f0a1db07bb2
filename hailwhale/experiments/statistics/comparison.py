"""Two versions compared: every result that their sums allow, each computed when it is read."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, Literal, SupportsFloat

from hailwhale.errors import InvalidInput
from hailwhale.experiments.statistics import bayes, fixed, sequential
from hailwhale.experiments.statistics.answers import (
    Arms,
    DeltaMethod,
    Evidence,
    ExactBeta,
    Fields,
    Interval,
    Named,
    Normal,
    NotEnoughData,
    NoValidMethod,
    Posterior,
    Rate,
    Sequential,
    Statistic,
    TTest,
)
from hailwhale.experiments.statistics.eprocess import EXPECTED_LIFT
from hailwhale.experiments.statistics.headlines import (
    ALLOCATIONS,
    Allocation,
    Headline,
    Plan,
    counted_share,
    headline,
    missing_of,
)
from hailwhale.experiments.statistics.moments import Difference, Moments, absolute, moments_of, relative
from hailwhale.experiments.statistics.numbers import (
    a_lift,
    count,
    fraction,
    interval_of,
    number,
    one_of,
    positive,
    shares_of,
    told,
)
from hailwhale.experiments.statistics.sums import KINDS, ROUNDING, Kind, Sums, of_arm

Given = Sums | Mapping[str, SupportsFloat] | Sequence[SupportsFloat]

# A prior of the lift by its mean and standard deviation.
_NAMED_PRIOR = re.compile(
    r'bayes_prior_N\((-?[0-9]{1,9}(?:\.[0-9]{1,9})?), ?([0-9]{1,9}(?:\.[0-9]{1,9})?)\)_(relative|absolute)'
)
_ALWAYS = (
    *('headline', 'control', 'variant', 't_relative', 't_absolute', 'sequential_relative', 'sequential_absolute'),
    *('bayes_flat_relative', 'bayes_flat_absolute', 'bayes_prior_relative', 'bayes_prior_absolute', 'theta'),
)
_OF_KIND = {
    'binomial': (
        *('exact_beta', 'proportions_ztest', 'chi2_contingency_p', 'fisher_exact_p', 'confint_2indep_diff_wald'),
        *('confint_2indep_diff_newcomb', 'confint_2indep_diff_agresti_caffo', 'confint_2indep_diff_score'),
        'miettinen_nurminen',
        *('proportion_confint_wilson', 'confidence_sequence', 'conversion_mixture', 'product_eprocess'),
    ),
    'mean': ('ttest_ind_from_stats', 'normal', 'mean_sd'),
    'ratio': ('delta_method',),
}


class Comparison(Named):
    """What the sums of two versions say; a is the control, b the variant.

    ``headline`` is what to show: valid however often one looks (`Headline`), or `NotEnoughData`, or `NoValidMethod`;
    the latter two are false.  Everything else is for one look at a planned end and for splits by fixed shares, except
    ``sequential_*``, ``confidence_sequence``, ``conversion_mixture`` (any look, fixed shares) and
    ``product_eprocess`` (any look, any split); ``cautions`` says so where it matters.

    ========================================  =================================================================
    any kind                                  ``t_relative t_absolute`` (Welch), ``sequential_relative
                                              sequential_absolute``, ``bayes_flat_relative bayes_flat_absolute``,
                                              ``bayes_prior_relative bayes_prior_absolute`` (None without a prior),
                                              ``control variant`` (`Rate`), ``theta`` (of CUPED, or None)
    binomial                                  ``exact_beta proportions_ztest chi2_contingency_p fisher_exact_p
                                              confint_2indep_diff_{wald,newcomb,agresti_caffo,score}
                                              miettinen_nurminen proportion_confint_wilson confidence_sequence
                                              conversion_mixture product_eprocess``
    mean                                      ``ttest_ind_from_stats normal mean_sd``
    ratio                                     ``delta_method``
    ========================================  =================================================================

    Each is an attribute, readable by ``[...]`` and as of a mapping (``in``, ``get``, ``dict``) too; of another kind it
    raises `AttributeError` (`KeyError`).  ``sequential20000_relative`` is ``sequential_relative`` with that tuning,
    ``['bayes_prior_N(0,0.3)_relative']`` is ``bayes_prior_relative`` with that prior.  ``as_dict()`` has all but these.
    """

    def __init__(self, sums: tuple[Sums, Sums], plan: Plan, prior: bayes.Prior | None) -> None:
        self.sums = sums
        self.plan = plan
        self.prior = prior
        self.kind = plan.kind
        self.alpha = plan.alpha
        self._a, self._b, self.theta = moments_of(*sums, plan.kind)

    def __repr__(self) -> str:
        return f'Comparison({self.sums[0]!r}, {self.sums[1]!r}, kind={self.kind!r}, alpha={self.alpha:g})'

    def __getattr__(self, name: str) -> Any:
        found = re.fullmatch(r'sequential([0-9]{1,15})_(relative|absolute)', name)
        if found and int(found[1]):
            difference = self._relative if found[2] == 'relative' else self._absolute
            return sequential.asymptotic(difference, self.alpha, float(found[1]))
        raise AttributeError(f'a comparison of kind {self.__dict__.get("kind")} has no {name}')

    def __getitem__(self, name: str) -> Any:
        prior = _NAMED_PRIOR.fullmatch(name)
        if prior and float(prior[2]):
            return getattr(self._under(bayes.Prior(float(prior[1]), float(prior[2]))), f'bayes_prior_{prior[3]}')
        # 'scipy.fisher_exact_p' and 'exact_beta(1,1)' are read as fisher_exact_p and exact_beta.
        plain = re.sub(r'^[a-z]+\.|(_N)?\([^)]*\)|_numpy$', '', name).replace('-', '_')
        try:
            return getattr(self, plain)
        except AttributeError as error:
            raise KeyError(name) from error

    def _under(self, prior: bayes.Prior) -> Comparison:
        return self if prior == self.prior else Comparison(self.sums, self.plan, prior)

    def as_dict(self) -> dict[str, object]:
        """Every result by name, ready for JSON: inner results as dicts, intervals as lists."""
        return {name: _plain(getattr(self, name)) for name in self.keys()}

    def keys(self) -> list[str]:
        return ['kind', 'alpha', *_ALWAYS, *_OF_KIND[self.kind], 'cautions']

    @cached_property
    def headline(self) -> Headline | NotEnoughData | NoValidMethod:
        return headline(*self.sums, (self._a, self._b), self.plan)

    @cached_property
    def missing(self) -> NotEnoughData | None:
        """What both versions have too little of for anything to be said of them."""
        return missing_of(*self.sums, (self._a, self._b), self.plan)

    @cached_property
    def cautions(self) -> tuple[str, ...]:
        """What not to read the other results as."""
        found = []
        if self.plan.allocation == 'adaptive':
            found.append('the split was adaptive: rates of seldom played versions are biased; trust only the headline')
        if isinstance(self.headline, Headline) and self.headline.method == 'asymptotic':
            found.append(
                'the headline assumes nearly normal means: distrust it where few visitors have most of the sum'
            )
        return tuple(found)

    @cached_property
    def control(self) -> Rate:
        return self._rate(self._a, self.sums[0])

    @cached_property
    def variant(self) -> Rate:
        return self._rate(self._b, self.sums[1])

    def _rate(self, moments: Moments, sums: Sums) -> Rate:
        if self.kind == 'binomial' and self.theta is None:
            return Rate(sums.n, sums.sum, moments.mean, fixed.wilson(sums.n, sums.sum, self.alpha), self.alpha)
        width = -bayes.quantile(self.alpha / 2) * moments.se
        return Rate(sums.n, sums.sum, moments.mean, (moments.mean - width, moments.mean + width), self.alpha)

    @cached_property
    def _relative(self) -> Difference:
        return relative(self._a, self._b)

    @cached_property
    def _absolute(self) -> Difference:
        return absolute(self._a, self._b)

    @cached_property
    def t_relative(self) -> TTest:
        return fixed.t_test(self._relative, self.alpha)

    @cached_property
    def t_absolute(self) -> TTest:
        return fixed.t_test(self._absolute, self.alpha)

    @cached_property
    def sequential_relative(self) -> Sequential:
        return sequential.asymptotic(self._relative, self.alpha, self.plan.tuning)

    @cached_property
    def sequential_absolute(self) -> Sequential:
        return sequential.asymptotic(self._absolute, self.alpha, self.plan.tuning)

    @cached_property
    def bayes_flat_relative(self) -> Posterior:
        return bayes.posterior(self._relative, self.alpha, lower_wins=self.plan.lower_wins)

    @cached_property
    def bayes_flat_absolute(self) -> Posterior:
        return bayes.posterior(self._absolute, self.alpha, lower_wins=self.plan.lower_wins)

    @cached_property
    def bayes_prior_relative(self) -> Posterior | None:
        if self.prior is None:
            return None
        return bayes.posterior(self._relative, self.alpha, self.prior, lower_wins=self.plan.lower_wins)

    @cached_property
    def bayes_prior_absolute(self) -> Posterior | None:
        """The prior of the lift, times the control's mean."""
        base = abs(self._a.raw_mean)
        if self.prior is None:
            return None
        if not base:
            return bayes.posterior(self._relative, self.alpha)
        scaled = bayes.Prior(self.prior.mean * base, self.prior.sd * base)
        return bayes.posterior(self._absolute, self.alpha, scaled, lower_wins=self.plan.lower_wins)

    def _only(self, kind: Kind, name: str) -> None:
        if self.kind != kind:
            raise AttributeError(f'a comparison of kind {self.kind} has no {name}')

    def _counts(self, name: str) -> tuple[float, float, float, float]:
        self._only('binomial', name)
        return self.sums[0].n, self.sums[0].sum, self.sums[1].n, self.sums[1].sum

    @cached_property
    def exact_beta(self) -> ExactBeta:
        return bayes.exact_beta(*self._counts('exact_beta'), self.alpha, lower_wins=self.plan.lower_wins)

    @cached_property
    def proportions_ztest(self) -> Statistic:
        return fixed.z_pooled(*self._counts('proportions_ztest'))

    @property
    def chi2_contingency_p(self) -> float:
        """Pearson's chi-square test of the two by two table without correction: the pooled z test, squared."""
        return fixed.z_pooled(*self._counts('chi2_contingency_p')).p

    @cached_property
    def fisher_exact_p(self) -> float | None:
        return fixed.fisher_exact_p(*self._counts('fisher_exact_p'))

    @cached_property
    def confint_2indep_diff_wald(self) -> Interval:
        return fixed.wald(*self._counts('confint_2indep_diff_wald'), self.alpha)

    @cached_property
    def confint_2indep_diff_newcomb(self) -> Interval:
        return fixed.newcomb(*self._counts('confint_2indep_diff_newcomb'), self.alpha)

    @cached_property
    def confint_2indep_diff_agresti_caffo(self) -> Interval:
        return fixed.agresti_caffo(*self._counts('confint_2indep_diff_agresti_caffo'), self.alpha)

    @cached_property
    def confint_2indep_diff_score(self) -> Interval:
        """As statsmodels has it, to the digit; `miettinen_nurminen` is what its paper says."""
        return fixed.score_of_statsmodels(*self._counts('confint_2indep_diff_score'), self.alpha)

    @cached_property
    def miettinen_nurminen(self) -> Interval:
        return fixed.score(*self._counts('miettinen_nurminen'), self.alpha)

    @cached_property
    def proportion_confint_wilson(self) -> Arms:
        n_a, s_a, n_b, s_b = self._counts('proportion_confint_wilson')
        return Arms(fixed.wilson(n_a, s_a, self.alpha), fixed.wilson(n_b, s_b, self.alpha))

    @cached_property
    def confidence_sequence(self) -> Arms:
        """Each version's rate by itself, at every look."""
        n_a, s_a, n_b, s_b = self._counts('confidence_sequence')
        sequence = sequential.bernoulli_confidence_interval
        return Arms(sequence(s_a, n_a, self.alpha), sequence(s_b, n_b, self.alpha))

    @cached_property
    def conversion_mixture(self) -> Evidence:
        n_a, s_a, n_b, s_b = self._counts('conversion_mixture')
        return sequential.conversion_mixture(s_a, s_b, self.plan.share or counted_share(n_a, n_b))

    @cached_property
    def product_eprocess(self) -> Evidence:
        return sequential.product_eprocess(*self._counts('product_eprocess'))

    @cached_property
    def ttest_ind_from_stats(self) -> Statistic:
        self._only('mean', 'ttest_ind_from_stats')
        return fixed.welch(self._absolute)

    @cached_property
    def normal(self) -> Normal:
        self._only('mean', 'normal')
        return bayes.normal(self._absolute, lower_wins=self.plan.lower_wins)

    @property
    def mean_sd(self) -> Arms:
        self._only('mean', 'mean_sd')
        return Arms(*((one.mean, one.variance**0.5) for one in (self._a, self._b)))

    @cached_property
    def delta_method(self) -> DeltaMethod:
        self._only('ratio', 'delta_method')
        return fixed.delta_method(self._a, self._b)


def _plain(value: object) -> object:
    if isinstance(value, Fields):
        return value.as_dict()
    return list(value) if isinstance(value, tuple) else value


def compare(
    control: Given | None = None,
    variant: Given | None = None,
    kind: Kind = 'binomial',
    alpha: float = 0.05,
    *,
    goal: Literal['max', 'min'] = 'max',
    allocation: Allocation = 'fixed',
    weights: Sequence[SupportsFloat] | None = None,
    prior: bayes.Prior | tuple[float, float] | None = None,
    expected_lift: float = EXPECTED_LIFT,
    tuning: float = sequential.TUNING,
    min_conversions: float = 5,
    bounds: Interval | None = None,
    **sums: SupportsFloat,
) -> Comparison:
    """Compare two versions by their sums (`Sums`, a mapping of its fields, or ``(n, sum[, sum of squares])``).

    The sums of both may be given by name instead: ``n_a=100, sum_a=5`` of the control, ``n_b=100, sum_b=9`` of the
    variant.

    ``kind`` is 'binomial' (conversions: 0 or 1 a visitor), 'mean' (money a visitor) or 'ratio' (of two sums, as
    earned/spent).  ``goal='min'`` is for what is better when it is lower: winners, chances to win and losses are
    then of that, everywhere.  ``allocation='adaptive'`` says that past
    results chose who saw what: then only methods that hold for that give a headline; for means those need ``bounds``
    of an amount.  ``weights`` are the planned shares of the control and the variant; without
    them the counted shares are taken for planned.

    ``expected_lift`` is the lift at which the headline of conversions is strongest (it must not be chosen by the
    data), ``tuning`` the visitors at which ``sequential_*`` is, ``prior`` the mean and standard deviation of a
    normal prior of the lift, ``min_conversions`` how many each version needs for a headline.

    Raises `InvalidInput` for sums that cannot be, and for arguments outside their range.

    >>> found = compare({'n': 10000, 'sum': 300}, {'n': 10000, 'sum': 360})
    >>> round(found.t_relative.p, 6), round(found.exact_beta.chance_b_wins, 6), found.headline.winner
    (0.030188, 0.991215, 'undecided')
    """
    one_of(kind, KINDS, 'kind')
    one_of(goal, ('max', 'min'), 'goal')
    one_of(allocation, ALLOCATIONS, 'allocation')
    a, b = (Sums.read(given, arm, kind).checked(kind, arm) for arm, given in _given(control, variant, sums).items())
    if (a.sum_pre is None) != (b.sum_pre is None):
        message = 'only one version has sums of before the test (give them for both)'
        raise InvalidInput(message, field='variant')
    plan = Plan(
        kind,
        fraction(alpha, 'alpha'),
        allocation,
        goal == 'min',
        _share(weights),
        a_lift(expected_lift, 'expected_lift'),
        positive(tuning, 'tuning'),
        count(min_conversions, 'min_conversions'),
        _checked_bounds(bounds, a, b),
    )
    return Comparison((a, b), plan, _checked_prior(prior))


def _given(control: Given | None, variant: Given | None, sums: Mapping[str, SupportsFloat]) -> dict[str, Given]:
    """The sums of both versions: each by itself, or all of them by name, those of the control ending in ``_a``."""
    if control is not None and variant is not None and not sums:
        return {'control': control, 'variant': variant}
    if control is not None or variant is not None or not sums:
        names = f', and beside them {", ".join(sums)}' if sums else ''
        message = f'not the sums of two versions{names} (give control and variant, or n_a, sum_a, n_b, sum_b)'
        raise InvalidInput(message, field='control')
    return {arm: of_arm(sums, arm) for arm in ('control', 'variant')}


def _share(weights: Sequence[SupportsFloat] | None) -> float | None:
    """The variant's planned share."""
    if weights is None:
        return None
    if len(weights) != 2:
        raise InvalidInput(f'{len(weights)} weights (give those of the control and the variant)', field='weights')
    return shares_of([positive(weight, 'weights') for weight in weights])[1]


def _checked_prior(prior: bayes.Prior | tuple[float, float] | None) -> bayes.Prior | None:
    if prior is None or isinstance(prior, bayes.Prior):
        given = prior and (prior.mean, prior.sd)
    else:
        given = prior if isinstance(prior, Sequence) and len(prior) == 2 else ()
    if given is None:
        return None
    if not given:
        raise InvalidInput(f'not a prior: {told(prior)} (its mean and standard deviation: (0, 0.3))', field='prior')
    return bayes.Prior(number(given[0], 'prior'), positive(given[1], 'prior'))


def _checked_bounds(bounds: Interval | None, a: Sums, b: Sums) -> Interval | None:
    if bounds is None:
        return None
    low, high = interval_of(bounds, 'bounds')
    for arm, sums in (('control', a), ('variant', b)):
        if not low * sums.n <= sums.sum <= high * sums.n:
            message = f'the mean of the {arm} lies outside the bounds {low:g} and {high:g} (widen them)'
            raise InvalidInput(message, field='bounds')
        # No amount x within the bounds has (x - low) (high - x) below 0.
        squares, room = sums.sum_squares, (low + high) * sums.sum - low * high * sums.n
        if squares is not None and squares - room > ROUNDING * (squares + abs(room)):
            message = f'amounts of the {arm} lie outside the bounds {low:g} and {high:g}, by their squares (widen them)'
            raise InvalidInput(message, field='bounds')
    return low, high
