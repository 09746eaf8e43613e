/** A database that is in the middle of a transaction: without brackets a snapshot of it is worth nothing. */
import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { keyOfText } from '../../src/core/paths.ts';
import { hold, release } from '../../src/sync/hold.ts';
import { cat } from '../../src/sync/tree.ts';
import { type MadeLab, madeLab } from './lab.ts';
import { Watching } from './watch-lab.ts';

/** Pages of an open transaction are written to the file, and nothing on disk tells how to undo them. */
class Writer implements Disposable {
  readonly #db: DatabaseSync;
  #next = 0;

  constructor(path: string) {
    this.#db = new DatabaseSync(path);
    this.#db.exec('PRAGMA journal_mode = MEMORY; PRAGMA cache_size = 5; PRAGMA locking_mode = EXCLUSIVE');
    this.#db.exec('CREATE TABLE rows (id INTEGER PRIMARY KEY, text TEXT); CREATE INDEX by_text ON rows (text)');
    // Of an empty table nothing is written before the end.
    this.begin();
    this.commit();
  }

  begin(): void {
    this.#db.exec('BEGIN');
    const insert = this.#db.prepare('INSERT INTO rows (id, text) VALUES (?, ?)');
    for (let i = 0; i < 2000; i++) insert.run(this.#next++, `${(this.#next * 7919) % 10_007} and some text beside`);
    this.#db.exec('DELETE FROM rows WHERE id % 3 = 1');
  }

  commit(): void {
    this.#db.exec('COMMIT');
  }

  [Symbol.dispose](): void {
    this.#db.close();
  }
}

describe('watch: a database', () => {
  let { lab, engine } = {} as MadeLab;
  beforeEach(async () => {
    ({ lab, engine } = await madeLab());
  });
  afterEach(() => lab[Symbol.asyncDispose]());

  function check(snapshot: string): string {
    const copy = join(lab.top, 'copy.db');
    writeFileSync(copy, Buffer.concat([...cat(engine, snapshot, keyOfText('app.db'))]));
    try {
      using db = new DatabaseSync(copy, { readOnly: true });
      return String(db.prepare('PRAGMA integrity_check').get()?.integrity_check);
    } catch (error) {
      return String(error);
    }
  }

  it('is torn in a snapshot where nothing says that it is being written', async () => {
    using writer = new Writer(lab.at('app.db'));
    await using watching = new Watching(engine);
    await watching.next('snapshot');
    writer.begin();
    assert.notEqual(check((await watching.next('snapshot')).snapshot), 'ok');
    writer.commit();
    assert.equal(check((await watching.next('snapshot')).snapshot), 'ok');
  });

  const brackets: { name: string; begin: () => Promise<unknown>; end: () => void }[] = [
    { name: 'plait hold', begin: async () => hold(await lab.open(), 3_600_000), end: () => void release(engine) },
    {
      name: 'a lock file',
      begin: async () => writeFileSync(lab.at('app.lock'), ''),
      end: () => rmSync(lab.at('app.lock')),
    },
  ];
  for (const { name, begin, end } of brackets) {
    it(`is whole in each snapshot where ${name} brackets its transactions`, async () => {
      using writer = new Writer(lab.at('app.db'));
      await using watching = new Watching({ ...engine, lockFile: 'app.lock' }, { maxDelayMs: 20 });
      await watching.next('snapshot');
      for (let round = 0; round < 5; round++) {
        await begin();
        writer.begin();
        await watching.next('held');
        writer.commit();
        end();
        assert.equal(check((await watching.next('snapshot')).snapshot), 'ok');
      }
    });
  }
});
