/**
 * A hub with real data to look at, made by the built program: commits of this repository one after another as snapshots of
 * two people, on branches that are merged, with a conflict, a member that lags behind, a queue, and a second volume set.
 */
import { execFile, execFileSync, spawn } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { relabel } from '../test/page/browser/support/label.ts';

export interface Sample extends AsyncDisposable {
  url: string;
  token: string;
  volset: string;
  /** Two snapshots between which `text` changed. */
  older: string;
  newer: string;
  text: string;
}

// biome-ignore lint/suspicious/noExplicitAny: documents of the program
type Document = Record<string, any>;
const exec = promisify(execFile);
const COMMITS = 14;

class Maker {
  readonly dir = mkdtempSync(join(tmpdir(), 'plait-sample-'));
  readonly root: string;
  readonly commits: { hash: string; subject: string }[];
  url = '';

  constructor(root: string) {
    this.root = root;
    this.commits = spread(root);
  }

  path(...names: string[]): string {
    return join(this.dir, ...names);
  }

  async run(argv: string[], env: Record<string, string> = {}, allowed: number[] = [0]): Promise<Document> {
    const bin = join(this.root, 'bin/run.js');
    const state = { XDG_STATE_HOME: this.path('state') };
    const done = await exec(process.execPath, [bin, '--json', ...argv], {
      env: { ...process.env, ...state, ...env },
      maxBuffer: 1 << 26,
    }).catch((error: { code: number; stdout: string }) => {
      if (!allowed.includes(error.code)) throw new Error(`plait ${argv.join(' ')}: ${error.stdout}`);
      return error;
    });
    return JSON.parse(done.stdout);
  }

  /** The directory as it was at a commit; what did not change since is not touched. */
  put(dir: string, { hash }: { hash: string }): void {
    const stage = mkdtempSync(this.path('stage-'));
    const tar = execFileSync('git', ['-C', this.root, 'archive', hash, 'src', 'docs', 'package.json'], {
      maxBuffer: 1 << 28,
    });
    execFileSync('tar', ['-x', '-C', stage], { input: tar });
    execFileSync('rsync', ['-rlpc', '--delete', '--exclude=/.plait', '--exclude=/NOTES.md', `${stage}/`, `${dir}/`]);
    rmSync(stage, { recursive: true });
  }
}

/** Commits over the whole of this branch's history, oldest first. */
function spread(root: string): { hash: string; subject: string }[] {
  const log = execFileSync('git', ['-C', root, 'log', '--first-parent', '--format=%H %s', '--', 'src'], {
    encoding: 'utf8',
    maxBuffer: 1 << 26,
  });
  const all = log.trim().split('\n').reverse();
  const first = Math.floor(all.length / 2);
  return Array.from({ length: COMMITS }, (_, i) => {
    const line = all[first + Math.floor((i * (all.length - 1 - first)) / (COMMITS - 1))];
    return { hash: line.slice(0, 40), subject: line.slice(41) };
  });
}

export async function sampleHub(root: string): Promise<Sample> {
  const maker = new Maker(root);
  const hub = spawn(
    process.execPath,
    [join(root, 'bin/run.js'), 'serve', maker.path('hub'), '--listen', '127.0.0.1:0', '--json', '--quiet'],
    { stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, XDG_STATE_HOME: maker.path('state') } },
  );
  const dispose = async (): Promise<void> => {
    hub.kill('SIGTERM');
    await new Promise((resolve) => hub.once('close', resolve));
    rmSync(maker.dir, { recursive: true, force: true });
  };
  try {
    for await (const line of createInterface({ input: hub.stdout })) {
      maker.url = JSON.parse(line).url;
      break;
    }
    return { ...(await fill(maker)), [Symbol.asyncDispose]: dispose };
  } catch (error) {
    await dispose();
    throw error;
  }
}

