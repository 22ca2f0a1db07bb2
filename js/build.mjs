// Builds the page into the Python package: index.html, page.js, page.css and the icon, ready to be served.
import { build } from 'esbuild';
import { createHash } from 'node:crypto';
import { copyFile, mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

const here = dirname(fileURLToPath(import.meta.url));
const target = join(here, '..', 'hailwhale', 'static');
const LARGEST_SCRIPT = 80 * 1024;
const LARGEST_COUNTING = 1024;

// uPlot's published module hangs on its class what a page may want; hanging there, nothing of it can be left out. This page
// draws straight lines and joins no tables, and is 5 kB smaller for it.
const straightLinesOnly = {
  name: 'straight-lines-only',
  setup(build) {
    build.onLoad({ filter: /uPlot\.esm\.js$/ }, async ({ path }) => {
      const source = await readFile(path, 'utf8');
      const unused = /^\s*(\(paths\.(stepped|bars|spline) += \w+\)|uPlot\.join = join);$/gm;
      const contents = source.replace(unused, '');
      if (source.match(unused)?.length !== 4) throw new Error(`${path} is not the uPlot that this build knows`);
      return { contents, loader: 'js' };
    });
  },
};

await rm(target, { recursive: true, force: true });
await mkdir(target, { recursive: true });
await build({
  entryPoints: [join(here, 'src', 'page.js'), join(here, 'src', 'page.css')],
  outdir: target,
  bundle: true,
  minify: true,
  format: 'esm',
  target: ['es2022', 'chrome94', 'firefox93', 'safari15'],
  legalComments: 'eof',
  charset: 'utf8',
  logLevel: 'warning',
  plugins: [straightLinesOnly],
  // Names that begin with an underscore are private wherever they stand, in uPlot too.
  mangleProps: /^_[a-z]/,
});
for (const name of ['index.html', 'favicon.svg']) {
  await copyFile(join(here, 'src', name), join(target, name));
}
// uPlot's license asks that its text goes wherever the code goes.
await copyFile(join(here, 'node_modules', 'uplot', 'LICENSE'), join(target, 'uplot-license.txt'));

const { size } = await stat(join(target, 'page.js'));
console.log(`page.js: ${(size / 1024).toFixed(1)} kB`);
if (size > LARGEST_SCRIPT) {
  throw new Error(`page.js has ${size} bytes, more than the ${LARGEST_SCRIPT} that a phone should have to load`);
}
await buildCounting();

// Counting from pages of others: one script for a tag and one to import, what a tag may say of their bytes, and types.
async function buildCounting() {
  const from = join(here, 'src', 'counting');
  const common = { bundle: true, minify: true, target: 'es2021', charset: 'utf8', logLevel: 'warning' };
  await build({ ...common, entryPoints: [join(from, 'script.js')], outfile: join(target, 'count.js'), format: 'iife' });
  await build({ ...common, entryPoints: [join(from, 'count.js')], outfile: join(target, 'count.mjs'), format: 'esm' });
  await copyFile(join(from, 'count.d.ts'), join(target, 'count.d.ts'));
  const integrity = {};
  for (const name of ['count.js', 'count.mjs']) {
    const script = await readFile(join(target, name));
    const packed = gzipSync(script, { level: 9 }).length;
    integrity[name] = `sha384-${createHash('sha384').update(script).digest('base64')}`;
    console.log(`${name}: ${packed} bytes packed, ${integrity[name]}`);
    if (packed > LARGEST_COUNTING) {
      throw new Error(`${name} has ${packed} bytes packed, more than the ${LARGEST_COUNTING} that counting may cost a page`);
    }
  }
  await writeFile(join(target, 'integrity.json'), `${JSON.stringify(integrity, null, 2)}\n`);
}
