/** Followers of one volume set at a hub of its own process: what one change costs, and what each of them holds. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { Beside, Follower } from './feed-support.ts';
import { peerOf } from './support.ts';

export interface FollowersReport {
  /** Bytes that the hub holds for each. */
  each: number;
  /** Milliseconds until all were following. */
  openMs: number;
  /** Milliseconds from the end of the write until all had a mark behind it. */
  changeMs: number[];
}

export interface LoneHub {
  url: string;
  dir: string;
  /** Bytes that it holds after a collection. */
  held(): Promise<number>;
}

async function ask<T>(child: ChildProcess, message?: string): Promise<T> {
  const answer = once(child, 'message');
  if (message !== undefined) child.send(message);
  return (await answer)[0] as T;
}

/** A hub in another process, for as long as `work` takes. */
export async function atHub<T>(work: (hub: LoneHub) => Promise<T>): Promise<T> {
  const child = fork(fileURLToPath(new URL('./feed-hub.ts', import.meta.url)), { execArgv: ['--expose-gc'] });
  const ended = once(child, 'exit');
  try {
    const { url, dir } = await ask<{ url: string; dir: string }>(child);
    const held = async (): Promise<number> => (await ask<{ held: number }>(child, 'held')).held;
    return await work({ url, dir, held });
  } finally {
    if (child.connected) child.send('end');
    await ended;
  }
}

export const followMany = (count: number, changes: number): Promise<FollowersReport> =>
  atHub(async ({ url, dir, held }) => {
    using beside = new Beside({ dir }).begin();
    const peers = Array.from({ length: count + 1 }, () => peerOf(url));
    const open = (peer: (typeof peers)[number]): Promise<Follower> => Follower.open(peer, beside.volset);
    // The first one warms the hub up.
    const followers = [await open(peers[0])];
    await followers[0].reached(beside.write());
    const before = await held();
    const start = performance.now();
    followers.push(...(await Promise.all(peers.slice(1).map(open))));
    const openMs = performance.now() - start;
    const changeMs: number[] = [];
    for (let n = 0; n < changes; n++) {
      const revision = beside.write();
      const written = performance.now();
      await Promise.all(followers.map((follower) => follower.reached(revision)));
      changeMs.push(performance.now() - written);
    }
    const after = await held();
    await Promise.all(followers.map((follower) => follower.close()));
    await Promise.all(peers.map((peer) => peer[Symbol.asyncDispose]()));
    return { each: (after - before) / count, openMs, changeMs };
  });
