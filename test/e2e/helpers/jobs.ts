/** Many jobs that each start from a copy of one cached throw-away clone, edit, push and are gone. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import type { Document, Hub, Lab } from './lab.ts';
import { assertQuiet } from './stores.ts';

/** The hub learns all of them and its vector stays as long as it was; `dir` is a working directory that has pushed to it. */
export async function assertJobsLeaveNoTrace(lab: Lab, hub: Hub, dir: string, jobs: number): Promise<void> {
  await lab.run(['clone', `${hub.url}/data`, 'cache', '--ephemeral']);
  await runJob(lab, 0);
  const before = Object.keys(await vectorOf(hub));
  const queue = Array.from({ length: jobs - 1 }, (_, n) => n + 1);
  const worker = async () => {
    for (let n = queue.pop(); n !== undefined; n = queue.pop()) await runJob(lab, n);
  };
  await Promise.all([worker(), worker()]);
  assert.deepEqual(Object.keys(await vectorOf(hub)), before);
  assert.equal((await lab.run(['--store', hub.store, 'member', 'list'])).members.length, 1);
  await lab.in(dir, ['sync']);
  const [{ attrs }] = (await lab.in(dir, ['volset', 'list'])).volsets;
  const expected = Array.from({ length: jobs }, (_, n) => [`job-${n}`, 'done']);
  assert.deepEqual(attrs, Object.fromEntries(expected));
  await assertQuiet(lab, [dir]);
}

async function runJob(lab: Lab, n: number): Promise<void> {
  const job = `job-${n}`;
  execFileSync('cp', ['-a', lab.path('cache'), lab.path(job)]);
  await lab.in(job, ['update', '--attr', `${job}=done`]);
  await lab.in(job, ['push']);
  rmSync(lab.path(job), { recursive: true });
}

/** As the hub tells it to a store that holds nothing (docs/protocol.md, "Deltas"). */
async function vectorOf({ url }: Hub): Promise<Record<string, unknown>> {
  const { volsets } = (await (await fetch(`${url}/v1/volsets`)).json()) as Document;
  const asked = { self: `${'0'.repeat(31)}1.1`, vector: {}, knownRevision: 0 };
  const answer = await fetch(`${url}/v1/volsets/${volsets[0].id}/deltas`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'plait-protocol': '1' },
    body: JSON.stringify(asked),
  });
  const lines = (await answer.text()).trimEnd().split('\n');
  return JSON.parse(lines.at(-1) as string).trailer.vector;
}
