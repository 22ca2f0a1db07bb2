// A page with one section and nothing else: #view=spy&pk=["a"] says which, and of what.
import { Api, ServerError } from '../src/api.js';
import { part, setText } from '../src/dom.js';
import { Decisions } from '../src/sections/decisions.js';
import { Health } from '../src/sections/health.js';
import { Results } from '../src/sections/results.js';
import { Spy } from '../src/sections/spy.js';
import { sentence } from '../src/sentences.js';

const SECTIONS = { results: Results, decisions: Decisions, spy: Spy, health: Health };
const FRAME = ['pk', 'dimension', 'metric', 'period', 'zone', 'view'];
const base = new URL('../', document.baseURI).href;
const error = part(document, 'error');
let state = read();
let section = null;
let request = new AbortController();

function read() {
  const given = Object.fromEntries(new URLSearchParams(location.hash.slice(1)));
  const { pk, period = null, zone = '', view = 'health' } = given;
  const more = Object.fromEntries(Object.entries(given).filter(([key]) => !FRAME.includes(key)));
  return { pk: pk ? [JSON.parse(pk)].flat() : null, dimension: null, metric: null, period, zone, view, more };
}

function href(of) {
  const given = { ...of.more, view: of.view, zone: of.zone, period: of.period ?? '', pk: of.pk ? JSON.stringify(of.pk) : '' };
  return `#${new URLSearchParams(Object.entries(given).filter(([, text]) => text !== ''))}`;
}

async function run(action) {
  request.abort();
  request = new AbortController();
  const { signal } = request;
  try {
    await action(signal);
    if (signal.aborted) return;
    error.hidden = true;
  } catch (caught) {
    if (signal.aborted) return;
    if (!(caught instanceof ServerError)) throw caught;
    setText(error, sentence(caught));
    error.hidden = false;
  }
}

function show() {
  if (section === null || section.name !== state.view) {
    section?.made.destroy();
    const made = new SECTIONS[state.view](part(document, 'section'), {
      api: new Api({ base, fetch: (...given) => fetch(...given) }), locale: undefined, state, window, now: () => Date.now(),
      href: (changed) => href({ ...state, ...changed }),
      go: (changed) => {
        state = { ...state, ...changed };
        history.pushState(null, '', href(state));
        show();
      },
    });
    section = { name: state.view, made };
  }
  run((signal) => section.made.show(state, signal));
}

window.addEventListener('popstate', () => {
  state = read();
  show();
});
setInterval(() => document.visibilityState === 'visible' && run((signal) => section.made.tick(signal)), 10_000);
show();
