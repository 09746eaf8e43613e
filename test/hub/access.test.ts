import assert from 'node:assert/strict';
import { request } from 'node:http';
import { createHub, newToken, routes } from '../../src/hub/index.ts';
import { RIGHTS, type Right } from '../../src/wire/transfer-service.ts';
import { asyncMeta, MemoryMeta } from './memory-meta.ts';
import { OTHER, rejectsWith, startHub, type TestHub, VOLSET } from './support.ts';

interface Answer {
  status: number;
  code: string;
  message: string;
}

/** A request whose body is announced and never sent: the answer can only come from what was checked before it. */
function ask(url: string, method: string, path: string, headers: Record<string, string>): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const target = new URL(path, url);
    const sent = request(target, {
      method,
      headers: { ...headers, ...(method !== 'GET' && { 'content-length': '1000' }) },
    });
    sent.on('response', (answer) => {
      // A feed never ends.
      if (answer.statusCode === 200) {
        resolve({ status: 200, code: '', message: '' });
        sent.destroy();
        return;
      }
      let text = '';
      answer.on('data', (piece) => (text += piece));
      answer.on('error', () => {});
      const done = () => {
        const body = text.startsWith('{') ? (JSON.parse(text) as { error?: { code: string; message: string } }) : {};
        const { code = '', message = '' } = body.error ?? {};
        resolve({ status: answer.statusCode ?? 0, code, message });
        sent.destroy();
      };
      answer.on('end', done);
      // A refused body is lingered over; the answer itself is complete as soon as its length is there.
      answer.on('data', () => text.length >= Number(answer.headers['content-length']) && done());
    });
    sent.on('error', reject);
    sent.flushHeaders();
    if (method === 'GET') sent.end();
  });
}

const pathOf = (path: string): string =>
  path.replace(':volset', VOLSET).replace(':upload', 'a'.repeat(32)).replace(':snapshot', 'b'.repeat(64));
const typeOf = (type: string | undefined): Record<string, string> => (type ? { 'content-type': type } : {});

/** What each route asks for. A route that is not here, or not there, fails. */
const TABLE: Record<string, Right | 'any' | 'open' | 'read or append'> = {
  'GET /healthz': 'open',
  'GET /v1/openapi.json': 'open',
  'GET /v1/token': 'any',
  'GET /metrics': 'read',
  'GET /v1/activity': 'read',
  'GET /v1/health': 'read',
  'GET /v1/changes': 'read',
  'GET /v1/overview': 'read',
  'GET /v1/volsets': 'read',
  'POST /v1/volsets': 'write',
  'GET /v1/volsets/:volset': 'read',
  'GET /v1/volsets/:volset/changes': 'read',
  'GET /v1/volsets/:volset/diff': 'read',
  'GET /v1/volsets/:volset/snapshots/:snapshot/entries': 'read',
  'GET /v1/volsets/:volset/snapshots/:snapshot/file': 'read',
  'GET /v1/volsets/:volset/snapshots/:snapshot/search': 'read',
  'GET /v1/volsets/:volset/snapshots/:snapshot/tar': 'read',
  'GET /v1/volsets/:volset/state': 'read',
  'GET /v1/volsets/:volset/view': 'read',
  'POST /v1/volsets/:volset/history': 'read',
  'GET /v1/volsets/:volset/snapshots/:snapshot': 'read',
  'GET /v1/volsets/:volset/conflicts': 'read',
  'GET /v1/volsets/:volset/sizes': 'read',
  'POST /v1/volsets/:volset/deltas': 'read or append',
  'POST /v1/volsets/:volset/generations': 'append',
  'POST /v1/volsets/:volset/have': 'append',
  'POST /v1/volsets/:volset/holds': 'read',
  'POST /v1/volsets/:volset/offers': 'append',
  'POST /v1/volsets/:volset/refs': 'write',
  'POST /v1/volsets/:volset/requests': 'read',
  'POST /v1/volsets/:volset/writes': 'append',
  'GET /v1/transfers/:upload': 'read',
  'POST /v1/transfers/:upload': 'append',
  'POST /v1/transfers/:upload/held': 'read',
  'PUT /v1/transfers/:upload': 'append',
};
const ALL: readonly Right[] = RIGHTS;
const IMPLIED: Record<Right, Right[]> = {
  read: ['read'],
  append: ['append'],
  write: ['append', 'write'],
  delete: ['delete'],
  admin: ['read', 'append', 'write', 'delete', 'admin'],
};
const nameOf = ({ method, path }: { method: string; path: string }): string => `${method} ${path}`;
const wantedOf = (route: { method: string; path: string }): Right[] => {
  const wanted = TABLE[nameOf(route)];
  if (wanted === 'any') return [...ALL];
  return wanted === 'open' ? [] : (wanted.split(' or ') as Right[]);
};

