/**
 * Makes dist and oclif.manifest.json. Both are ignored by git: a stale manifest among the sources would hide commands.
 * The compiler writes beside dist and the folders are swapped, so that programs that run from dist never see half of it.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { writeManifest } from './manifest.ts';

const root = join(import.meta.dirname, '..');
const dist = join(root, 'dist');
const fresh = join(root, `dist.new.${process.pid}`);
const stale = join(root, `dist.old.${process.pid}`);

const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
const args = [tsc, '-p', join(root, 'tsconfig.build.json'), '--outDir', fresh];
const compiled = spawnSync(process.execPath, args, { stdio: 'inherit' });
if (compiled.status === 0) {
  if (existsSync(dist)) renameSync(dist, stale);
  renameSync(fresh, dist);
  rmSync(stale, { recursive: true, force: true });
  await writeManifest(root);
} else {
  rmSync(fresh, { recursive: true, force: true });
  process.exitCode = compiled.status ?? 1;
}
