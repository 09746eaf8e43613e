/** Files that are got out of snapshots, and downloads that do not come to their end. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { get, type IncomingMessage } from 'node:http';
import { join } from 'node:path';
import type { Entry } from '../../src/core/entry.ts';
import { encodeExtents, MAX_CHUNK } from '../../src/core/extents.ts';
import type { SnapshotId, VolsetId } from '../../src/core/ids.ts';
import type { LogLine } from '../../src/hub/contract.ts';
import { newToken } from '../../src/hub/index.ts';
import { noise } from '../blob/noise.ts';
import { RealHub } from './real-hub.ts';
import { ask, at, makeSnapshot, makeVolset, refusal, type Shape } from './trees-support.ts';

/** A file of zeros, which take no room: as long as one likes. */
const hole = (chunks: number): Partial<Entry> => {
  const length = chunks * MAX_CHUNK;
  return { size: length, content: { extents: encodeExtents([{ length }]) } };
};
const GIB = 4096;

describe('hub: a file of a snapshot', () => {
  let real: RealHub;
  let volset: VolsetId;
  const log: LogLine[] = [];
  let told = (): void => undefined;
  before(async () => {
    real = await RealHub.start({
      log: (line) => {
        log.push(line);
        told();
      },
    });
    volset = await makeVolset(real);
  });
  after(() => real[Symbol.asyncDispose]());

  const make = (shape: Shape): Promise<SnapshotId> => makeSnapshot(real, volset, shape);
  const url = (snapshot: string, what: string): string => `/v1/volsets/${volset}/snapshots/${snapshot}/${what}`;
  const file = (snapshot: string, path: string): Promise<Response> =>
    ask(real, url(snapshot, 'file'), { path: at(path) });
  const sent = async (): Promise<number> => {
    const text = await (await ask(real, '/metrics')).text();
    return Number(/^plait_sent_bytes_total (\d+)$/m.exec(text)?.[1]);
  };
  /** Of the last request to a route, once it has ended. */
  async function ended(route: string): Promise<LogLine> {
    for (;;) {
      const line = log.find((line) => line.event === 'request' && String(line.route).endsWith(route));
      if (line) return line;
      await new Promise<void>((resolve) => {
        told = resolve;
      });
    }
  }
  /** As a client that reads what it wants, when it wants. */
  const slowly = (path: string, query: Record<string, string>): Promise<IncomingMessage> =>
    new Promise((resolve, reject) => {
      const target = new URL(path, real.hub.url);
      for (const [name, value] of Object.entries(query)) target.searchParams.set(name, value);
      get(target, resolve).on('error', reject);
    });
  /** A stretch of the pack that was written last. */
  function damageNewest(share: number): void {
    const dir = join(real.dir, 'packs');
    const files = readdirSync(dir, { recursive: true, encoding: 'utf8' }).map((name) => join(dir, name));
    const packs = files.map((path) => ({ path, stat: statSync(path, { bigint: true }) }));
    const [{ path }] = packs
      .filter(({ stat }) => stat.isFile())
      .sort((x, y) => Number(y.stat.mtimeNs - x.stat.mtimeNs));
    const bytes = readFileSync(path);
    const at = Math.max(200, Math.floor(bytes.length * share));
    writeFileSync(path, bytes.fill(0x55, at, at + 100));
  }

  it('is what it was, with its length, and counted', async () => {
    const shape: Shape = { 'a/big': noise(7, 5_000_000), empty: '', holes: hole(8), small: 'x' };
    const id = await make(shape);
    const before = await sent();
    const big = await file(id, 'a/big');
    assert.deepEqual(
      [big.status, big.headers.get('content-type'), big.headers.get('content-length')],
      [200, 'application/octet-stream', '5000000'],
    );
    assert.ok(Buffer.from(await big.bytes()).equals(shape['a/big'] as Buffer));
    assert.ok((await sent()) - before >= 5_000_000);
    assert.equal((await (await file(id, 'empty')).bytes()).length, 0);
    assert.equal(await (await file(id, 'small')).text(), 'x');
    assert.ok(Buffer.alloc(8 * MAX_CHUNK).equals(await (await file(id, 'holes')).bytes()));
  });

  it('is to be saved, under a name that cannot break out of its header', async () => {
    const names: [string, string][] = [
      ['plain.txt', 'plain.txt'],
      ['two words', 'two%20words'],
      [Buffer.from('\u00fc\u{1f600}').toString('latin1'), '%C3%BC%F0%9F%98%80'],
      ['"; filename="evil.html', '%22%3B%20filename%3D%22evil.html'],
      ["it's (1)*.html", 'it%27s%20%281%29%2A.html'],
      ['a\r\nSet-Cookie: x=y', 'a__Set-Cookie%3A%20x%3Dy'],
      [Buffer.from('\u202egnp.exe').toString('latin1'), '_gnp.exe'],
      ['back\\slash', 'back_slash'],
      ['\xff', '%EF%BF%BD'],
    ];
    const id = await make(Object.fromEntries(names.map(([name]) => [`f/${name}`, '<script>alert(1)</script>'])));
    for (const [name, shown] of names) {
      const { headers, body } = await file(id, `f/${name}`);
      await body?.cancel();
      assert.equal(headers.get('content-disposition'), `attachment; filename="file"; filename*=UTF-8''${shown}`);
      assert.equal(headers.get('x-content-type-options'), 'nosniff');
      assert.equal(headers.get('content-security-policy'), "default-src 'none'; sandbox");
      assert.equal(headers.get('cross-origin-resource-policy'), 'same-origin');
      assert.equal(headers.get('set-cookie'), null);
    }
    const folder = await ask(real, url(id, 'tar'), { path: at('f') });
    await folder.body?.cancel();
    const disposition = `attachment; filename="files.tar"; filename*=UTF-8''f.tar`;
    assert.equal(folder.headers.get('content-disposition'), disposition);
    assert.equal(folder.headers.get('content-security-policy'), "default-src 'none'; sandbox");
  });

  it('is no folder, no link, and nothing that is not there', async () => {
    const id = await make({ 'd/f': '', l: { kind: 'symlink', mode: 0, mtime: 0n, target: Buffer.from('d/f') } });
    for (const [path, code] of [
      ['', 'usage'],
      ['d', 'usage'],
      ['l', 'usage'],
      ['d/g', 'not-found'],
      ['d/f/g', 'not-found'],
      ['l/f', 'not-found'],
    ]) {
      assert.equal((await refusal(await file(id, path))).code, code, path);
    }
    assert.equal((await refusal(await ask(real, url(id, 'file')))).code, 'protocol', 'no path');
    assert.equal((await refusal(await ask(real, url(id, 'tar'), { path: at('g') }))).code, 'not-found');
  });

  it('is sent as fast as it is taken, and no more of it is read once nobody takes it', async () => {
    const id = await make({ 'z/huge': hole(64 * GIB) });
    for (const what of ['file', 'tar']) {
      log.length = 0;
      const before = await sent();
      const answer = await slowly(url(id, what), { path: at('z/huge') });
      await new Promise((resolve) => answer.once('readable', resolve));
      // Others are served meanwhile; each of them gives this one its turn.
      for (let n = 0; n < 20; n++) assert.equal((await ask(real, url(id, 'entries'))).status, 200);
      assert.ok((await sent()) - before < 64 * 1024 * 1024, 'what was not read');
      answer.destroy();
      const line = await ended(`/${what}`);
      assert.deepEqual([line.status, line.cut], [200, true]);
      assert.ok((await sent()) - before < 64 * 1024 * 1024);
    }
  });

  it('is cut where its reader stands still', async () => {
    const cut = Promise.withResolvers<LogLine>();
    const log = (line: LogLine): void => {
      if (line.event === 'request' && String(line.route).endsWith('/file')) cut.resolve(line);
    };
    await using impatient = await RealHub.start({ limits: { idleMs: 200 }, log });
    const of = await makeVolset(impatient);
    const id = await makeSnapshot(impatient, of, { huge: hole(64 * GIB) });
    const target = new URL(`/v1/volsets/${of}/snapshots/${id}/file?path=${at('huge')}`, impatient.hub.url);
    const answer = await new Promise<IncomingMessage>((resolve) => get(target, resolve));
    answer.on('error', () => undefined);
    assert.equal((await cut.promise).cut, true);
    answer.destroy();
  });

  it('leaves others their turn while it is taken at full speed', async () => {
    const id = await make({ 'z/huge': hole(64 * GIB) });
    const answer = await slowly(url(id, 'tar'), {});
    let bytes = 0;
    answer.on('data', (piece: Buffer) => {
      bytes += piece.length;
    });
    answer.on('error', () => undefined);
    for (let n = 0; n < 20; n++) assert.equal((await ask(real, url(id, 'entries'))).status, 200);
    assert.equal(answer.complete, false);
    assert.ok(bytes > 0);
    answer.destroy();
  });

  it('that turns out damaged is never taken for whole', async () => {
    const id = await make({ 'dir/file': noise(11, 30_000_000) });
    damageNewest(0.5);
    for (const what of ['file', 'tar']) {
      log.length = 0;
      const answer = await ask(real, url(id, what), { path: at('dir/file') });
      assert.equal(answer.status, 200, 'it begins well');
      await assert.rejects(answer.bytes(), what);
      assert.equal((await ended(`/${what}`)).cut, true);
    }
    const begun = await make({ 'dir/file': noise(12, 3_000_000) });
    damageNewest(0);
    const first = await refusal(await file(begun, 'dir/file'));
    assert.deepEqual([first.status, first.code], [422, 'integrity'], 'and where nothing was sent yet, it is said');
    assert.ok(first.hint);
  });
});

