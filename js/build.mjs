// Builds into the Python package what is served from it: the page (index.html, page.js, page.css and the icon), the page that others
// frame (embed.html, embed.js, embed.css), the widget for other pages (hailwhale.js, hailwhale.iife.js, jquery.hailwhale.js), counting
// from them (count.js, count.mjs), and their types.
import { build } from 'esbuild';
import { createHash } from 'node:crypto';
import { copyFile, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
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
/** What a reader has to load at the most of the page before any part of it is there, and with a part; bytes packed. */
const PAGE_BUDGET = 14 * KILO;
const PART_BUDGET = 60 * KILO;
/** The same of what other pages load. */
const BUDGETS = [
  ['hailwhale.js', 41 * KILO],
  ['hailwhale.iife.js', 41 * KILO],
  ['jquery.hailwhale.js', 4 * KILO],
  ['graph.js', 2 * KILO],
  ['table_graph.js', 2 * KILO],
  ['embed.js', 2 * KILO],
  ['count.js', KILO],
  ['count.mjs', KILO],
];
/** What pages of others load: a tag may say of their bytes what they have to be. */
const PUBLIC = ['count.js', 'count.mjs', 'graph.js', 'table_graph.js', 'hailwhale.js', 'hailwhale.iife.js', 'jquery.hailwhale.js'];

// uPlot's published module hangs on its class what a page may want; hanging there, nothing of it can be left out. What is not
// used here is several kB.
const UNUSED_PATHS = ['stepped', 'spline'];
const UNUSED = ['addGap', 'assign', 'clipGaps', 'fmtDate', 'fmtNum', 'join', 'orient', 'pxRatio', 'rangeAsinh', 'rangeLog', 'rangeNum', 'sync'];
const slimPlots = {
  name: 'slim-plots',
  setup(build) {
    build.onLoad({ filter: /uPlot\.esm\.js$/ }, async ({ path }) => {
      const source = await readFile(path, 'utf8');
      const unused = new RegExp(`^\\s*(\\(paths\\.(${UNUSED_PATHS.join('|')}) += \\w+\\)|uPlot\\.(${UNUSED.join('|')}) += \\w+);$`, 'gm');
      const contents = source.replace(unused, '');
      if (source.match(unused)?.length !== UNUSED_PATHS.length + UNUSED.length) throw new Error(`${path} is not the uPlot that this build knows`);
      return { contents, loader: 'js' };
    });
  },
};

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
const widget = { ...script, target: WIDGET_BROWSERS, sourcemap: true, plugins: [inlineSheets, slimPlots] };

await rm(target, { recursive: true, force: true });
await mkdir(target, { recursive: true });
const { metafile: page } = await build({
  ...script, absWorkingDir: here, entryPoints: [source('page.js'), source('page.css')], splitting: true, chunkNames: '[name]-[hash]', metafile: true,
  plugins: [inlineSheets, slimPlots],
});
// Chrome compiles all of what draws while it loads, and not each function when a graph asks for it: the first graph of a page is
// there in three quarters of the time.
const drawing = { ...widget, banner: { js: '//# allFunctionsCalledOnLoad' } };
await build({ ...drawing, entryPoints: [source('hailwhale.js')] });
await build({ ...drawing, entryPoints: [source('hailwhale.iife.js')], format: 'iife', globalName: 'HailWhale' });
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

const packed = async (path) => gzipSync(await readFile(path), { level: 9 }).length;

function within(name, size, most) {
  console.log(`${name}: ${(size / KILO).toFixed(1)} kB packed`);
  if (size > most) throw new Error(`${name} has ${size} bytes packed, more than the ${most} that a phone should have to load`);
}

// What a module of the page imports comes with it.
function withImports(name, found = new Set()) {
  if (found.has(name)) return found;
  found.add(name);
  for (const { path, kind } of page.outputs[name].imports) if (kind === 'import-statement') withImports(path, found);
  return found;
}

async function sizeOf(names) {
  const sizes = await Promise.all([...names].map((name) => packed(join(here, name))));
  return sizes.reduce((all, size) => all + size, 0);
}

const [entry, ...others] = Object.keys(page.outputs).filter((name) => /\.js$/.test(page.outputs[name].entryPoint))
  .sort((a, b) => /page\.js$/.test(b) - /page\.js$/.test(a));
within('page.js', await sizeOf(withImports(entry)), PAGE_BUDGET);
for (const name of others) {
  within(`the page with ${page.outputs[name].entryPoint}`, await sizeOf(withImports(name, withImports(entry))), PART_BUDGET);
}
for (const [name, most] of BUDGETS) within(name, await packed(join(target, name)), most);
const integrity = {};
for (const name of PUBLIC) {
  integrity[name] = `sha384-${createHash('sha384').update(await readFile(join(target, name))).digest('base64')}`;
}
await writeFile(join(target, 'integrity.json'), `${JSON.stringify(integrity, null, 2)}\n`);
