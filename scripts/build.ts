/**
 * Makes dist and oclif.manifest.json. Both are ignored by git: a stale manifest among the sources would hide commands.
 * The bundle is written beside dist and the folders are swapped, so that programs that run from dist never see half of
 * it. Types are checked by `npm run typecheck`, not here.
 */
import { existsSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { bundle } from './bundle.ts';
import { bundlePage } from './bundle-page.ts';
import { writeManifest } from './manifest.ts';

const root = join(import.meta.dirname, '..');
const dist = join(root, 'dist');
const fresh = join(root, `dist.new.${process.pid}`);
const stale = join(root, `dist.old.${process.pid}`);

try {
  await bundle(root, fresh);
  await bundlePage(root, join(fresh, 'page'));
} catch (error) {
  rmSync(fresh, { recursive: true, force: true });
  throw error;
}
if (existsSync(dist)) renameSync(dist, stale);
renameSync(fresh, dist);
rmSync(stale, { recursive: true, force: true });
await writeManifest(root);
