/** Trees that change in known ways, the same in every run. */
import { createHash } from 'node:crypto';
import { appendFile, mkdir, open, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { run } from '../measure.ts';

const MiB = 1024 * 1024;
export type State = (tree: string) => Promise<void>;

/** Bytes without any pattern, by name. */
const noise = (name: string, bytes: number): Buffer =>
  createHash('shake256', { outputLength: bytes }).update(name).digest();

/** A generator of numbers below `limit`; xorshift, so that each run has the same. */
function numbers(seed: number): (limit: number) => number {
  let x = seed;
  return (limit) => {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    return (x >>> 0) % limit;
  };
}

/** The tree becomes as `from` is, its times too. */
export const copyOf =
  (from: string): State =>
  async (tree) => {
    await run({ argv: ['rsync', '-aH', '--delete', '--exclude=/.plait', `${from}/`, tree] });
  };

const WORDS = noise('words', 4096)
  .toString('base64')
  .match(/.{2,9}/g) as string[];

function sentence(next: (limit: number) => number): string {
  const words: string[] = [];
  for (let n = 0; n < 10; n++) words.push(WORDS[next(WORDS.length)]);
  return `${words.join(' ')}\n`;
}

/** 1,000 text files of about 50 KB; then one line of each is another. */
export function textFiles(count = 1000, bytes = 50_000): State[] {
  const path = (tree: string, n: number): string => join(tree, `folder-${n % 20}`, `text-${n}.txt`);
  const next = numbers(1);
  const write: State = async (tree) => {
    for (let n = 0; n < 20; n++) await mkdir(join(tree, `folder-${n}`), { recursive: true });
    for (let n = 0; n < count; n++) {
      let text = '';
      while (text.length < bytes) text += sentence(next);
      await writeFile(path(tree, n), text);
    }
  };
  const edit: State = async (tree) => {
    for (let n = 0; n < count; n++) {
      const lines = (await readFile(path(tree, n), 'latin1')).split('\n');
      lines[next(lines.length - 1)] = `another line, ${n}`;
      await writeFile(path(tree, n), lines.join('\n'));
    }
  };
  return [write, edit];
}

/** 1 GiB of noise; then one byte more in its middle. */
export function insertedByte(bytes = 1024 * MiB): State[] {
  const write: State = async (tree) => {
    const file = await open(join(tree, 'random'), 'w');
    for (let n = 0; n < bytes / MiB; n++) await file.write(noise(`piece ${n}`, MiB));
    await file.close();
  };
  const insert: State = async (tree) => {
    const [path, next] = [join(tree, 'random'), join(tree, 'next')];
    await run({
      argv: ['sh', '-c', `{ head -c ${bytes / 2} random; printf x; tail -c ${bytes / 2} random; } > next`],
      cwd: tree,
    });
    await rm(path);
    await run({ argv: ['mv', next, path] });
  };
  return [write, insert];
}

/** A SQLite file of about 200 MB, as a backup of the database would be taken, after rounds of updates at random. */
export function database(rounds = 20, writes = 250): State[] {
  const rows = 380_000;
  const next = numbers(7);
  const change = async (tree: string, work: (db: DatabaseSync) => void): Promise<void> => {
    const db = new DatabaseSync(join(tree, 'data.sqlite'));
    db.exec('PRAGMA journal_mode = DELETE; BEGIN');
    work(db);
    db.exec('COMMIT');
    db.close();
  };
  const value = (n: number): string =>
    `${noise(`row ${n}`, 96).toString('hex')}${'a value that others have too, '.repeat(8)}`;
  const create: State = (tree) =>
    change(tree, (db) => {
      db.exec('CREATE TABLE rows (id INTEGER PRIMARY KEY, name TEXT, value TEXT); CREATE INDEX by_name ON rows (name)');
      const insert = db.prepare('INSERT INTO rows VALUES (?, ?, ?)');
      for (let n = 0; n < rows; n++) insert.run(n, `name ${next(1_000_000_000)}`, value(n));
    });
  const update =
    (round: number): State =>
    (tree) =>
      change(tree, (db) => {
        const set = db.prepare('UPDATE rows SET value = ?, name = ? WHERE id = ?');
        for (let n = 0; n < writes; n++)
          set.run(value(rows + round * writes + n), `name ${next(1_000_000_000)}`, next(rows));
      });
  return [create, ...Array.from({ length: rounds }, (_, round) => update(round))];
}

/** A log of 100 MB that gets 5 MB more each time. */
export function growingLog(rounds = 20, bytes = 5_000_000): State[] {
  const next = numbers(11);
  let time = 1_700_000_000_000;
  const lines = (size: number): string => {
    const text: string[] = [];
    for (let length = 0; length < size; ) {
      time += next(400);
      const line = `${new Date(time).toISOString()} worker-${next(16)} ${next(9) === 0 ? 'WARN' : 'INFO'} request ${next(1e9).toString(16)} took ${next(900)} ms: ${sentence(next)}`;
      text.push(line);
      length += line.length;
    }
    return text.join('');
  };
  const grow =
    (size: number): State =>
    (tree) =>
      appendFile(join(tree, 'app.log'), lines(size));
  return [grow(100_000_000), ...Array.from({ length: rounds }, () => grow(bytes))];
}

export const releases = (dirs: string[]): State[] => dirs.map(copyOf);
