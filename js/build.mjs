// Builds into the Python package what is served from it: the page (index.html, page.js, page.css and the icon), the page that others
// frame (embed.html, embed.js, embed.css), the widget for other pages (hailwhale.js, hailwhale.iife.js, jquery.hailwhale.js), counting
// from them (count.js, count.mjs), and their types.
import { build } from 'esbuild';
import { createHash } from 'node:crypto';
import { copyFile, mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

const here = dirname(fileURLToPath(import.meta.url));
const source = (name) => join(here, 'src', name);
const target = join(here, '..', 'hailwhale', 'static');
const BROWSERS = ['es2022', 'chrome94', 'firefox93', 'safari15'];
// Style sheets that scripts make are younger than the page asks for.
const WIDGET_BROWSERS = ['es2022', 'chrome99', 'firefox101', 'safari16.4'];
const KILO = 1024;
/** What a reader has to load at the most: bytes as they are, or packed. */
const BUDGETS = [
  ['page.js', 81 * KILO, 'as it is'],
  ['hailwhale.js', 40 * KILO, 'packed'],
  ['hailwhale.iife.js', 40 * KILO, 'packed'],
  ['jquery.hailwhale.js', 4 * KILO, 'packed'],
  ['graph.js', 2 * KILO, 'packed'],
  ['embed.js', 2 * KILO, 'packed'],
  ['table_graph.js', 2 * KILO, 'packed'],
  ['count.js', KILO, 'packed'],
  ['count.mjs', KILO, 'packed'],
];
/** What pages of others load: a tag may say of their bytes what they have to be. */
const PUBLIC = ['count.js', 'count.mjs', 'graph.js', 'table_graph.js', 'hailwhale.js', 'hailwhale.iife.js', 'jquery.hailwhale.js'];

// uPlot's published module hangs on its class what a page may want; hanging there, nothing of it can be left out. What is not
// drawn here is several kB.
const withoutPaths = (...names) => ({
  name: 'without-paths',
  setup(build) {
    build.onLoad({ filter: /uPlot\.esm\.js$/ }, async ({ path }) => {
      const source = await readFile(path, 'utf8');
      const unused = new RegExp(`^\\s*(\\(paths\\.(${names.join('|')}) += \\w+\\)|uPlot\\.join = join);$`, 'gm');
      const contents = source.replace(unused, '');
      if (source.match(unused)?.length !== names.length + 1) throw new Error(`${path} is not the uPlot that this build knows`);
      return { contents, loader: 'js' };
    });
  },
});

// `import text from './sheet.css?inline'`: the sheet as a text, with what it imports.
const inlineSheets = {
  name: 'inline-sheets',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /\.css\?inline$/ }, ({ path, resolveDir }) => ({ path: join(resolveDir, path.replace('?inline', '')), namespace: 'sheet' }));
    onLoad({ filter: /.*/, namespace: 'sheet' }, async ({ path }) => {
      const { outputFiles: [sheet] } = await build({ ...common, entryPoints: [path], write: false });
      return { contents: sheet.text, loader: 'text' };
    });
  },
};

const common = { bundle: true, minify: true, charset: 'utf8', logLevel: 'warning', legalComments: 'eof', target: BROWSERS };
const script = {
  ...common,
  outdir: target,
  format: 'esm',
  // Names that begin with an underscore are private wherever they stand, in uPlot too.
  mangleProps: /^_[a-z]/,
};
// A few bytes are all that it has to lose.
const counting = { ...common, target: 'es2021', legalComments: 'none' };
const widget = { ...script, target: WIDGET_BROWSERS, sourcemap: true, plugins: [inlineSheets, withoutPaths('stepped', 'spline')] };

await rm(target, { recursive: true, force: true });
await mkdir(target, { recursive: true });
await build({ ...script, entryPoints: [source('page.js'), source('page.css')], plugins: [withoutPaths('stepped', 'bars', 'spline')] });
await build({ ...widget, entryPoints: [source('hailwhale.js')] });
await build({ ...widget, entryPoints: [source('hailwhale.iife.js')], format: 'iife', globalName: 'HailWhale' });
await build({ ...widget, entryPoints: [source('jquery.hailwhale.js')], format: 'iife' });
for (const name of ['graph.js', 'table_graph.js']) {
  await build({ ...script, target: WIDGET_BROWSERS, entryPoints: [source(name)], format: 'iife' });
}
// What draws lies beside.
await build({ ...script, target: WIDGET_BROWSERS, entryPoints: [source('embed.js'), source('embed.css')], external: ['./hailwhale.js'] });
await build({ ...counting, entryPoints: [source('counting/script.js')], outfile: join(target, 'count.js'), format: 'iife' });
await build({ ...counting, entryPoints: [source('counting/count.js')], outfile: join(target, 'count.mjs'), format: 'esm' });
for (const name of ['index.html', 'embed.html', 'favicon.svg']) {
  await copyFile(source(name), join(target, name));
}
await copyFile(join(here, 'hailwhale.d.ts'), join(target, 'hailwhale.d.ts'));
await copyFile(source('counting/count.d.ts'), join(target, 'count.d.ts'));
// uPlot's license asks that its text goes wherever the code goes.
await copyFile(join(here, 'node_modules', 'uplot', 'LICENSE'), join(target, 'uplot-license.txt'));

for (const [name, most, how] of BUDGETS) {
  const path = join(target, name);
  const size = how === 'packed' ? gzipSync(await readFile(path), { level: 9 }).length : (await stat(path)).size;
  console.log(`${name}: ${(size / KILO).toFixed(1)} kB ${how}`);
  if (size > most) throw new Error(`${name} has ${size} bytes ${how}, more than the ${most} that a phone should have to load`);
}
const integrity = {};
for (const name of PUBLIC) {
  integrity[name] = `sha384-${createHash('sha384').update(await readFile(join(target, name))).digest('base64')}`;
}
await writeFile(join(target, 'integrity.json'), `${JSON.stringify(integrity, null, 2)}\n`);