describe('hub: who may look into what', () => {
  let real: RealHub;
  let volset: VolsetId;
  let other: VolsetId;
  const tokens: Record<string, string> = {};
  before(async () => {
    real = await RealHub.start();
    volset = await makeVolset(real);
    other = await makeVolset(real);
    for (const [name, scope] of Object.entries({ all: '*', own: volset, other })) {
      const wanted = { volset: scope, can: ['read' as const], label: name, expires: null };
      const { text, row } = newToken(wanted, randomBytes, Date.now());
      await real.thread.meta.putToken(row);
      tokens[name] = text;
    }
  });
  after(() => real[Symbol.asyncDispose]());

  const routes = ['entries', 'search', 'file', 'tar', 'diff'];
  const to = (what: string, snapshot: string, token: string, of = volset): Promise<Response> => {
    const query = { path: what === 'diff' ? undefined : at('f'), name: what === 'search' ? 'f' : undefined };
    if (what === 'diff') return ask(real, `/v1/volsets/${of}/diff`, { to: snapshot }, token);
    return ask(real, `/v1/volsets/${of}/snapshots/${snapshot}/${what}`, query, token);
  };
  const codes = async (snapshot: string, token: string, of?: VolsetId): Promise<string[]> =>
    Promise.all(
      routes.map(async (what) => {
        const answer = await to(what, snapshot, token, of);
        return answer.ok ? 'ok' : (await refusal(answer)).code;
      }),
    );
  const always = (code: string): string[] => routes.map(() => code);

  it('those whose token covers the volume set', async () => {
    const id = await makeSnapshot(real, volset, { f: 'x' });
    assert.deepEqual(await codes(id, tokens.all), always('ok'));
    assert.deepEqual(await codes(id, tokens.own), always('ok'));
    assert.deepEqual(await codes(id, tokens.other), always('forbidden'));
    assert.deepEqual(await codes(id, tokens.other, other), always('not-found'), 'by way of another volume set');
  });

  it('what is here, and not forgotten', async () => {
    const absent = await makeSnapshot(real, volset, { f: 'absent' }, { absent: true });
    assert.deepEqual(await codes(absent, tokens.own), always('blob-absent'));
    assert.deepEqual(await codes('a'.repeat(64), tokens.own), always('not-found'));
    const gone = await makeSnapshot(real, volset, { f: 'forget me' });
    await real.thread.meta.commit(volset, [{ edit: 'delete', object: `snapshot:${gone}` }]);
    assert.deepEqual(await codes(gone, tokens.own), always('not-found'));
    for (const id of ['x', 'A'.repeat(64), '%2e%2e']) {
      const answer = await ask(real, `/v1/volsets/${volset}/snapshots/${id}/tar`, {}, tokens.own);
      assert.equal((await refusal(answer)).code, 'not-found', id);
    }
  });

  it('nothing of a volume set that was deleted', async () => {
    const deleted = await makeVolset(real);
    const id = await makeSnapshot(real, deleted, { f: 'x' });
    await real.thread.meta.commit(deleted, [{ edit: 'delete', object: 'volset' }]);
    assert.deepEqual(await codes(id, tokens.all, deleted), always('not-found'));
  });

  it('nothing where the hub was not given its data', async () => {
    await using blind = await RealHub.start({ data: undefined });
    const of = await makeVolset(blind);
    const id = await makeSnapshot(blind, of, { f: 'x' });
    const answer = await ask(blind, `/v1/volsets/${of}/snapshots/${id}/entries`);
    assert.deepEqual((await refusal(answer)).code, 'not-found');
  });
});
