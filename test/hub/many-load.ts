/** A crowd at one hub: clients with small stores of their own push and pull at once, and some are cut again and again. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { manifest } from '../../src/blob/manifest/index.ts';
import { PlaitError } from '../../src/core/errors.ts';
import { KIND, snapshotId } from '../../src/core/hash.ts';
import type { BranchId, SnapshotId, StoreId, VolsetId } from '../../src/core/ids.ts';
import type { Peer } from '../../src/core/peer.ts';
import type { Vector } from '../../src/core/records.ts';
import { encodeSnapshotBody } from '../../src/core/snapshot-body.ts';
import { openPeer } from '../../src/remote/index.ts';
import { downloadSnapshots } from '../../src/transfer/download.ts';
import { noise } from '../blob/noise.ts';
import { type Hub, Lab } from '../e2e/helpers/lab.ts';
import { type BadNetwork, startBadNetwork } from '../helpers/bad-network.ts';
import { Random } from '../support/seed.ts';
import { bodyOf, fileEntries, type Tree } from '../transfer/support/history.ts';
import { push } from '../transfer/support/push.ts';
import { testStore } from '../transfer/support/stores.ts';
import { type Gauges, gauges, type Memory, MemoryProbe, PROBED } from './hub-memory.ts';

/** What a hub may answer to anybody who asks too much at once. */
const REFUSALS = new Set(['busy']);

/** Its line is cut at any moment: what it sees of that is a failure of the network. */
const isCut = (error: unknown): boolean => error instanceof PlaitError && error.code === 'network';

class CrowdClient {
  readonly store = testStore();
  readonly branch = randomBytes(16).toString('hex') as BranchId;
  readonly volset: VolsetId;
  readonly cuttable: boolean;
  tip: SnapshotId | null = null;
  refused = 0;
  cuts = 0;
  readonly #name: string;
  readonly #url: string;
  readonly #random: Random;
  #tree: Tree = {};
  #peer!: Peer;

  constructor(url: string, volset: VolsetId, n: number, cuttable: boolean) {
    this.#url = url;
    this.volset = volset;
    this.#name = `${n}`;
    this.cuttable = cuttable;
    this.#random = new Random(n + 1);
    this.#connect();
  }

