// Builds a page that holds one section of the dashboard by itself, for looking at it and for the tests:
//
//   node dev/sections.mjs DIRECTORY
import { build } from 'esbuild';
import { copyFile, mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const target = process.argv[2] ?? join(here, '..', 'demo', 'sections');
const common = { bundle: true, charset: 'utf8', logLevel: 'warning', target: ['es2022', 'chrome99'] };

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

await mkdir(target, { recursive: true });
await build({ ...common, entryPoints: [join(here, 'section.js')], outfile: join(target, 'section.js'), format: 'esm', plugins: [inlineSheets] });
await copyFile(join(here, 'section.html'), join(target, 'section.html'));
