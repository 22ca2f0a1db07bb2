// Counting from a page: events, sealed pixels and page views. Nothing of it ever throws into the page.
import { asksForPrivacy } from './privacy.js';
import { send } from './sending.js';
import { whenShown } from './showing.js';
import { watchViews } from './views.js';

const json = (value, change) => JSON.stringify(value ?? null, change);

/**
 * Makes `count`, `pixel` and `onerror` in `into`, and counts page views when asked to; count.d.ts tells what they take.
 *
 * `host`        the address that the server answers below, with a slash at its end
 * `key`         a publishable key for counting; none for a server that asks for none
 * `pageViews`   `''`, `true`, `'load'` or `'hash'`: page views are counted, as `watchViews` says
 * `pk`          what they are counted under
 * `dimensions`  called with the path, answers theirs
 * `gpc`         `'count'`: whoever asks for privacy is counted too; else not at all
 */
export function counting({ host, key = '', pageViews, pk, dimensions = (page) => ({ page }), gpc }, into = {}) {
  let told;

  const report = (error) => {
    try {
      into.onerror(error);
    } catch {
      // That of the page is no better off.
    }
  };
  const safely = (action) => (...given) => {
    try {
      if (gpc === 'count' || !asksForPrivacy()) action(...given);
    } catch (error) {
      report(error);
    }
  };
  const sendShown = (to, image, form) => whenShown(safely(() => send(new URL(to, host), new URL(image, host), form, report)));

  into.count = safely((pk, dimensions, metrics, options) => {
    const form = new URLSearchParams({
      id: options?.id ?? crypto.getRandomValues(new Uint32Array(4)).join('-'),
      pk: json(pk),
      dimensions: json(dimensions),
      // 0.1 + 0.2 is 0.30000000000000004 here, and amounts have six digits behind the point at the most.
      metrics: json(metrics, (_, amount) => amount?.toFixed ? +amount.toFixed(6) : amount),
    });
    sendShown(`count?key=${key}`, `count.gif?key=${key}&${form}`, form);
  });
  into.pixel = safely((token, fields) => {
    const to = `pixel/${encodeURIComponent(token)}.gif?${new URLSearchParams(fields)}`;
    sendShown(to, to);
  });
  into.onerror = ({ message }) => {
    if (!told) console.debug('HailWhale:', message);
    told = true;
  };
  if (pageViews || pageViews === '') {
    whenShown(() => safely(watchViews)(pageViews, safely((path) => into.count(pk, dimensions(path)))));
  }
  return into;
}
