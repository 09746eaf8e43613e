/** Commands and pushes whose data gc takes after they have found it here. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { type DiskEngineOptions, openDiskBlobs } from '../../src/blob/index.ts';
import { manifest } from '../../src/blob/manifest/index.ts';
import { KIND } from '../../src/core/hash.ts';
import type { SnapshotId } from '../../src/core/ids.ts';
import type { Peer } from '../../src/core/peer.ts';
import { encodeSnapshotBody } from '../../src/core/snapshot-body.ts';
import type { Store } from '../../src/sync/engine.ts';
import { snapshot } from '../../src/sync/snapshot.ts';
import { takeBundle } from '../../src/sync/take-bundle.ts';
import { exportBundle } from '../../src/transfer/index.ts';
import { noise } from '../blob/noise.ts';
import { type Client, type HubOfTwo, hubOfTwo, VOLSET } from './rig.ts';

const one: DiskEngineOptions = { workers: 1 };
const text = (seed: number): string => noise(seed, 90_000).toString('base64');

/** As another process would, with nothing to keep. */
async function collectAll(dir: string): Promise<number> {
  await using blob = await openDiskBlobs(dir, one);
  return (await blob.collect({ volsets: [VOLSET], roots: () => [] })).objectsRemoved;
}

/** Data that no snapshot names, as a command leaves it that was stopped. */
async function leave(blob: Store['blob'], ...contents: string[]): Promise<void> {
  await using writer = blob.writer(VOLSET);
  for (const content of contents) writer.putBytes(Buffer.from(content));
  await writer.finish();
}

function assertHere({ engine }: Client, id: SnapshotId, contents: Record<string, string>): void {
  const reader = engine.blob.reader(VOLSET);
  const root = engine.meta.findSnapshot(VOLSET, id)?.body.root ?? assert.fail();
  for (const { path, content } of manifest.entries(reader, root)) {
    if (content) assert.equal(Buffer.concat([...reader.readFile(content)]).toString(), contents[path]);
  }
}

describe('sync: beside gc', () => {
  let { rig, hub, a, b } = {} as HubOfTwo;
  beforeEach(async () => {
    ({ rig, hub, a, b } = await hubOfTwo());
  });
  afterEach(() => rig[Symbol.asyncDispose]());

  it('a snapshot whose data was taken begins again, and gives up when that happens all the time', async () => {
    const dir = a.directory();
    const { blob } = a.engine;
    let rounds = 0;
    const collecting = (times: number): Store['blob'] =>
      new Proxy(blob, {
        get: (target, name) => {
          if (name !== 'writer') return Reflect.get(target, name).bind?.(target) ?? Reflect.get(target, name);
          return (...args: Parameters<typeof blob.writer>) => {
            const writer = blob.writer(...args);
            const finish = writer.finish.bind(writer);
            writer.finish = async (commit) => {
              if (rounds++ < times) {
                assert.ok((await collectAll(a.engine.dir)) > 0);
                // There again for the next try to rely on.
                const failure = await finish(commit).catch((error: unknown) => error);
                await leave(blob, text(1));
                if (failure instanceof Error) throw failure;
              }
              return finish(commit);
            };
            return writer;
          };
        },
      });
    writeFileSync(join(dir, 'file'), text(1));
    const options = { skipUnchanged: false, maxDelete: 1 };
    await leave(blob, text(1));
    a.engine = { ...a.engine, blob: collecting(99) };
    await assert.rejects(snapshot(a.engine, options), { code: 'busy' });
    assert.equal(rounds, 3);
    assert.equal(a.tip(), null);
    rounds = 0;
    a.engine = { ...a.engine, blob: collecting(1) };
    const { result } = await snapshot(a.engine, options);
    assert.equal(rounds, 2);
    assertHere(a, result.snapshot ?? assert.fail(), { file: text(1) });
  });

  /** Before the first publish of a receiver, all that was left here goes. */
  function collectingOnce(client: Client): { rounds: number } {
    const { blob, dir } = client.engine;
    const seen = { rounds: 0 };
    const receiver: typeof blob.receiver = async (...args) => {
      const opened = await blob.receiver(...args);
      const publish = opened.publish.bind(opened);
      opened.publish = async (commit) => {
        if (seen.rounds++ === 0) assert.ok((await collectAll(dir)) > 0);
        return publish(commit);
      };
      return opened;
    };
    const get = (target: Store['blob'], name: string | symbol): unknown =>
      name === 'receiver' ? receiver : (Reflect.get(target, name).bind?.(target) ?? Reflect.get(target, name));
    client.engine = { ...client.engine, blob: new Proxy(blob, { get }) };
    return seen;
  }

  it('a bundle is read again whose data gc took before it was taken in', async () => {
    const tree = { one: text(1), two: text(2) };
    const id = await a.save(tree);
    const { meta, blob, signal } = a.engine;
    const bytes = await Array.fromAsync(exportBundle({ meta, blob, manifest, signal, volset: VOLSET, tip: id }));
    await using writer = b.engine.blob.writer(VOLSET);
    writer.putObject(KIND.snapshot, encodeSnapshotBody(meta.findSnapshot(VOLSET, id)?.body ?? assert.fail()));
    await writer.finish();
    const seen = collectingOnce(b);
    const { snapshots } = await takeBundle(b.engine, () => Readable.from(bytes));
    assert.deepEqual([seen.rounds, snapshots], [2, [id]]);
    assertHere(b, id, tree);
  });

  it('a push ends well whose chunks the hub said to have, and its gc took', async () => {
    const tree = { one: text(1), two: text(2), three: text(3) };
    await leave(hub.blob, text(1), text(2));
    const id = await a.save(tree);
    let asked = 0;
    a.meddle = (peer: Peer) => {
      const have = peer.have.bind(peer);
      peer.have = async (...args) => {
        const answer = await have(...args);
        if (asked++ === 0) await collectAll(hub.dir);
        return answer;
      };
      return peer;
    };
    const { exits } = await a.run('push');
    assert.deepEqual(exits, []);
    assert.ok(asked > 0);
    assert.deepEqual(await hub.thread.meta.missingBlobs(VOLSET, [id]), []);
    await b.run('pull');
    assertHere(b, id, tree);
  });
});
