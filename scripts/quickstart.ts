/**
 * npm run quickstart [-- DIR]: the main job of plait on real input, with the real binary and a real hub. DIR is left
 * alone: a copy of it is versioned (the project's own installed dependencies, unless given).
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { appendFileSync, existsSync, realpathSync } from 'node:fs';
import { cp, mkdtemp, readdir, rm, stat, unlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { performance } from 'node:perf_hooks';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { compareTrees } from './compare-trees.ts';

const exec = promisify(execFile);
const root = fileURLToPath(new URL('..', import.meta.url));
const bin = join(root, 'bin', 'run.js');
const say = (line: string) => process.stdout.write(`${line}\n`);

interface Line {
  step: string;
  files?: number;
  read?: number;
  stored?: number;
  moved?: number;
  seconds: number;
}
const table: Line[] = [];

/** Runs one command as a user would type it, shows it, and returns its JSON document. */
async function plait(args: string[], step?: string): Promise<Record<string, never> & { [key: string]: any }> {
  say(`$ plait ${args.join(' ')}`);
  const started = performance.now();
  const { stdout } = await exec(process.execPath, [bin, ...args, '--json'], { maxBuffer: 1 << 28 }).catch(
    (error: { stdout?: string; stderr?: string }) => {
      throw new Error(`plait ${args.join(' ')}\n${error.stdout ?? ''}${error.stderr ?? String(error)}`);
    },
  );
  const seconds = (performance.now() - started) / 1000;
  const result = JSON.parse(stdout);
  if (step) {
    table.push({
      step,
      files: result.files,
      read: result.bytes,
      stored: result.storedBytes,
      moved: result.pushed && result.pushed.bytes + result.pulled.bytes,
      seconds,
    });
  }
  return result;
}

async function startHub(store: string): Promise<{ url: string; hub: ChildProcess }> {
  const args = ['serve', store, '--listen', '127.0.0.1:0', '--json', '--quiet'];
  say(`$ plait ${args.join(' ')} &`);
  const hub = spawn(process.execPath, [bin, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  for await (const line of createInterface({ input: hub.stdout as NodeJS.ReadableStream })) {
    const event = JSON.parse(line);
    if (typeof event.url === 'string') return { url: event.url, hub };
  }
  throw new Error('the hub ended before it listened');
}

/** Changes what a day of work would: a file edited, one added, one deleted. */
async function edit(dir: string): Promise<void> {
  const files = (await readdir(dir, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile());
  files.sort((a, b) => (join(a.parentPath, a.name) < join(b.parentPath, b.name) ? -1 : 1));
  const visible = files.filter((entry) => !entry.parentPath.includes('.plait'));
  const [first, second] = visible;
  appendFileSync(join(first.parentPath, first.name), '\nedited by quickstart\n');
  if (second) await unlink(join(second.parentPath, second.name));
  await writeFile(join(dir, 'added-by-quickstart.txt'), 'new\n');
}

function assertEqual(a: string, b: string): void {
  const { differences, files, bytes } = compareTrees(a, b);
  if (differences.length > 0) throw new Error(`the directories differ:\n${differences.slice(0, 20).join('\n')}`);
  say(`  equal: ${files} files, ${bytes} bytes, compared byte by byte`);
}

const MiB = (value: number | undefined) => (value === undefined ? '' : (value / 1048576).toFixed(2));

function printTable(): void {
  const rows = [['step', 'files', 'MiB in files', 'MiB stored', 'MiB moved', 'seconds']];
  for (const line of table) {
    rows.push([
      line.step,
      `${line.files ?? ''}`,
      MiB(line.read),
      MiB(line.stored),
      MiB(line.moved),
      line.seconds.toFixed(2),
    ]);
  }
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  for (const row of rows)
    say(row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i]))).join('  '));
}

async function main(): Promise<void> {
  // A link to a directory must not be copied as a link: the edits below would go through it.
  const source = realpathSync(resolve(process.argv[2] ?? join(root, 'node_modules')));
  if (!(await stat(source)).isDirectory()) throw new Error(`${source} is no directory`);
  if (!existsSync(join(root, 'dist'))) await exec('npm', ['run', 'build'], { cwd: root });
  const scratch = await mkdtemp(join(tmpdir(), 'plait-quickstart-'));
  let hub: ChildProcess | undefined;
  try {
    const [work, copy] = [join(scratch, 'work'), join(scratch, 'copy')];
    await cp(source, work, { recursive: true, verbatimSymlinks: true, preserveTimestamps: true });
    const started = await startHub(join(scratch, 'hub'));
    hub = started.hub;
    await plait(['init', work, '--volset', 'demo']);
    await plait(['-C', work, 'snapshot', '-m', 'first'], 'snapshot');
    await plait(['-C', work, 'remote', 'add', 'origin', started.url]);
    await plait(['-C', work, 'push'], 'push');
    await plait(['clone', `${started.url}/demo`, copy], 'clone');
    assertEqual(work, copy);
    say('  (edit one file, add one, delete one)');
    await edit(work);
    await plait(['-C', work, 'snapshot', '-m', 'second'], 'snapshot again');
    await plait(['-C', work, 'push'], 'push again');
    await plait(['-C', copy, 'pull'], 'pull');
    assertEqual(work, copy);
    await plait(['-C', copy, 'sync'], 'sync, nothing to do');
    printTable();
  } finally {
    hub?.kill('SIGTERM');
    await rm(scratch, { recursive: true, force: true });
  }
}

main().catch((error: unknown) => {
  process.stderr.write(`quickstart failed: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
