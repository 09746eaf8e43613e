/** A hub that is watched: its metrics, its health, its audit log, and who it takes a request to come from. */
import assert from 'node:assert/strict';
import type { Audit, AuditEntry } from '../../src/hub/audit.ts';
import { routes } from '../../src/hub/index.ts';
import { RealHub } from './real-hub.ts';
import { OTHER, peerOf, SENDER, sampleHistory, startHub, VOLSET } from './support.ts';

interface Sample {
  name: string;
  labels: Record<string, string>;
  value: number;
}

const LABEL = /^([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"$/;

/** The text format as Prometheus reads it; throws at the first line that is none of it. */
function parse(text: string): Sample[] {
  assert.ok(text.endsWith('\n'));
  const types = new Map<string, string>();
  const seen = new Set<string>();
  const samples: Sample[] = [];
  for (const line of text.trimEnd().split('\n')) {
    const type = /^# TYPE ([a-z_]+) (counter|gauge|histogram)$/.exec(line);
    if (type) {
      assert.ok(!types.has(type[1]), `two types: ${line}`);
      types.set(type[1], type[2]);
      continue;
    }
    if (/^# HELP [a-z_]+ \S/.test(line)) continue;
    const sample = /^([a-z_]+)(?:\{(.*)\})? (-?[0-9.e+-]+)$/.exec(line);
    assert.ok(sample, `no sample: ${line}`);
    const [, name, text = '', value] = sample;
    const labels = Object.fromEntries(
      text === ''
        ? []
        : text.split(/,(?=[a-z_]+=")/).map((part) => {
            const label = LABEL.exec(part);
            assert.ok(label, `no label: ${part}`);
            return [label[1], label[2]];
          }),
    );
    const base = name.replace(/_(?:bucket|sum|count)$/, '');
    assert.ok(types.has(name) || types.get(base) === 'histogram', `no type: ${line}`);
    const key = `${name}{${text}}`;
    assert.ok(!seen.has(key), `twice: ${key}`);
    seen.add(key);
    assert.ok(Number.isFinite(Number(value)), line);
    samples.push({ name, labels, value: Number(value) });
  }
  return samples;
}

const read = async (url: string, token?: string): Promise<Sample[]> => {
  const answer = await fetch(
    `${url}/metrics`,
    token === undefined ? {} : { headers: { authorization: `Bearer ${token}` } },
  );
  assert.equal(answer.status, 200);
  return parse(await answer.text());
};
const sampleOf = (samples: Sample[], name: string, labels: Record<string, string> = {}): number | undefined =>
  samples.find((one) => one.name === name && Object.entries(labels).every(([key, value]) => one.labels[key] === value))
    ?.value;

describe('hub in operation: metrics', () => {
  it('are the text format, and tell of volume sets, the queue, stamps, space and requests', async () => {
    await using real = await RealHub.start();
    const { generations } = sampleHistory();
    const peer = await peerOf(real.hub.url);
    await peer.createVolset({ id: VOLSET, name: 'data' });
    await peer
      .deltas(VOLSET, { self: real.thread.meta.self.store.replace(/^./, 'f') as never, vector: {}, knownRevision: 0 })
      .catch(() => undefined);
    const ask = { self: 'd4'.repeat(16) as never, vector: {}, knownRevision: 0 };
    await peer.deltas(VOLSET, { ...ask, self: generations[0].store });
    await peer.sendGenerations(VOLSET, generations, SENDER);
    await real.thread.meta.putStamp({ what: 'gc', volset: null, at: 1_700_000_000_000, detail: null });
    await real.thread.meta.putStamp({ what: 'push:secret-name', volset: VOLSET, at: 1, detail: null });
    await real.thread.meta.putStamp({
      what: 'scrub',
      volset: null,
      at: 2000,
      detail: '{"share":0.5,"x y":1,"name":"n"}',
    });
    await real.thread.meta.addUsage('0123456789ab', 42);
    const samples = await read(real.hub.url);
    const of = { volset: VOLSET };
    assert.equal(sampleOf(samples, 'plait_volsets'), 1);
    assert.equal(sampleOf(samples, 'plait_conflicts', of), 0);
    assert.equal(sampleOf(samples, 'plait_members', of), 1);
    assert.equal(sampleOf(samples, 'plait_damaged_snapshots', of), 0);
    assert.equal(sampleOf(samples, 'plait_queue_waiting'), 0);
    assert.equal(sampleOf(samples, 'plait_last_success_timestamp_seconds', { work: 'gc' }), 1_700_000_000);
    assert.equal(sampleOf(samples, 'plait_scrub', { figure: 'share' }), 0.5);
    assert.equal(sampleOf(samples, 'plait_token_used_bytes', { token: '0123456789ab' }), 42);
    assert.ok((sampleOf(samples, 'plait_free_bytes') ?? 0) > 0);
    assert.ok((sampleOf(samples, 'process_resident_memory_bytes') ?? 0) > 1e6);
    const took = { route: '/v1/volsets/:volset/generations' };
    assert.equal(sampleOf(samples, 'plait_request_duration_seconds_count', took), 1);
    assert.equal(sampleOf(samples, 'plait_request_duration_seconds_bucket', { ...took, le: '+Inf' }), 1);
    assert.ok(!JSON.stringify(samples).includes('secret-name'));
    await peer[Symbol.asyncDispose]();
  });

  it('tell a token of the volume sets that it covers, and of other tokens only where it covers all', async () => {
    await using test = await startHub();
    test.meta.used = { '0123456789ab': 7 };
    for (const id of [VOLSET, OTHER]) test.meta.apply(id, { peer: test.meta.self.store, generations: [] });
    const volsets = (samples: Sample[]): string[] =>
      samples.filter(({ name }) => name === 'plait_conflicts').map(({ labels }) => labels.volset);
    const one = await read(test.url, test.token(['read'], { volset: OTHER }));
    assert.deepEqual(volsets(one), [OTHER]);
    assert.equal(sampleOf(one, 'plait_token_used_bytes'), undefined);
    assert.equal(sampleOf(one, 'plait_volsets'), 1);
    assert.equal(sampleOf(one, 'plait_queue_waiting'), undefined, 'of all volume sets');
    const all = await read(test.url, test.token(['read']));
    assert.deepEqual(volsets(all).sort(), [VOLSET, OTHER].sort());
    assert.equal(sampleOf(all, 'plait_token_used_bytes'), 7);
    assert.equal(sampleOf(all, 'plait_volsets'), 2);
  });
});

describe('hub in operation: health', () => {
  const health = async (url: string) => {
    const answer = await fetch(`${url}/healthz`);
    return [answer.status, (await answer.json()) as { ok: boolean; checks: Record<string, boolean> }] as const;
  };

  it('is good where metadata can be read and written and there is room', async () => {
    await using real = await RealHub.start({ minFree: 1 });
    const [status, { ok, checks }] = await health(real.hub.url);
    assert.deepEqual([status, ok], [200, true]);
    assert.deepEqual(Object.keys(checks).sort(), ['audit', 'data', 'meta-read', 'meta-write', 'serving', 'space']);
  });

  it('is not where the disk is nearly full, or nothing can be written, and says no more than which', async () => {
    await using real = await RealHub.start({ minFree: Number.MAX_SAFE_INTEGER });
    const [full, told] = await health(real.hub.url);
    assert.deepEqual([full, told.ok, told.checks.space, told.checks['meta-write']], [503, false, false, true]);
    let now = 0;
    await using test = await startHub({ now: () => now });
    test.meta.broken = true;
    const [broken, { ok, checks }] = await health(test.url);
    assert.deepEqual([broken, ok, checks['meta-write'], checks['meta-read']], [503, false, false, true]);
    assert.ok(test.log.some(({ event, check }) => event === 'unhealthy' && check === 'meta-write'));
    test.meta.broken = false;
    assert.equal((await health(test.url))[0], 503, 'asked at most every few seconds');
    now += 5000;
    assert.equal((await health(test.url))[0], 200);
    await using reads = await startHub({ readOnly: true });
    reads.meta.broken = true;
    assert.equal((await health(reads.url))[0], 200, 'a read-only hub writes nothing');
  });
});

/** Requests that change nothing but what the transfer of their own bearer goes by. Any other is in the audit log. */
const UNCHANGING = ['deltas', 'have', 'held', 'history', 'offers', 'requests'];

describe('hub in operation: audit', () => {
  for (const { method, path, audit } of routes) {
    const isQuiet = method === 'GET' || UNCHANGING.includes(path.split('/').at(-1) as string);
    it(`${method} ${path} ${isQuiet ? 'has no line' : 'has a line'}`, () => assert.equal(audit === undefined, isQuiet));
  }

  it('has a line for each request that changes something, refused ones too, without names and tokens', async () => {
    const lines: AuditEntry[] = [];
    let fault: string | undefined;
    const audit: Audit = {
      write: (entry) => void lines.push(entry),
      reopen: () => undefined,
      fault: () => fault,
      [Symbol.asyncDispose]: async () => undefined,
    };
    await using test = await startHub({ audit, trustedProxies: ['127.0.0.1'] });
    const token = test.token(['read', 'write'], { label: 'laptop' });
    const { generations, ids } = sampleHistory();
    const peer = await peerOf(test.url, { token });
    await peer.createVolset({ id: VOLSET, name: 'secret-volset' });
    await peer.deltas(VOLSET, { self: generations[0].store, vector: {}, knownRevision: 0 });
    await peer.sendGenerations(VOLSET, generations, SENDER);
    const moves = [{ branch: 'c3'.repeat(16) as never, from: null, to: ids[1] }];
    await peer.moveRefs(VOLSET, moves);
    const reader = await peerOf(test.url, { token: test.token(['read']) });
    await assert.rejects(reader.moveRefs(VOLSET, moves));
    await fetch(`${test.url}/v1/volsets/${VOLSET}/refs`, {
      method: 'POST',
      headers: { 'x-forwarded-for': '192.0.2.7' },
    });
    assert.deepEqual(
      lines.map(({ action, label, outcome, status, code, volset }) => [action, label, outcome, status, code, volset]),
      [
        ['announce-volset', 'laptop', 'done', 200, null, VOLSET],
        ['push-records', 'laptop', 'done', 200, null, VOLSET],
        ['move-branches', 'laptop', 'done', 200, null, VOLSET],
        ['move-branches', null, 'refused', 403, 'forbidden', null],
        ['move-branches', null, 'refused', 401, 'unauthorized', null],
      ],
    );
    assert.deepEqual([lines[2].branches, lines[2].moves, lines[2].moved], [1, moves, false]);
    assert.equal(lines[1].store, generations[0].store);
    assert.ok(lines[1].bytes > 100);
    assert.deepEqual(lines.map(({ from }) => from).slice(-2), ['127.0.0.1', '192.0.2.7']);
    const text = JSON.stringify(lines);
    assert.ok(!text.includes('secret-volset') && !text.includes(token.slice(20)));
    fault = 'the disk is full';
    assert.equal((await fetch(`${test.url}/healthz`)).status, 503);
    await Promise.all([peer, reader].map((one) => one[Symbol.asyncDispose]()));
  });

  it('believes nobody about who they are who is no trusted proxy', async () => {
    await using test = await startHub();
    await fetch(`${test.url}/v1/volsets`, { headers: { 'x-forwarded-for': '192.0.2.7', 'x-forwarded-host': 'evil' } });
    assert.equal(test.log.find(({ event }) => event === 'request')?.from, '127.0.0.1');
  });

  it('takes nothing for an address that is none, from a proxy that hands on what it got', async () => {
    await using test = await startHub({ trustedProxies: ['127.0.0.1'] });
    for (const said of ['\u009b2J', 'x'.repeat(99), '192.0.2.7:80', '<b>', '2001:db8::7'])
      await fetch(`${test.url}/v1/volsets`, { headers: { 'x-forwarded-for': said } });
    const from = test.log.filter(({ event }) => event === 'request').map((line) => line.from);
    assert.deepEqual(from, [...Array(4).fill('127.0.0.1'), '2001:db8::7']);
  });
});