it('hub access: the table names each route, and no other', () => {
  assert.deepEqual(routes.map(nameOf).sort(), Object.keys(TABLE).sort());
});

/** Past the check of rights a request may fail for many reasons: a transfer token that is missing is one. */
const refused = { status: 403, code: 'forbidden' };
const isRefusal = ({ status, message }: Answer): boolean =>
  status === 403 && /(?:does not allow to|read-only|append-only|not for this volume set)/.test(message);

describe('hub access: each route, before its body is read', () => {
  let test: TestHub;
  const modes: Record<string, TestHub> = {};
  const tokens: Record<string, string> = {};

  before(async () => {
    test = await startHub();
    modes.readOnly = await startHub({ readOnly: true });
    modes.appendOnly = await startHub({ appendOnly: true });
    const all = [...ALL];
    tokens.good = test.token(all);
    tokens.expired = test.token(all, { expires: Date.now() - 1 });
    tokens.revoked = test.token(all);
    test.meta.tokens = test.meta.tokens.map((row, i) => (i === 2 ? { ...row, revoked: true } : row));
    tokens.otherVolset = test.token(all, { volset: OTHER });
    for (const right of ALL) tokens[right] = test.token([right]);
    tokens.unknown = newToken({ volset: '*', can: all, label: '', expires: null }, (n) => Buffer.alloc(n, 9), 0).text;
    tokens.wrongSecret = tokens.good.slice(0, -2) + (tokens.good.endsWith('AA') ? 'BB' : 'AA');
  });
  after(() => Promise.all([test, ...Object.values(modes)].map(({ hub }) => hub.close())));

  const asked = async (
    path: string,
    method: string,
    type: string | undefined,
    token?: string,
    url = test.url,
  ): Promise<Answer> =>
    ask(url, method, path, { ...typeOf(type), ...(token !== undefined && { authorization: `Bearer ${token}` }) });
  const refusedAs = async (path: string, method: string, type: string | undefined, token?: string) => {
    const { status, code } = await asked(path, method, type, token);
    return { status, code };
  };

  for (const route of routes) {
    const { method, body } = route;
    const path = pathOf(route.path);
    const wanted = wantedOf(route);
    if (wanted.length === 0) {
      it(`${nameOf(route)} is open`, async () => {
        assert.equal((await refusedAs(path, method, body?.type)).status, 200);
      });
      continue;
    }
    it(`${nameOf(route)} wants a valid token`, async () => {
      for (const kind of ['none', 'expired', 'revoked', 'unknown', 'wrongSecret']) {
        const answer = await refusedAs(path, method, body?.type, tokens[kind]);
        assert.deepEqual(answer, { status: 401, code: 'unauthorized' }, kind);
      }
    });
    it(`${nameOf(route)} wants ${TABLE[nameOf(route)]}, be the hub read-only or append-only`, async () => {
      for (const right of ALL) {
        const may = IMPLIED[right].some((one) => wanted.includes(one));
        if (!may) assert.deepEqual(await refusedAs(path, method, body?.type, tokens[right]), refused, right);
        else assert.equal(await passes(route, tokens[right], test.url), true, right);
      }
      for (const [mode, { url, meta }] of Object.entries(modes)) {
        meta.tokens = test.meta.tokens;
        const reads = TABLE[nameOf(route)] === 'any' || wanted.includes('read');
        assert.equal(await passes(route, tokens.admin, url), mode === 'appendOnly' || reads, mode);
      }
    });
    if (!route.path.includes(':volset')) continue;
    it(`${nameOf(route)} wants a token for that volset, whether it exists or not`, async () => {
      assert.deepEqual(await refusedAs(path, method, body?.type, tokens.otherVolset), refused);
    });
  }

  /** Of a body that never comes nothing is answered: that it gets so far is seen by another fault of the request. */
  async function passes({ method, path, body }: (typeof routes)[number], token: string, url: string): Promise<boolean> {
    const answer = await asked(pathOf(path), method, body && 'text/none', token, url);
    return !isRefusal(answer);
  }

  it('write implies append, admin implies all, read implies nothing', async () => {
    const write = test.token(['write']);
    assert.equal((await refusedAs(`/v1/volsets/${VOLSET}/refs`, 'GET', undefined, write)).code, 'not-found');
    assert.equal((await refusedAs('/v1/volsets', 'GET', undefined, write)).code, 'forbidden');
    assert.equal((await refusedAs('/v1/volsets', 'GET', undefined, test.token(['admin']))).status, 200);
  });

  it('takes no scheme but Bearer, and no token of another form', async () => {
    for (const value of [
      '',
      'Bearer',
      `Basic ${tokens.good}`,
      `Bearer ${tokens.good} x`,
      `Bearer ${'a'.repeat(5000)}`,
    ]) {
      const answer = await ask(test.url, 'GET', '/v1/volsets', { authorization: value });
      assert.equal(answer.status, 401, value.slice(0, 40));
    }
  });

  it('a token revoked meanwhile is refused at once', async () => {
    const token = test.token(['read']);
    assert.equal((await refusedAs('/v1/volsets', 'GET', undefined, token)).status, 200);
    test.meta.tokens = test.meta.tokens.map((row, i, all) => (i === all.length - 1 ? { ...row, revoked: true } : row));
    assert.equal((await refusedAs('/v1/volsets', 'GET', undefined, token)).status, 401);
  });

  it('lists only volsets that the token covers', async () => {
    test.meta.apply(VOLSET, { peer: test.meta.self.store, generations: [] });
    test.meta.apply(OTHER, { peer: test.meta.self.store, generations: [] });
    const list = async (token: string) => {
      const answer = await fetch(`${test.url}/v1/volsets`, { headers: { authorization: `Bearer ${token}` } });
      return ((await answer.json()) as { volsets: { id: string }[] }).volsets.map((v) => v.id);
    };
    assert.deepEqual(await list(tokens.good), [VOLSET, OTHER]);
    assert.deepEqual(await list(tokens.otherVolset), [OTHER]);
  });

  it('does not make a volset that the token does not cover', async () => {
    const answer = await fetch(`${test.url}/v1/volsets`, {
      method: 'POST',
      headers: { authorization: `Bearer ${tokens.otherVolset}`, 'content-type': 'application/json' },
      body: JSON.stringify({ id: 'c'.repeat(32), name: 'new' }),
    });
    assert.equal(answer.status, 403);
  });

  it('writes no token and no Authorization header into its log', () => {
    const text = JSON.stringify(test.log);
    assert.ok(test.log.length > 20);
    for (const token of Object.values(tokens)) assert.ok(!text.includes(token.slice(20)), 'a secret is in the log');
    assert.ok(!/bearer/i.test(text));
  });
});

