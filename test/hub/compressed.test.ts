/** Long answers of the page and its views come packed for those who take that, and for nobody else. */
import assert from 'node:assert/strict';
import { get, type IncomingMessage } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { gunzipSync } from 'node:zlib';
import { compressed } from '../../src/hub/compressed.ts';
import { answerBytes } from '../../src/hub/media.ts';
import { pageRoutes } from '../../src/hub/page.ts';
import { RealHub } from './real-hub.ts';

const LONG = `<!doctype html>${'<p>all the same</p>'.repeat(500)}`;
const FILES = [
  { path: '/', type: 'text/html; charset=utf-8', bytes: Buffer.from(LONG) },
  { path: '/page/short.css', type: 'text/css', bytes: Buffer.from('p{}') },
  { path: '/page/style-0ABC1DEF.css', type: 'text/css', bytes: Buffer.from('p{}') },
];

const ask = (url: string, accepts?: string): Promise<IncomingMessage> =>
  new Promise((resolve, reject) => {
    const headers = accepts === undefined ? {} : { 'accept-encoding': accepts };
    get(url, { headers }, resolve).on('error', reject);
  });

describe('hub: compressed answers', () => {
  let real: RealHub;
  before(async () => {
    real = await RealHub.start({ page: FILES });
  });
  after(async () => real[Symbol.asyncDispose]());

  for (const accepts of ['gzip', 'gzip, deflate, br', 'br;q=1, GZIP ; q=0.5']) {
    it(`to whoever says ${accepts}`, async () => {
      const response = await ask(`${real.hub.url}/`, accepts);
      const bytes = await buffer(response);
      assert.equal(response.headers['content-encoding'], 'gzip');
      assert.equal(response.headers.vary, 'accept-encoding');
      assert.equal(response.headers['content-length'], String(bytes.length));
      assert.ok(bytes.length < LONG.length / 10, `${bytes.length} bytes`);
      assert.equal(gunzipSync(bytes).toString(), LONG);
    });
  }

  for (const accepts of [undefined, 'identity', 'br', 'gzip;q=0', 'gzip; q=0.000, br', 'xgzip']) {
    it(`not to whoever says ${accepts ?? 'nothing'}`, async () => {
      const response = await ask(`${real.hub.url}/`, accepts);
      assert.equal(response.headers['content-encoding'], undefined);
      assert.equal(response.headers.vary, 'accept-encoding');
      assert.equal((await buffer(response)).toString(), LONG);
    });
  }

  it('once where the bytes are the same each time, as those of files are', async () => {
    const { handle, answer } = pageRoutes(FILES)[0];
    const [one, two] = [1, 2].map(async () => answerBytes(await handle({} as never, {} as never)));
    const [first, second] = [await compressed(await one, 'gzip'), await compressed(await two, 'gzip')];
    assert.equal(answer.compressed, true);
    assert.equal(first.bytes, second.bytes);
  });

  for (const [path, kept] of [
    ['/', 'no-store'],
    ['/page/short.css', 'no-store'],
    ['/page/style-0ABC1DEF.css', 'public, max-age=31536000, immutable'],
  ]) {
    it(`of ${path} are kept by browsers: ${kept}`, async () => {
      const response = await ask(`${real.hub.url}${path}`);
      response.resume();
      assert.equal(response.headers['cache-control'], kept);
    });
  }

  it('not where there is hardly anything to pack', async () => {
    const response = await ask(`${real.hub.url}/page/short.css`, 'gzip');
    assert.equal(response.headers['content-encoding'], undefined);
    assert.equal((await buffer(response)).toString(), 'p{}');
  });
});
