// Puts what the npm package holds into dist/: the widget as the build left it in the Python package.
import { copyFile, mkdir, readdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const built = join(here, '..', '..', 'hailwhale', 'static');
const dist = join(here, '..', 'dist');

await rm(dist, { recursive: true, force: true });
await mkdir(dist);
for (const name of await readdir(built)) {
  if (/hailwhale|uplot-license/.test(name)) await copyFile(join(built, name), join(dist, name));
}
await copyFile(join(here, '..', '..', 'LICENSE'), join(dist, 'LICENSE'));
