// The entry of the module: the widget, for `import {graph} from '.../hailwhale.js'`.
import { begin } from './widget/index.js';
import { cameFrom } from './widget/origin.js';

export { defaults, graph, HailGraph, scan } from './widget/index.js';

cameFrom(import.meta.url);
begin();
