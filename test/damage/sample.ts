/** A store with everything in it, as it is and as it was once, to be damaged again and again. */
import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { cpSync, lstatSync, mkdirSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { keepIdentity } from '../crash/world.ts';
import { noise } from '../e2e/helpers/trees.ts';

// biome-ignore lint/suspicious/noExplicitAny: documents are checked field by field
export type Ran = { exit: number; document: any };
/** Runs plait with --json. */
export type Program = (argv: string[], input?: string) => Promise<Ran>;

export interface Sample {
  /** Damaged and made anew: the same path each time, for the store knows its places. */
  live: string;
  /** As it was some snapshots ago. */
  before: string;
  /** Of each snapshot, what a restore brings. */
  trees: Map<string, string>;
  /** What meta.db says. */
  meta: string;
  fresh(): void;
}

export async function makeSample(program: Program, dir: string): Promise<Sample> {
  const live = join(dir, 'live');
  const work = join(live, 'work');
  const run = async (argv: string[], input?: string): Promise<Ran['document']> => {
    const { exit, document } = await program(argv, input);
    assert.equal(exit, 0, `${argv.join(' ')}: ${JSON.stringify(document)}`);
    return document;
  };
  const copy = (name: string): string => {
    const to = join(dir, name);
    cpSync(live, to, { recursive: true, preserveTimestamps: true, verbatimSymlinks: true });
    // It would know itself for a copy, and go on as another store.
    keepIdentity(join(to, 'work', '.plait'));
    return to;
  };
  mkdirSync(live);
  await run(['init', work, '--volset', 'data']);
  writeFileSync(join(work, 'data.bin'), noise(300_000));
  mkdirSync(join(work, 'sub'));
  for (let n = 0; n < 40; n++) writeFileSync(join(work, 'sub', `f${n}`), `content ${n}`);
  await run(['-C', work, 'snapshot', '-m', 'first']);
  await run(['init', join(live, 'second'), '--store', join(work, '.plait'), '--volset', 'second']);
  writeFileSync(join(live, 'second', 'other'), 'other');
  await run(['-C', join(live, 'second'), 'snapshot']);
  await run(['-C', work, 'remote', 'add', 'origin', 'http://127.0.0.1:9/data', '--token-stdin'], 'plait_0123_first');
  const before = copy('before');
  for (let n = 0; n < 3; n++) {
    writeFileSync(join(work, 'data.bin'), noise(300_000, n + 2));
    writeFileSync(join(work, 'sub', `g${n}`), `new ${n}`);
    await run(['-C', work, 'snapshot']);
  }
  await run(['-C', work, 'branch', 'create', 'other']);
  const pristine = copy('pristine');
  const fresh = (): void => {
    rmSync(live, { recursive: true, force: true });
    cpSync(pristine, live, { recursive: true, preserveTimestamps: true, verbatimSymlinks: true });
  };
  const { snapshots } = await run(['-C', work, 'log', '-n', '100']);
  const trees = new Map<string, string>();
  for (const { snapshot } of snapshots) trees.set(snapshot, await restored(program, live, snapshot));
  const sample = { live, before, trees, meta: '', fresh };
  fresh();
  const { exit, document } = await program(['-C', work, 'verify', '--read-data']);
  assert.equal(exit, 0, JSON.stringify(document));
  return { ...sample, meta: dump(join(work, '.plait', 'meta.db')) };
}

/** All snapshots come back as they were, and metadata says what it said. */
export async function sameData(program: Program, { live, trees, meta }: Sample, context: string): Promise<void> {
  assert.equal(dump(join(live, 'work', '.plait', 'meta.db')), meta, context);
  for (const [id, tree] of trees) assert.equal(await restored(program, live, id), tree, context);
}

async function restored(program: Program, live: string, id: string): Promise<string> {
  const to = join(live, 'restored');
  rmSync(to, { recursive: true, force: true });
  const { exit, document } = await program(['-C', join(live, 'work'), 'restore', id, '--to', to]);
  assert.equal(exit, 0, JSON.stringify(document));
  return digest(to);
}

function digest(dir: string): string {
  const lines: string[] = [];
  for (const name of readdirSync(dir).sort()) {
    const path = join(dir, name);
    const stat = lstatSync(path);
    if (stat.isDirectory()) lines.push(`${name}/ ${stat.mode} ${digest(path)}`);
    else if (stat.isSymbolicLink()) lines.push(`${name} -> ${readlinkSync(path)}`);
    else lines.push(`${name} ${stat.mode} ${hash('sha256', readFileSync(path))}`);
  }
  return hash('sha256', lines.join('\n'));
}

/** Every row but those that say when something was done. */
function dump(path: string): string {
  const db = new DatabaseSync(path, { readOnly: true });
  try {
    const tables = db.prepare('SELECT name, sql FROM sqlite_schema ORDER BY name').all() as {
      name: string;
      sql: string;
    }[];
    return JSON.stringify(
      tables.map(({ name, sql }) =>
        sql?.startsWith('CREATE TABLE') && name !== 'stamps' && name !== 'self'
          ? [sql, db.prepare(`SELECT * FROM ${name}`).all()]
          : sql,
      ),
    );
  } finally {
    db.close();
  }
}