  #connect(): void {
    // None tries anything twice by itself: each failure is seen here.
    this.#peer = openPeer({ url: this.#url, self: this.store.meta.self.store, fetchOptions: { retries: 0 } });
  }

  begin(): void {
    const { meta } = this.store;
    if (!meta.knowsVolset(this.volset))
      meta.commit(this.volset, [{ edit: 'create-volset', name: `volset ${this.volset}`, creator: 'test' }]);
    meta.commit(this.volset, [{ edit: 'create-branch', branch: this.branch, name: this.#name, creator: 'test' }]);
  }

  /** Until it has come through: as the next run of a command does, by a new connection after a cut. */
  async insist(work: () => Promise<void>): Promise<void> {
    for (;;) {
      try {
        return await work();
      } catch (error) {
        if (error instanceof PlaitError && REFUSALS.has(error.code)) this.refused++;
        else if (this.cuttable && isCut(error)) this.cuts++;
        else throw error;
        await this.close();
        this.#connect();
      }
    }
  }

  createVolset(): Promise<void> {
    return this.#peer.createVolset({ id: this.volset, name: `volset ${this.volset}` });
  }

  /** Records of all, and the data of some tip of others. */
  async pull(): Promise<Vector> {
    const { meta } = this.store;
    const own = meta.knowsVolset(this.volset) ? meta.cut(this.volset) : {};
    const answer = await this.#peer.deltas(this.volset, { self: meta.self.store, vector: own, knownRevision: 0 });
    const generations = await Array.fromAsync(answer.generations);
    const { vector, revision } = await answer.trailer();
    const peer = this.#peer.identity as StoreId;
    meta.apply(this.volset, { peer, generations, refs: answer.refs, revision, vector, policy: 'target' });
    const theirs = answer.refs.flatMap(({ branch, snapshot }) =>
      branch !== this.branch && snapshot !== null ? [snapshot] : [],
    );
    if (theirs.length > 0) await this.#download(this.#random.pick(theirs));
    return vector;
  }

  async #download(id: SnapshotId): Promise<void> {
    const { received, held, absent } = await downloadSnapshots({
      ...this.store,
      peer: this.#peer,
      manifest,
      volset: this.volset,
      snapshots: [id],
      retries: 0,
    });
    assert.deepEqual([...received, ...held, ...absent], [id]);
    assert.deepEqual(absent, [], 'a ref points at data that is there');
  }

  /** Some files change, a few become new. */
  async change(): Promise<void> {
    const { blob, meta } = this.store;
    for (let n = 0; n < 12; n++) this.#tree[`file${n}`] ??= `${this.#name} ${noise(n, 2000).toString('hex')}`;
    for (let n = 0; n < 3; n++) this.#tree[`file${this.#random.below(16)}`] = this.#random.hex(4000);
    // Long enough to be under way when a cut comes.
    this.#tree['long'] = `${this.#random.hex(8)}${noise(this.#random.below(1000), 60_000).toString('latin1')}`;
    await using writer = blob.writer(this.volset);
    const entries = fileEntries(this.#tree, (bytes) => writer.putObject(KIND.chunk, bytes));
    const root = manifest.build(writer, entries);
    const bytes = entries.reduce((sum, { size }) => sum + size, 0);
    const parents = this.tip === null ? [] : [this.tip];
    const body = bodyOf({ parents, root, files: entries.length, bytes }, this.volset);
    const encoded = encodeSnapshotBody(body);
    this.tip = snapshotId(encoded);
    writer.putObject(KIND.snapshot, encoded);
    const id = this.tip;
    await writer.finish(() => meta.commit(this.volset, [{ edit: 'snapshot', id, body, blob: true }]));
  }

  async push(): Promise<void> {
    const { meta } = this.store;
    const to = this.tip as SnapshotId;
    const theirs = await this.pull();
    await push(this.store, this.#peer, [to], { volset: this.volset });
    const vector = meta.cut(this.volset);
    const { cursor } = meta.planDeltas(this.volset, theirs, 0);
    const { generations } = meta.readDeltas(this.volset, cursor);
    await this.#peer.sendGenerations(this.volset, generations, { label: meta.self.label, vector });
    const from = await this.theirTip();
    // Cut after it was moved: it stands where it should.
    if (from === to) return;
    const { moved, reason } = await this.#peer.moveRefs(this.volset, [{ branch: this.branch, from, to }]);
    assert.ok(moved, `${this.#name}: its own branch was not moved: ${reason}`);
  }

  async theirTip(): Promise<SnapshotId | null> {
    const volset = (await this.#peer.listVolsets()).find(({ id }) => id === this.volset);
    return volset?.branches.find(({ id }) => id === this.branch)?.tip ?? null;
  }

  async close(): Promise<void> {
    await this.#peer[Symbol.asyncDispose]();
  }
}

export interface CrowdOptions {
  clients: number;
  /** Of one volset. */
  sharing: number;
  /** Every so manieth has a line that is cut. */
  cutEvery: number;
  /** Each client's turns: a change, pushed and pulled. */
  rounds: number;
  /** Separate processes of the program beside them, each with a volset of its own. */
  processes: number;
}

export interface CrowdReport {
  seconds: number;
  cuts: number;
  refused: number;
  /** The hub's, in equal steps of the work done. */
  memory: Memory[];
  /** When all have ended. */
  left: Gauges;
}

/** Throws at the first error of a client that is no refusal the protocol knows, and where anything is not as it should be. */
export async function crowd(options: CrowdOptions): Promise<CrowdReport> {
  await using lab = new Lab({ timeout: 0 });
  const hub = await lab.hubWith(PROBED);
  const probe = new MemoryProbe(hub);
  await using line = await startBadNetwork({ to: hub.url });
  const clients = await gather(hub, line, options);
  const report: CrowdReport = {
    seconds: 0,
    cuts: 0,
    refused: 0,
    memory: [],
    left: { uploads: 0, downloads: 0, open: 0 },
  };
  const started = Date.now();
  let turns = 0;
  const every = Math.max(1, Math.floor((options.clients * options.rounds) / 60));
  const turn = async (client: CrowdClient): Promise<void> => {
    await client.change();
    await client.insist(() => client.push());
    await client.insist(async () => void (await client.pull()));
    turns++;
    // About once for each of those whose line it is.
    if (turns % options.cutEvery === 0) line.cut();
    if (turns % every !== 0) return;
    report.memory.push(await probe.ask());
  };
  await Promise.all([
    ...clients.map(async (client) => {
      for (let n = 0; n < options.rounds; n++) await turn(client);
    }),
    ...Array.from({ length: options.processes }, (_, n) => commands(lab, hub, n, Math.min(options.rounds, 4))),
  ]);
  report.seconds = (Date.now() - started) / 1000;
  for (const client of clients) {
    await client.insist(async () => assert.equal(await client.theirTip(), client.tip));
    report.cuts += client.cuts;
    report.refused += client.refused;
    await client.close();
    client.store.meta[Symbol.dispose]();
  }
  report.left = await gauges(hub);
  await lab.verify(hub.store);
  assert.equal((await hub.stop()).exit, 0);
  return report;
}

async function gather(
  hub: Hub,
  line: BadNetwork,
  { clients, sharing, cutEvery }: CrowdOptions,
): Promise<CrowdClient[]> {
  const volsets = Array.from(
    { length: Math.ceil(clients / sharing) },
    () => randomBytes(16).toString('hex') as VolsetId,
  );
  const all = Array.from({ length: clients }, (_, n) => {
    const cuttable = n % cutEvery === 0;
    return new CrowdClient(cuttable ? line.url : hub.url, volsets[Math.floor(n / sharing)], n, cuttable);
  });
  // The first of each makes the volset, at the hub as well; others know it from there.
  const firsts = all.filter((_, n) => n % sharing === 0);
  await Promise.all(
    firsts.map(async (client) => {
      client.begin();
      await client.insist(() => client.createVolset());
      await client.change();
      await client.insist(() => client.push());
    }),
  );
  await Promise.all(
    all.map(async (client, n) => {
      if (n % sharing === 0) return;
      await client.insist(async () => void (await client.pull()));
      client.begin();
    }),
  );
  return all;
}

/** The program itself, over and over. */
async function commands(lab: Lab, hub: Hub, n: number, rounds: number): Promise<void> {
  const name = `work${n}`;
  await lab.run(['init', lab.path(name), '--volset', name]);
  await lab.in(name, ['remote', 'add', 'origin', `${hub.url}/${name}`]);
  for (let round = 0; round < rounds; round++) {
    writeFileSync(lab.path(name, 'file'), `round ${round}`);
    await lab.in(name, ['snapshot', '--push', 'origin']);
    await lab.run(['clone', `${hub.url}/${name}`, `${name}-${round}`]);
    assert.equal(readFileSync(lab.path(`${name}-${round}`, 'file'), 'utf8'), `round ${round}`);
  }
}
