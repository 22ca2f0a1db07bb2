// Answers of /results in pieces, for the tests.

export const shortage = (arm, what, have, need) => ({ arm, what, have, need, more_visitors: null });

export const verdict = (more = {}) => ({
  winner: null, lift: 0.4, lift_ci: [0.1, 0.8], difference: 0.05, difference_ci: [0.01, 0.09], p: 0.01, p_adjusted: 0.02,
  method: 'e_process', why: 'it holds', exact: true, ...more,
});

export const variant = (name, more = {}) => ({
  name, n: 1000, total: 100, rate: 0.1, ci: [0.08, 0.12], headline: null, cautions: [], reading: '', outlook: null,
  once: more.headline ? { lift_ci: [0.2, 0.6], difference_ci: [0.02, 0.08] } : null,
  belief: more.headline ? { chance_to_win: 0.98, expected_loss: 0.001 } : null, ...more,
});

export const shares = (more = {}) => ({
  counts: { a: 1000, b: 990 }, expected: { a: 995, b: 995 }, p: 1, p_once: 0.8, chi2: 0.1, mismatch: false, missing: null, reading: '', ...more,
});

export const segment = (variants, { path = [], sample_ratio = null, ...more } = {}) => ({
  path, sample_ratio, goals: [{ goal: 'signups', kind: 'binomial', better: 'higher', refusal: null, reading: '', variants, ...more }],
});

export const WHOLE = {
  allocation: 'fixed', alpha: 0.05, correction: 'holm', period: 'year', overall: segment([]), everyone: null, segments: [], left_out: 0, reading: [],
};
