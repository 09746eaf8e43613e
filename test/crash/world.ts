/** A folder with a hub's store and working directories in it, driven by commands in this very process. */
import assert from 'node:assert/strict';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { findCommand, loadCommand } from '../../src/cli/find-command.ts';
import { runCommand } from '../../src/cli/run-command.ts';
import { isTempName } from '../../src/disk/place.ts';
import { openJson, sealedJson } from '../../src/volume/state.ts';
import { keptIo } from '../cli/fakes.ts';
import { noise } from '../e2e/helpers/trees.ts';

// biome-ignore lint/suspicious/noExplicitAny: documents are checked field by field where it matters
type Document = Record<string, any>;

export interface Outcome {
  exit: number;
  document: Document;
}

export class World {
  readonly root = realpathSync(mkdtempSync(join(tmpdir(), 'plait-crash-')));

  path(...names: string[]): string {
    return join(this.root, ...names);
  }

  get env(): Record<string, string> {
    return { HOME: this.path('home'), XDG_STATE_HOME: this.path('state') };
  }

  async run(argv: readonly string[]): Promise<Outcome> {
    const io = { ...keptIo(this.env), cwd: this.root };
    const { globals, rest } = globalsOf(argv);
    const found = findCommand(rest);
    const exit = await runCommand(await loadCommand(found), [...globals, '--json', ...found.argv], io);
    const text = io.stdout.text;
    return { exit, document: text.startsWith('{') ? JSON.parse(text) : { text, stderr: io.stderr.text } };
  }

  async ok(...argv: string[]): Promise<Document> {
    const { exit, document } = await this.run(argv);
    assert.equal(exit, 0, `${argv.join(' ')}: ${JSON.stringify(document)}`);
    return document;
  }

  /** Structure and every byte of all stores. */
  async verify(): Promise<void> {
    for (const store of this.stores()) {
      const { exit, document } = await this.run(['--store', store, 'verify', '--read-data']);
      assert.ok(exit === 0 && document.ok, `${store}: ${JSON.stringify(document)}`);
    }
  }

  /** Those that are one already: the format file is written last. */
  stores(): string[] {
    return readdirSync(this.root)
      .flatMap((name) => [this.path(name), this.path(name, '.plait')])
      .filter((dir) => existsSync(join(dir, 'format')));
  }

  /** Names and contents below a working directory. */
  tree(name: string): Record<string, string> {
    const found: Record<string, string> = {};
    const walk = (dir: string, prefix: string): void => {
      for (const entry of readdirSync(dir, { withFileTypes: true })) {
        const [at, path] = [join(dir, entry.name), prefix + entry.name];
        // What a restore that was killed leaves is no part of any snapshot.
        if (path === '.plait' || isTempName(entry.name)) continue;
        if (entry.isDirectory()) walk(at, `${path}/`);
        else found[path] = entry.isSymbolicLink() ? `-> ${readlinkSync(at)}` : readFileSync(at, 'latin1');
      }
    };
    if (existsSync(this.path(name))) walk(this.path(name), '');
    return found;
  }

  close(): void {
    rmSync(this.root, { recursive: true, force: true });
  }
}

function globalsOf(argv: readonly string[]): { globals: string[]; rest: string[] } {
  const takes = argv[0] === '-C' || argv[0] === '--store' ? 2 : 0;
  return { globals: argv.slice(0, takes), rest: argv.slice(takes) };
}

/**
 * A store that was written anew has other inodes, by which it would know itself for a copy and go on under another
 * name. Here it is the same disk after a crash.
 */
export function keepIdentity(store: string): void {
  const path = join(store, 'meta.db');
  if (!existsSync(path)) return;
  const db = new DatabaseSync(path);
  db.exec("DELETE FROM self WHERE key IN ('inode', 'birth')");
  db.close();
}

/** Notes of an unfinished checkout name the running system, which after a power cut is another. */
export function afterReboot(root: string): void {
  for (const name of readdirSync(root, { recursive: true, encoding: 'latin1' })) {
    const path = join(root, name);
    if (name.endsWith('/checkout.json')) {
      writeFileSync(path, readFileSync(path, 'utf8').replace(/"boot":"[^"]*"/, '"boot":"another"'));
    } else if (name.endsWith('/unsynced.json')) {
      const note = openJson(readFileSync(path, 'utf8')) ?? assert.fail(`${path} is damaged`);
      writeFileSync(path, sealedJson({ ...note, boot: 'another' }));
    }
  }
}

export function fillWork(dir: string): void {
  mkdirSync(join(dir, 'sub', 'deep'), { recursive: true });
  for (let i = 0; i < 6; i++) writeFileSync(join(dir, `file-${i}`), noise(700, i + 1));
  writeFileSync(join(dir, 'sub', 'one'), noise(9000, 50));
  writeFileSync(join(dir, 'sub', 'deep', 'two'), 'two');
  symlinkSync('sub/one', join(dir, 'link'));
  settleTimes(dir);
}

export function changeWork(dir: string, round = 1): void {
  writeFileSync(join(dir, 'file-1'), noise(800, 100 + round));
  writeFileSync(join(dir, 'sub', 'one'), noise(9100, 200 + round));
  writeFileSync(join(dir, `new-${round}`), `new ${round}`);
  mkdirSync(join(dir, `dir-${round}`));
  writeFileSync(join(dir, `dir-${round}`, 'in'), noise(300, 300 + round));
  rmSync(join(dir, 'file-5'), { force: true });
  settleTimes(dir);
}

/** Long ago, so that stats prove something. */
export function settleTimes(dir: string, time = 1_700_000_000): void {
  for (const name of readdirSync(dir, { recursive: true, encoding: 'utf8' })) {
    if (name.startsWith('.plait') || name === 'link') continue;
    utimesSync(join(dir, name), time, time);
  }
}
