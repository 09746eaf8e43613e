/** Folders, searches and differences of snapshots, as a hub shows them. */
import assert from 'node:assert/strict';
import type { SnapshotId, VolsetId } from '../../src/core/ids.ts';
import type { DiffPage, EntriesPage, SearchPage } from '../../src/wire/views.ts';
import { RealHub } from './real-hub.ts';
import { ask, at, type MakeOptions, makeSnapshot, makeVolset, page, refusal, type Shape } from './trees-support.ts';

describe('hub: looking into snapshots', () => {
  let real: RealHub;
  let volset: VolsetId;
  before(async () => {
    real = await RealHub.start();
    volset = await makeVolset(real);
  });
  after(() => real[Symbol.asyncDispose]());

  const make = (shape: Shape, options?: MakeOptions): Promise<SnapshotId> => makeSnapshot(real, volset, shape, options);
  const of = (snapshot: string, what: string): string => `/v1/volsets/${volset}/snapshots/${snapshot}/${what}`;
  const entries = (snapshot: string, query = {}): Promise<EntriesPage> =>
    page<EntriesPage>(real, of(snapshot, 'entries'), query);
  const search = (snapshot: string, query = {}): Promise<SearchPage> =>
    page<SearchPage>(real, of(snapshot, 'search'), query);
  const diff = (query: Record<string, string | undefined>): Promise<DiffPage> =>
    page<DiffPage>(real, `/v1/volsets/${volset}/diff`, query);
  const paths = ({ rows }: { rows: { path: string }[] }): string[] => rows.map(({ path }) => path);

  describe('a folder', () => {
    it('has its own entries only, with all that is known of them', async () => {
      const id = await make({
        'a/deep/er/file': 'x',
        'a.txt': 'hello',
        'a/script': { mode: 0o4755, size: 0, mtime: -1n },
        link: { kind: 'symlink', mode: 0, mtime: 0n, target: Buffer.from('a/script') },
        '\xff\xfe': 'no text',
      });
      assert.deepEqual(await entries(id), {
        at: null,
        rows: [
          { path: 'a', kind: 'dir', mode: '0755', size: 0, mtime: null },
          { path: 'a.txt', kind: 'file', mode: '0644', size: 5, mtime: '2017-07-14T02:40:00.000000000Z' },
          { path: 'link', kind: 'symlink', mode: '0000', size: 0, mtime: null, target: 'a/script' },
          {
            path: '\ufffd\ufffd',
            pathBase64: '//4=',
            kind: 'file',
            mode: '0644',
            size: 7,
            mtime: '2017-07-14T02:40:00.000000000Z',
          },
        ],
        next: null,
      });
      const below = await entries(id, { path: at('a') });
      assert.equal(below.at?.path, 'a');
      assert.deepEqual(paths(below), ['a/deep', 'a/script']);
      assert.equal(below.rows[1].mode, '4755');
      assert.equal(below.rows[1].mtime, '1969-12-31T23:59:59.999999999Z');
      const one = await entries(id, { path: at('\xff\xfe') });
      assert.deepEqual([one.at?.pathBase64, one.rows, one.next], ['//4=', [], null]);
    });

    it('goes page by page, over folders of any size, in path order', async () => {
      const names = Array.from({ length: 1200 }, (_, n) => `n${n}`);
      const shape = Object.fromEntries(names.map((name, n) => [n % 3 === 0 ? `top/${name}/a/b` : `top/${name}`, '']));
      const id = await make(shape);
      const seen: string[] = [];
      const sizes: number[] = [];
      for (let after: string | undefined; ; ) {
        const { rows, next } = await entries(id, { path: at('top'), after, limit: after ? undefined : '7' });
        seen.push(...rows.map(({ path }) => path));
        sizes.push(rows.length);
        if (next === null) break;
        after = next;
      }
      assert.deepEqual(seen, names.map((name) => `top/${name}`).sort());
      assert.deepEqual(sizes, [7, 500, 500, 193]);
      assert.deepEqual(paths(await entries(id)), ['top']);
    });

    it('that is empty has none, and neither has an empty tree', async () => {
      const folder = await make({ empty: { kind: 'dir', mode: 0o700, mtime: 0n } });
      assert.deepEqual((await entries(folder, { path: at('empty') })).rows, []);
      assert.deepEqual(await entries(await make({})), { at: null, rows: [], next: null });
    });

    it('is no place for a page of another folder, or for what is no path', async () => {
      const id = await make({ 'a/b': '', 'c/d': '' });
      for (const query of [
        { path: at('a'), after: at('c/d') },
        { after: at('a/b') },
        { path: 'YQ==' },
        { path: Buffer.from('../x').toString('base64url') },
        { limit: '0' },
        { limit: '1000' },
        { limit: 'x' },
        { after: '' },
        { path: at('a'), after: 'x'.repeat(6000) },
      ] as Record<string, string>[]) {
        const told = await refusal(await ask(real, of(id, 'entries'), query));
        assert.deepEqual([told.status, told.code], [400, 'protocol'], JSON.stringify(query));
      }
      const twice = await ask(real, `${of(id, 'entries')}?path=${at('a')}&path=${at('c')}`);
      assert.equal((await refusal(twice)).code, 'protocol');
    });
  });

  describe('a search', () => {
    it('finds names in any case, in any form, at and below a path', async () => {
      const id = await make({
        'Read.me': '',
        'src/README.md': '',
        'src/readme/none': '',
        'other/README': '',
        [Buffer.from('src/U\u0308ber').toString('latin1')]: '',
        'src/caf\xe9': '',
      });
      assert.deepEqual(paths(await search(id, { name: 'readme' })), ['other/README', 'src/README.md', 'src/readme']);
      assert.deepEqual(paths(await search(id, { name: 'README', path: at('src') })), ['src/README.md', 'src/readme']);
      assert.deepEqual(paths(await search(id, { name: 'read', path: at('other/README') })), ['other/README']);
      assert.deepEqual(paths(await search(id, { name: '\u00dcBER' })), ['src/U\u0308ber'], 'composed or not');
      assert.deepEqual(paths(await search(id, { name: 'caf\ufffd' })), ['src/caf\ufffd'], 'as it is shown');
      assert.deepEqual(paths(await search(id, { name: 'src/' })), [], 'names, not paths');
      assert.deepEqual(await search(id, { name: '.*' }), { rows: [], next: null, scanned: 9 });
    });

    it('goes on where a page ended', async () => {
      const shape = Object.fromEntries(
        Array.from({ length: 450 }, (_, n) => [`d${n % 5}/${n % 9 ? 'x' : 'yes'}${n}`, '']),
      );
      shape['d2/all'] = '';
      for (let n = 0; n < 450; n++) shape[`d3/yes/yes${n}`] = '';
      const id = await make(shape);
      const seen: string[] = [];
      for (let after: string | undefined; ; ) {
        const { rows, next } = await search(id, { name: 'YES', after });
        assert.ok(rows.length <= 200);
        seen.push(...rows.map(({ path }) => path));
        if (next === null) break;
        after = next;
      }
      assert.equal(seen.length, 450 + 50 + 1);
      assert.equal(new Set(seen).size, seen.length);
    });

    it('ends a page that has looked at much, and says where to go on', async () => {
      const shape: Shape = {};
      for (let n = 0; n < 50_010; n++) shape[`f${String(n).padStart(6, '0')}`] = { size: 0 };
      const id = await make(shape);
      const first = await search(id, { name: 'f050005' });
      assert.deepEqual([first.rows, first.scanned, first.next], [[], 50_000, at('f049999')]);
      const second = await search(id, { name: 'f050005', after: first.next as string });
      assert.deepEqual([paths(second), second.scanned, second.next], [['f050005'], 10, null]);
    });

    it('wants something to look for, in a place that is there', async () => {
      const id = await make({ a: '' });
      for (const query of [{}, { name: '' }, { name: 'x'.repeat(256) }]) {
        assert.equal((await refusal(await ask(real, of(id, 'search'), query))).code, 'protocol');
      }
      assert.equal((await refusal(await ask(real, of(id, 'search'), { name: 'a', path: at('b') }))).code, 'not-found');
    });
  });

  describe('a diff', () => {
    it('has a row for each change but for times of folders, and totals', async () => {
      const time = { kind: 'dir' as const, mode: 0o755, size: 0 };
      const from = await make({
        same: 'x',
        gone: 'four',
        grown: '1',
        'dir/kept': '',
        dir: { ...time, mtime: 1n },
        swap: 'f',
      });
      const to = await make({
        same: 'x',
        grown: '12345',
        'dir/kept': '',
        'dir/new': 'abc',
        dir: { ...time, mtime: 2n },
        swap: { kind: 'symlink', mode: 0, mtime: 0n, target: Buffer.from('x') },
      });
      const file = (size: number) => ({ kind: 'file', size });
      assert.deepEqual(await diff({ from, to }), {
        rows: [
          { path: 'dir/new', letter: 'A', after: file(3) },
          { path: 'gone', letter: 'D', before: file(4) },
          { path: 'grown', letter: 'M', before: file(1), after: file(5) },
          { path: 'swap', letter: 'T', before: file(1), after: { kind: 'symlink', size: 0 } },
        ],
        next: null,
        totals: { added: 1, modified: 1, deleted: 1, typeChanged: 1, bytesBefore: 6, bytesAfter: 8, whole: true },
      });
      assert.deepEqual((await diff({ from: to, to })).rows, []);
      const all = await diff({ to: from });
      assert.deepEqual([paths(all), all.totals?.added], [['dir', 'dir/kept', 'gone', 'grown', 'same', 'swap'], 6]);
    });

    it('goes page by page, from something or from nothing', async () => {
      const many: Shape = Object.fromEntries(Array.from({ length: 1100 }, (_, n) => [`f${n}`, `${n}`]));
      const from = await make({ f5: '5', zz: 'same' });
      const to = await make({ ...many, zz: 'same' });
      for (const [start, extra] of [
        [from, []],
        [undefined, ['f5', 'zz']],
      ] as const) {
        const seen: string[] = [];
        for (let after: string | undefined; ; ) {
          const { rows, next, totals } = await diff({ from: start, to, after });
          assert.equal(totals === null, after !== undefined, 'totals once');
          if (totals) assert.equal(totals.added, 1099 + extra.length);
          seen.push(...rows.map(({ path }) => path));
          if (next === null) break;
          after = next;
        }
        assert.deepEqual(seen, [...Object.keys(many).filter((name) => name !== 'f5'), ...extra].sort());
      }
    });

    it('wants snapshots that are here', async () => {
      const to = await make({ a: '' });
      const absent = await make({ b: '' }, { absent: true });
      const none = 'f'.repeat(64);
      for (const [query, code] of [
        [{}, 'protocol'],
        [{ to: 'x' }, 'protocol'],
        [{ to, from: '' }, 'protocol'],
        [{ to: none }, 'not-found'],
        [{ to, from: none }, 'not-found'],
        [{ to, from: absent }, 'blob-absent'],
      ] as [Record<string, string>, string][]) {
        const told = await refusal(await ask(real, `/v1/volsets/${volset}/diff`, query));
        assert.equal(told.code, code, JSON.stringify(query));
      }
    });
  });
});
