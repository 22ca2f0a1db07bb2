// The entry of the page that other pages frame: one graph, as its address says.
import { frame } from './widget/frame.js';

frame({ window, home: new URL('../', import.meta.url).href, load: () => import('./hailwhale.js') });
