// The entry of the classic script: the widget as the global HailWhale.
import { begin } from './widget/index.js';
import { cameFrom } from './widget/origin.js';

export { defaults, graph, HailGraph, scan } from './widget/index.js';

cameFrom(document.currentScript?.src);
begin();