describe('hub access: without tokens', () => {
  it('refuses to listen beyond loopback unless told so, and warns then', async () => {
    const meta = asyncMeta(new MemoryMeta());
    await assert.rejects(startHub({ host: '0.0.0.0' }), rejectsWith('bad-config', /loopback only/));
    await using open = await startHub({ host: '0.0.0.0', noAuth: true });
    assert.ok(open.log.some((line) => line.event === 'no-auth' && line.level === 'warn'));
    assert.ok(meta.self);
  });

  it('listens beyond loopback with a token, even one that is revoked, and then lets nobody in', async () => {
    const meta = new MemoryMeta();
    const { row } = newToken({ volset: '*', can: ['read'], label: '', expires: null }, (n) => Buffer.alloc(n), 0);
    meta.tokens = [{ ...row, revoked: true }];
    await using test = await startHub({ host: '0.0.0.0', meta: asyncMeta(meta) });
    assert.equal((await fetch(`http://127.0.0.1:${test.hub.port}/v1/volsets`)).status, 401);
  });

  it('answers only requests that name localhost', async () => {
    await using test = await startHub();
    assert.equal((await ask(test.url, 'GET', '/v1/volsets', { host: 'evil.example' })).code, 'forbidden');
    assert.equal((await ask(test.url, 'GET', '/v1/volsets', { host: `localhost:${test.hub.port}` })).status, 200);
    assert.equal((await ask(test.url, 'GET', '/v1/volsets', { host: '127.0.0.1.evil.example' })).code, 'forbidden');
  });

  it('read-only refuses everything that writes', async () => {
    await using test = await startHub({ readOnly: true });
    const writing = routes.filter(({ right }) => right === 'append' || right === 'write');
    assert.equal(
      writing.length,
      Object.values(TABLE).filter((right) => right === 'append' || right === 'write').length,
    );
    for (const { method, path, body } of writing) {
      const answer = await ask(test.url, method, pathOf(path), typeOf(body?.type));
      assert.equal(answer.code, 'forbidden', path);
    }
  });

  it('says that a port is in use', async () => {
    await using test = await startHub();
    const again = createHub({
      meta: asyncMeta(new MemoryMeta()),
      transfer: test.transfers,
      transferTokens: test.transfers.tokens,
      port: test.hub.port,
    });
    await assert.rejects(again, rejectsWith('busy', /in use/));
  });
});

