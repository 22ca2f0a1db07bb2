// Errors as sentences for people.

const SUBJECTS = {
  period: 'period', periods: 'period', metric: 'metric', metrics: 'metric', tz: 'time zone', zone: 'time zone',
  pk: 'counted name', dimension: 'breakdown', dimensions: 'breakdown',
};

/** One clear sentence or two: what does not work, and what can be done. */
export function sentence(error) {
  if (error.code === 'unreachable') {
    return 'The server does not answer. Is “hailwhale serve” still running? This page tries again every 10 seconds.';
  }
  if (error.status === 503) {
    return `The server cannot reach its engine: ${ended(error.message)} This page tries again every 10 seconds.`;
  }
  if (error.status === 401) {
    return 'This server asks for a key. Make one with “hailwhale key create --scope read”, and open this page with #key=… at the end of its address.';
  }
  const subject = SUBJECTS[error.field];
  return subject ? `This ${subject} cannot be used: ${ended(error.message)}` : capitalised(ended(error.message));
}

/** True for what may be gone at the next try without anybody changing anything on the page. */
export function mayPass(error) {
  return error.code === 'unreachable' || error.status >= 500;
}

function ended(text) {
  return /[.!?…]$/.test(text) ? text : `${text}.`;
}

function capitalised(text) {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