async function fill(maker: Maker): Promise<Omit<Sample, typeof Symbol.asyncDispose>> {
  const person = async (label: string): Promise<Record<string, string>> => {
    const rights = ['--can', 'read,append,write,delete', '--label', label];
    const { token } = await maker.run(['--store', maker.path('hub'), 'token', 'create', ...rights]);
    return { PLAIT_TOKEN: token };
  };
  const [ana, bo] = [await person('ana'), await person('bo')];
  const at = maker.path('ana');
  await maker.run(['init', at, '--volset', 'sources']);
  await maker.run(['-C', at, 'config', 'set', 'creator', 'ana@workstation']);
  relabel(at, 'workstation');
  await maker.run(['-C', at, 'remote', 'add', 'origin', `${maker.url}/sources`]);
  await maker.run([
    '-C',
    at,
    'update',
    '--description',
    'Sources and documents of plait, a snapshot for each milestone',
  ]);
  const ids = await twoLines(maker, at, ana);
  await others(maker, at, ana, bo);
  const { volsets } = await maker.run(['-C', at, 'volset', 'list']);
  const [older, newer] = ids.slice(-2);
  const { modified } = await maker.run(['-C', at, 'diff', older, newer]);
  const changed = modified.find(
    ({ path, before, after }: Document) => path.endsWith('.ts') && before.size !== after.size,
  );
  return { url: maker.url, token: ana.PLAIT_TOKEN, volset: volsets[0].id, older, newer, text: changed.path };
}

/** Two branches of which one is merged, and what comes after. */
async function twoLines(maker: Maker, at: string, ana: Record<string, string>): Promise<string[]> {
  const ids: string[] = [];
  const save = async (i: number, ...flags: string[]): Promise<void> => {
    maker.put(at, maker.commits[i]);
    const { snapshot } = await maker.run(
      ['-C', at, 'snapshot', '-m', maker.commits[i].subject, ...flags, '--push', 'origin'],
      ana,
    );
    ids.push(snapshot);
  };
  for (let i = 0; i < 5; i++) await save(i, ...(i === 3 ? ['--name', 'v0.1'] : []));
  await maker.run(['-C', at, 'branch', 'create', 'release-0.1', '--from', 'v0.1']);
  await maker.run(['-C', at, 'snapshot', '-b', 'notes', '-m', 'begin notes of the release']);
  for (const text of ['what is new', 'what is new, and known problems']) {
    writeFileSync(join(at, 'NOTES.md'), `# Notes\n\n${text}\n`);
    await maker.run(['-C', at, 'snapshot', '-m', `notes: ${text}`]);
  }
  await maker.run(['-C', at, 'checkout', 'main']);
  for (let i = 5; i < 9; i++) await save(i);
  await maker.run(['-C', at, 'merge', 'notes'], {}, [0, 5]);
  for (let i = 9; i < COMMITS; i++) await save(i, ...(i === COMMITS - 1 ? ['--name', 'v0.2'] : []));
  await maker.run(['-C', at, 'push'], ana);
  return ids;
}

/** Another person who lags behind and disagrees; another volume set; a place that the hub cannot reach. */
async function others(
  maker: Maker,
  at: string,
  ana: Record<string, string>,
  bo: Record<string, string>,
): Promise<void> {
  const hub = maker.path('hub');
  const there = maker.path('bo');
  await maker.run(['clone', `${maker.url}/sources`, there], bo);
  await maker.run(['-C', there, 'config', 'set', 'creator', 'bo@laptop']);
  relabel(there, 'laptop');
  writeFileSync(join(there, 'docs', 'figures.md'), '# Figures\n\nTo be measured again.\n');
  await maker.run(['-C', there, 'snapshot', '-b', 'figures', '-m', 'a place for figures']);
  await maker.run(['-C', there, 'push'], bo);
  await maker.run(['--store', hub, 'remote', 'add', 'laptop', `${there}/sources`]);
  await maker.run(['--store', hub, 'fetch', 'laptop']);
  writeFileSync(join(there, 'docs', 'figures.md'), '# Figures\n\nMeasured on two machines.\n');
  await maker.run(['-C', there, 'snapshot', '-m', 'figures of two machines']);
  await maker.run(['-C', at, 'update', '--description', 'Sources and documents of plait']);
  await maker.run(['-C', there, 'update', '--description', 'Everything that plait is made of']);
  await maker.run(['-C', at, 'sync'], ana);
  await maker.run(['-C', there, 'sync'], bo, [5]);
  const second = maker.path('packages');
  await maker.run(['init', second, '--volset', 'packages']);
  await maker.run(['-C', second, 'remote', 'add', 'origin', `${maker.url}/packages`]);
  for (const name of ['mocha', 'diff', 'undici']) {
    cpSync(join(maker.root, 'node_modules', name), join(second, name), { recursive: true, dereference: true });
    await maker.run(['-C', second, 'snapshot', '-m', `with ${name}`, '--push', 'origin'], bo);
  }
  await maker.run(['--store', hub, 'remote', 'add', 'offsite', 'http://127.0.0.1:1/packages']);
  await maker.run(['--store', hub, 'push', 'offsite', '--volset', 'packages', '--enqueue']);
}