describe('hub access: transfer tokens', () => {
  let test: TestHub;
  let bearer: string;
  before(async () => {
    test = await startHub();
    bearer = test.token(['read', 'append']);
  });
  after(() => test.hub.close());

  const ownerOf = (token: string): string => token.split('_')[1];
  const attempt = (method: string, path: string, transfer: string | undefined, type?: string) =>
    ask(test.url, method, path, {
      authorization: `Bearer ${bearer}`,
      ...typeOf(type),
      ...(transfer !== undefined && { 'plait-transfer': transfer }),
    });
  const TAR = 'application/x-tar';

  it('are good for their own upload, owner, direction and time only', async () => {
    const claims = { volset: VOLSET, direction: 'up' as const, snapshots: [], owner: ownerOf(bearer) };
    const good = test.transfers.grant(claims);
    const other = test.transfers.grant(claims);
    const down = test.transfers.grant({ ...claims, direction: 'down' });
    const foreign = test.transfers.grant({ ...claims, owner: 'somebody-else' });
    const late = test.transfers.grant(claims, Date.now() - 1);
    const rows: [string, string, string | undefined][] = [
      ['none', good.url, undefined],
      ['garbage', good.url, 'x.y'],
      ['a flipped payload', good.url, `A${good.token.slice(1)}`],
      ['a cut signature', good.url, good.token.slice(0, -4)],
      ["another upload's", good.url, other.token],
      ['the other direction', down.url, down.token],
      ["another bearer's", foreign.url, foreign.token],
      ['expired', late.url, late.token],
    ];
    for (const [what, url, token] of rows) {
      const { status, code } = await attempt('PUT', url, token, TAR);
      assert.deepEqual({ status, code }, { status: 403, code: 'forbidden' }, what);
    }
    assert.equal((await attempt('GET', good.url, good.token)).code, 'forbidden', 'up used for down');
  });

  it('do not replace the bearer token', async () => {
    const good = test.transfers.grant({ volset: VOLSET, direction: 'down', snapshots: [], owner: ownerOf(bearer) });
    const answer = await ask(test.url, 'GET', good.url, { 'plait-transfer': good.token });
    assert.equal(answer.status, 401);
  });

  it('of another volset do not answer have', async () => {
    const grant = test.transfers.grant({ volset: OTHER, direction: 'up', snapshots: [], owner: ownerOf(bearer) });
    const answer = await fetch(`${test.url}/v1/volsets/${VOLSET}/have?kind=0`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${bearer}`,
        'plait-transfer': grant.token,
        'content-type': 'application/octet-stream',
      },
      body: Buffer.alloc(32),
    });
    assert.equal(answer.status, 403);
  });
});
