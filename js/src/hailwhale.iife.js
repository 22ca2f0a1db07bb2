// The entry of the classic script: the widget as the global HailWhale.
import { runningScript } from './running.js';
import { begin } from './widget/index.js';
import { cameFrom } from './widget/origin.js';

export { defaults, graph, HailGraph, scan } from './widget/index.js';

cameFrom(runningScript()?.src);
begin();
