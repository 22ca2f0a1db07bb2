// From the answer of /results to what is shown of it: tables of goals, goals of versions, sentences for what is missing. Pure.

/** -> `[{title, shares, goals}]`: overall, all visitors where overall is the hold-out, and each segment. */
export function tablesOf({ overall, everyone, segments, allocation }) {
  const first = everyone ? 'Hold-out' : overall.path.join(' / ');
  return [
    { title: first, ...tableOf(overall) },
    ...(everyone ? [{ title: 'All visitors', ...tableOf(everyone) }] : []),
    ...segments.map((segment) => ({ title: segment.path.join(' / '), ...tableOf(segment) })),
  ].map((table) => ({ ...table, allocation }));
}

function tableOf({ sample_ratio: shares, goals }) {
  return { shares, goals: goals.map(goalOf) };
}

function goalOf({ goal, kind, better, refusal, reading, variants }) {
  const verdicts = variants.map(({ headline }) => headline).filter(isVerdict);
  // A control at 0 has no lift: then all are compared by their differences.
  const measure = verdicts.every(({ lift, lift_ci: ends }) => lift !== null && ends !== null) ? 'lift' : 'difference';
  return {
    name: goal, kind, better, measure, reading,
    refusal: refusal && `${refusal.why} (${refusal.way_out})`,
    rows: variants.map((variant) => rowOf(variant, measure)),
  };
}

function isVerdict(headline) {
  return headline !== null && 'winner' in headline;
}

/** A version: what was counted, what is said of it, and what is drawn; `point` is null where nothing can be. */
function rowOf({ name, n, total, rate, ci, headline, once, belief, cautions, reading }, measure) {
  const row = { name, n, total, rate, ci, cautions, reading, isControl: headline === null, point: null, interval: null, fixed: null, verdict: null, why: '' };
  const chance = belief !== null && 'chance_to_win' in belief ? belief : null;
  Object.assign(row, {
    chance: chance && chance.chance_to_win,
    loss: chance && chance.expected_loss,
    unbelieved: belief?.not_enough_data ? missing(belief.not_enough_data) : '',
  });
  if (row.isControl) return row;
  if (!isVerdict(headline)) return { ...row, why: whyNot(headline) };
  const interval = headline[`${measure}_ci`];
  return {
    ...row,
    verdict: headline, point: headline[measure], interval, fixed: once?.[`${measure}_ci`] ?? null,
    look: lookOf(headline, name),
  };
}

// By the winner: after a correction for several comparisons it may be known a little before the interval leaves out 0.
function lookOf({ winner }, name) {
  if (winner === null) return 'undecided';
  return winner === name ? 'better' : 'worse';
}

function whyNot({ not_enough_data: shortages, no_valid_method: none }) {
  if (shortages) return `Not enough data: ${missing(shortages)}`;
  return `No valid method: ${none.why} (it takes ${none.needs.join('; or ')}).`;
}

/** What is missing, as a sentence: `[{arm: 'red', what: 'conversions', have: 2, need: 5}]` -> 'red needs 3 more conversions.' */
export function missing(shortages) {
  const arms = [...new Set(shortages.map(({ arm }) => arm))];
  const said = arms.map((arm) => {
    const of = shortages.filter((one) => one.arm === arm).map(({ what, have, need }) => more(Math.ceil(need - have), what));
    return `${arm === 'all' ? 'the split' : arm} needs ${of.join(' and ')}`;
  });
  return `${said.join('; ')}.`;
}

const more = (n, what) => `${n} more ${n === 1 ? what.replace(/^(\w+)s\b/, '$1') : what}`;

/** How versions were compared, and why so. */
export function methodOf(table) {
  const verdicts = table.goals.flatMap(({ name, rows }) => rows.filter(({ verdict }) => verdict).map(({ verdict }) => [name, verdict]));
  const seen = new Map(verdicts.map(([name, { method, why, exact }]) => [JSON.stringify([name, method]), { name, method: method.replaceAll('_', ' '), why, exact }]));
  return [...seen.values()];
}

const ALLOCATIONS = {
  fixed: 'By chance alone: plain tests hold for such a split (fixed data).',
  adaptive: 'What was counted chose who saw what (adaptive data): only methods that hold for such a split are used.',
};

/** Who saw which version, in a sentence. */
export function allocationOf(allocation) {
  return ALLOCATIONS[allocation] ?? allocation;
}

/** Metrics that a split can be compared by: not what counts visitors, and no products of others. */
export function goalsAmong(metrics, exposures = 'hits') {
  return metrics.filter((name) => name !== exposures && !name.includes('*'));
}
