/** What the page is served with: the policy that keeps it to itself, how long its parts are kept, and how little it is. */
import assert from 'node:assert/strict';
import { Lab } from '../../e2e/helpers/lab.ts';
import { useStory, useTabs } from './support/shared.ts';
import { live } from './support/shown.ts';

const FIRST_VIEW_BYTES = 300 * 1024;

describe('page: what it is served with', function () {
  this.timeout(120_000);
  const tabs = useTabs();
  const story = useStory();

  const partsOf = async (url: string): Promise<string[]> => {
    const html = await (await fetch(url)).text();
    return [...html.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, path]) => new URL(path, url).href);
  };

  it('/ forbids everything but its own parts, frames around it and forms that leave it', async () => {
    const { headers } = await fetch(story().hub.url);
    const policy = new Map(
      (headers.get('content-security-policy') ?? '').split('; ').map((rule) => {
        const [name, ...values] = rule.split(' ');
        return [name, values.join(' ')];
      }),
    );
    const wanted = {
      'default-src': "'none'",
      'script-src': "'self'",
      'style-src': "'self'",
      'connect-src': "'self'",
      'base-uri': "'none'",
      'form-action': "'none'",
      'frame-ancestors': "'none'",
      'require-trusted-types-for': "'script'",
    };
    for (const [name, value] of Object.entries(wanted)) assert.equal(policy.get(name), value, name);
    assert.doesNotMatch([...policy.values()].join(' '), /unsafe|\*|data:|https?:/);
    assert.equal(headers.get('x-content-type-options'), 'nosniff');
    assert.equal(headers.get('referrer-policy'), 'no-referrer');
    assert.equal(headers.get('cross-origin-opener-policy'), 'same-origin');
    assert.equal(headers.get('access-control-allow-origin'), null);
    assert.equal(headers.get('set-cookie'), null);
  });

  it('/ is asked for each time, its parts are kept for ever under names that change with them', async () => {
    const { url } = story().hub;
    assert.match((await fetch(url)).headers.get('cache-control') ?? '', /no-store|no-cache/);
    const parts = await partsOf(url);
    assert.equal(parts.length, 3, parts.join());
    for (const part of parts) {
      const { status, headers } = await fetch(part);
      assert.equal(status, 200, part);
      assert.match(part, /-[0-9A-Z]{8}\.(js|css|svg)$/);
      assert.match(headers.get('cache-control') ?? '', /max-age=31536000, immutable/);
      assert.match(headers.get('content-security-policy') ?? '', /default-src 'none'/, 'an icon is a document, too');
    }
  });

  it('nothing is written into the document: no script, style or handler in it', async () => {
    const html = await (await fetch(story().hub.url)).text();
    assert.doesNotMatch(html, /<script(?![^>]*\ssrc=)|<style|\sstyle=|\son\w+=|javascript:/i);
  });

  it('the first view takes at most 300 KiB, all requests until it is live', async () => {
    await tabs().use(story().hub.url, async ({ page }) => {
      const session = await page.context().newCDPSession(page);
      let bytes = 0;
      session.on('Network.dataReceived', ({ encodedDataLength, dataLength }) => {
        bytes += Math.max(encodedDataLength, dataLength);
      });
      await session.send('Network.enable');
      await session.send('Network.setCacheDisabled', { cacheDisabled: true });
      await page.reload();
      await page.getByRole('link', { name: 'data' }).waitFor();
      await live(page);
      assert.ok(bytes > 1000 && bytes <= FIRST_VIEW_BYTES, `${bytes} bytes`);
    });
  });
});

describe('page: a hub without it', function () {
  this.timeout(120_000);

  it('--no-ui: no page, and /v1 as ever', async () => {
    await using lab = new Lab();
    const { url } = await lab.hub('hub', '--no-ui');
    const at = async (path: string): Promise<number> => (await fetch(`${url}${path}`)).status;
    assert.deepEqual([await at('/'), await at('/page/index.html'), await at('/v1/token')], [404, 404, 200]);
  });
});
