/**
 * The package as users get it: packed, installed into an empty folder with its own dependencies, and run on the oldest
 * Node that it promises to run on. Fails loudly; there is nothing to skip.
 */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { MINIMUM } from '../bin/launch.js';

const root = join(import.meta.dirname, '..');
const temp = mkdtempSync(join(tmpdir(), 'plait-smoke-'));

/** What npm sets for this run must not reach the program under test. */
function cleanEnv(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !/^(PLAIT_|npm_)/i.test(name));
  return { ...Object.fromEntries(kept), HOME: join(temp, 'home') };
}

function run(command: string, args: string[], cwd = temp): string {
  const env = cleanEnv();
  const { status, stdout, stderr, error } = spawnSync(command, args, { cwd, env, encoding: 'utf8' });
  if (error) throw error;
  assert.equal(status, 0, `${command} ${args.join(' ')}: exit ${status}\n${stdout}\n${stderr}`);
  if (args.includes('--json')) assert.equal(stderr, '', `${command} ${args.join(' ')} wrote to stderr`);
  return stdout;
}

/** Installs `packages` below `folder` of the temporary folder and returns its node_modules. */
function install(folder: string, packages: string[]): string {
  const prefix = join(temp, folder);
  mkdirSync(prefix);
  run('npm', [
    'install',
    '--prefix',
    prefix,
    '--omit=dev',
    '--no-audit',
    '--no-fund',
    '--no-package-lock',
    ...packages,
  ]);
  return join(prefix, 'node_modules');
}

/** The page comes with the package: what it names is there. */
async function servesPage(node: string, bin: string, store: string): Promise<void> {
  const args = [bin, 'serve', store, '--listen', '127.0.0.1:0', '--json', '--quiet'];
  const hub = spawn(node, args, { env: cleanEnv(), stdio: ['ignore', 'pipe', 'inherit'] });
  try {
    const [line] = (await once(createInterface(hub.stdout), 'line')) as [string];
    const { url } = JSON.parse(line) as { url: string };
    const html = await (await fetch(`${url}/`)).text();
    const files = [...html.matchAll(/(?:href|src)="(page\/[^"]+)"/g)].map(([, file]) => file);
    assert.equal(files.length, 3, html);
    for (const file of files) assert.equal((await fetch(`${url}/${file}`)).status, 200, file);
  } finally {
    hub.kill();
    await once(hub, 'exit');
  }
}

try {
  mkdirSync(join(temp, 'home'));
  run('npm', ['pack', '--pack-destination', temp], root);
  const tarball = readdirSync(temp).find((name) => name.endsWith('.tgz'));
  assert.ok(tarball, 'npm pack made no tarball');
  const bin = join(install('installed', [join(temp, tarball)]), 'plait', 'bin', 'run.js');
  // The package of the platform itself: the one named `node` needs its install script to run.
  const platform = `node-${process.platform}-${process.arch}`;
  const node = join(install('floor', [`${platform}@${MINIMUM.join('.')}.0`]), platform, 'bin', 'node');

  const data = join(temp, 'data');
  mkdirSync(data);
  writeFileSync(join(data, 'a.txt'), 'first\n');
  const plait = (...args: string[]): string => run(node, [bin, ...args], data);
  assert.match(run(node, ['--version']), new RegExp(`^v${MINIMUM.join('\\.')}\\.`));
  assert.match(plait('--version'), /^plait \d+\.\d+\.\d+\n$/);
  assert.match(plait('--help'), /COMMANDS[\s\S]*snapshot/);
  plait('init');
  const first = JSON.parse(plait('snapshot', '-m', 'first', '--json'));
  const log = JSON.parse(plait('log', '--json'));
  assert.deepEqual(
    log.snapshots.map((entry: { snapshot: string }) => entry.snapshot),
    [first.snapshot],
  );
  assert.equal(JSON.parse(plait('status', '--json')).clean, true);
  assert.deepEqual(JSON.parse(plait('verify', '--read-data', '--json')).damage, []);
  const other = join(temp, 'other');
  plait('export', 'main', join(temp, 'bundle'));
  plait('init', '--bare', other);
  assert.equal(JSON.parse(plait('--store', other, 'import', join(temp, 'bundle'), '--json')).snapshots, 1);
  await servesPage(node, bin, other);
  console.log(`smoke: packed, installed and run on Node ${MINIMUM.join('.')}`);
} finally {
  rmSync(temp, { recursive: true, force: true });
}
