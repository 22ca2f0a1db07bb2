// The types, used as a page would use them; tsc checks it, nothing runs it.
import { defaults, graph, scan, type Graph, type Options, type Point } from 'hailwhale';

defaults.host = 'https://whale.example';
const options: Options = {
  pk: ['Product', 42], metric: 'dollars/hits', dimensions: { sales: 42 }, period: '1h:7d', kind: 'area', offset: 'wiggle',
  annotations: [{ at: new Date(), text: 'Release' }], live: 500,
  onclick: ({ path, value }: Point) => path !== null && value !== null,
  onerror: ({ code, status }) => console.warn(code, status),
};
const one: Graph = graph('#revenue', options);
one.update({ compare: true, title: null });
one.redraw();
one.destroy();
for (const found of scan(document.body)) found.destroy();
document.createElement('hail-graph').graph?.redraw();

$('#revenue').hailwhale({ pk: 'shop' }).hailwhale('update', { depth: 2 }).hailwhale('destroy');
const stop = $.hailwhale('https://whale.example').watch({ pk: 'shop' }, (answer) => console.log(answer._?.hits?.[0]?.[1]));
stop();

// @ts-expect-error there is no such form
graph('#revenue', { kind: 'pie' });
// @ts-expect-error there is no such option
graph('#revenue', { colour: 'red' });
