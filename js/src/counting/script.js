// The entry of count.js, a classic script: reads the attributes of its own tag, and makes `window.hailwhale`.
import { counting } from './counting.js';

try {
  const { src, dataset } = document.currentScript;
  const into = (window.hailwhale ||= {});
  // A second tag would count everything twice.
  into.count || counting({
    host: new URL('../', src),
    ...dataset,
    // Read each time, so that a page may change them.
    dimensions: (page) => ({ page, ...JSON.parse(dataset.dimensions || '{}') }),
  }, into);
} catch (error) {
  console.debug('HailWhale:', error.message);
}
