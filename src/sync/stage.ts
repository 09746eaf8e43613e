/**
 * What a remote answers when asked for what we lack: staged in memory, looked at before any of it is applied. Where a
 * store's history has two lines and the two sides know different ones, it is asked again with points of ours.
 */
import { PlaitError } from '../core/errors.ts';
import {
  type ChainId,
  epochOf,
  type InstallId,
  installOf,
  isStoreId,
  type StoreId,
  storeId,
  storeOf,
  type VolsetId,
} from '../core/ids.ts';
import type { Interval } from '../core/intervals.ts';
import type { DeltasAsk, Peer } from '../core/peer.ts';
import type { Generation, Ref, Vector } from '../core/records.ts';
import type { PeerState, RemoteConfig } from '../meta/contract.ts';
import type { Engine } from './engine.ts';

/** One answer, not applied yet. Shapes are checked by the wire; hashes, chains and parents by `apply`. */
export interface Staged {
  identity: StoreId;
  generations: Generation[];
  refs: Ref[];
  /** The peer's vector and revision when it answered; empty when it does not know the volset. */
  vector: Vector;
  revision: number;
  /** Of our blob numbers: those that it holds durably, or was told that they do not come. */
  sealed: Interval[];
  /** Its largest number of a blob: grows with all that it comes to hold. */
  blobs: number;
  /** The volset does not exist there. */
  absent: boolean;
  /** It says nothing of what others gave it: our token does not let us read there. */
  partial?: 'append' | 'write';
}

export interface Looked {
  staged: Staged;
  /** What we remember of that store under that remote; undefined where that says nothing about it. */
  told: PeerState | undefined;
  /** Generations that it held at the last contact and lacks now. */
  lost: number;
}

/** Times that one question is put with more points, each time about stores not known to be forked before. */
const MAX_REPEATS = 2;

/** What is remembered of a store, read once a session. */
export type Memory = (install: InstallId) => PeerState | undefined;

export function memoryOf({ meta }: Pick<Engine, 'meta'>, volset: VolsetId): Memory {
  const read = new Map<InstallId, PeerState | undefined>();
  return (install) => {
    if (!read.has(install)) read.set(install, meta.peer(install, volset));
    return read.get(install);
  };
}

export interface Asking {
  engine: Pick<Engine, 'meta'>;
  peer: Peer;
  volset: VolsetId;
  remote: RemoteConfig;
  memory: Memory;
}

export async function stage(asking: Asking, ask: Pick<DeltasAsk, 'vector' | 'knownRevision'>): Promise<Looked> {
  const { engine, peer, volset } = asking;
  const { meta } = engine;
  const forked = new Set<StoreId>();
  for (let repeats = 0; ; repeats++) {
    const chains = forked.size > 0 ? { chains: meta.chainPoints(volset, [...forked]) } : {};
    const answer = await answerOf(peer, volset, { ...ask, self: meta.self.store, ...chains });
    if (Array.isArray(answer)) {
      noteForks(peer, forked, answer, repeats);
      continue;
    }
    const told = toldBy(asking, answer.identity);
    if (!meta.knowsVolset(volset)) return { staged: answer, told, lost: 0 };
    const { generations, vector } = answer;
    const found = meta.inspect(
      volset,
      { generations, vector },
      answer.partial ? ownOf(told, meta.self.install) : told?.vector,
    );
    if (found.forked.length === 0) return { staged: answer, told, lost: found.lost };
    noteForks(peer, forked, found.forked, repeats);
  }
}

/** What a peer that tells us of our own history alone must still show. */
const ownOf = (told: PeerState | undefined, install: InstallId): Vector =>
  Object.fromEntries(entriesOf(told?.vector ?? {}).filter(([chain]) => installOf(chain) === install));

/** The peer's answer, or the stores of which it cannot tell since when their histories part. */
async function answerOf(peer: Peer, volset: VolsetId, ask: DeltasAsk): Promise<Staged | StoreId[]> {
  try {
    const answer = await peer.deltas(volset, ask);
    const generations = await Array.fromAsync(answer.generations);
    const { vector, revision, sealed, blobs = 0, partial } = await answer.trailer();
    const told = { vector, revision, sealed, blobs, ...(partial && { partial }) };
    return { identity: identityOf(peer), generations, refs: answer.refs, ...told, absent: false };
  } catch (error) {
    if (!(error instanceof PlaitError)) throw error;
    const stores = forkedStores(error);
    if (stores.length > 0) return stores;
    if (error.code !== 'not-found') throw error;
    const nothing = { generations: [], refs: [], vector: {}, revision: 0, sealed: [], blobs: 0 };
    return { identity: identityOf(peer), ...nothing, absent: true };
  }
}

function forkedStores({ code, data }: PlaitError): StoreId[] {
  if (code !== 'integrity' || data?.reason !== 'fork' || !Array.isArray(data.stores)) return [];
  return data.stores.filter(isStoreId);
}

/** Ends a conversation that goes nowhere: the same stores again, or ever new ones. */
function noteForks(peer: Peer, known: Set<StoreId>, stores: StoreId[], repeats: number): void {
  const news = stores.filter((store) => !known.has(store));
  for (const store of news) known.add(store);
  if (news.length > 0 && repeats < MAX_REPEATS) return;
  throw new PlaitError('integrity', `${peer.url} and this store cannot find where their histories part`, {
    hint: 'nothing was changed; run `plait verify` on both sides',
    data: { reason: 'fork', stores },
  });
}

export function identityOf(peer: Peer): StoreId {
  if (peer.identity) return peer.identity;
  throw new PlaitError('protocol', `${peer.url} did not say which store it is`);
}

/**
 * Memory is kept by install id. What was told under another epoch counts as well (the store was moved or restored),
 * unless another remote is that epoch: then both live, one a copy of the other.
 */
function toldBy({ engine: { meta }, remote, memory }: Asking, identity: StoreId): PeerState | undefined {
  const told = memory(installOf(identity));
  if (told === undefined || told.epoch === epochOf(identity)) return told;
  const teller = storeId(installOf(identity), told.epoch);
  const lives = meta.listRemotes().some((other) => other.name !== remote.name && other.identity === teller);
  return lives ? undefined : told;
}

const entriesOf = (vector: Vector) => Object.entries(vector) as [ChainId, Vector[ChainId]][];

/** Does `vector` claim a generation that `ours` does not cover? A chain may be named by its store alone over there. */
export function goesBeyond(vector: Vector, ours: Vector): boolean {
  const chains = new Map<StoreId, Vector[ChainId][]>();
  for (const [chain, entry] of entriesOf(ours)) {
    const store = storeOf(chain);
    chains.set(store, [...(chains.get(store) ?? []), entry]);
  }
  return entriesOf(vector).some(([chain, { generation, hash }]) => {
    const held = chains.get(storeOf(chain)) ?? [];
    return !held.some((own) => own.generation > generation || (own.generation === generation && own.hash === hash));
  });
}
