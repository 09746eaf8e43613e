/**
 * A process of its own that writes a database without end, in brackets: `node watch-writer.ts DIR hold|lock-file|none
 * PLAIT`. Pages of an open transaction are in the file, and nothing on disk tells how to undo them.
 */
import { spawnSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';

const [dir, bracket, bin] = process.argv.slice(2);
const lock = join(dir, 'app.lock');
const db = new DatabaseSync(join(dir, 'app.db'));
db.exec('PRAGMA journal_mode = MEMORY; PRAGMA synchronous = OFF; PRAGMA cache_size = 5');
db.exec('CREATE TABLE IF NOT EXISTS rows (id INTEGER PRIMARY KEY, text TEXT)');
db.exec('CREATE INDEX IF NOT EXISTS by_text ON rows (text)');

function run(verb: string): void {
  const { status, stderr } = spawnSync(process.execPath, [bin, '-C', dir, verb], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${verb}: ${status} ${stderr}`);
}

const begin = { hold: () => run('hold'), 'lock-file': () => writeFileSync(lock, ''), none: () => {} };
const end = { hold: () => run('release'), 'lock-file': () => rmSync(lock), none: () => {} };
const kind = bracket as keyof typeof begin;

let next = (db.prepare('SELECT coalesce(max(id), 0) AS id FROM rows').get()?.id as number) + 1;
const insert = db.prepare('INSERT INTO rows (id, text) VALUES (?, ?)');
for (let batch = 0; ; batch++) {
  begin[kind]();
  db.exec('BEGIN');
  for (let i = 0; i < 1000; i++) insert.run(next++, `${(next * 7919) % 10_007} and some text beside`);
  db.exec('DELETE FROM rows WHERE id % 3 = 1');
  // Long enough for a watcher to think that all is quiet.
  await sleep(60 + (batch % 5) * 40);
  db.exec('DELETE FROM rows WHERE id < (SELECT max(id) FROM rows) - 5000');
  db.exec('COMMIT');
  end[kind]();
  process.stdout.write(`batch ${batch}\n`);
  await sleep((batch % 4) * 150);
}
