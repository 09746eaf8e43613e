/**
 * State objects: what a store knows and its log does not tell, kept in packs beside the generations so that metadata can
 * be made again from packs alone. One kind is of the whole store (who it is, remotes, settings, token hashes), the other
 * of a volset (where our own branches stand, told in steps). Canonical JSON; nothing is believed before it was checked.
 */
import { canonicalBytes, parseCanonical } from './canonical.ts';
import {
  type BranchId,
  type InstallId,
  isBranchId,
  isInstallId,
  isSnapshotId,
  isVolsetId,
  type VolsetId,
} from './ids.ts';
import { exactObject, isCount, malformed } from './malformed.ts';
import type { Ref } from './records.ts';

/** Stands in place of a volset where the state is that of the store. No volset has it: theirs are random. */
export const STORE_STATE = '0'.repeat(32) as VolsetId;
export const MAX_STATE_BYTES = 4 * 1024 * 1024;
/** Refs in one object; 140 bytes each. */
export const MAX_STATE_REFS = 10_000;
const MAX_ROWS = 100_000;
const MAX_EPOCH = 999_999_999;

interface Author {
  install: InstallId;
  epoch: number;
  /** Counts up within an epoch: the newest is the one with the largest (epoch, sequence). */
  sequence: number;
}

export interface StoreState extends Author {
  state: 'store';
  label: string;
  /** Of remotes and tokens as their tables keep them: no secret is among them, of tokens only hashes. */
  remotes: object[];
  settings: Record<string, string>;
  tokens: object[];
}

export interface VolsetState extends Author {
  state: 'volset';
  volset: VolsetId;
  /** All refs there were (several objects of one sequence where one cannot hold them); else those that moved since. */
  whole: boolean;
  refs: Ref[];
}

export type State = StoreState | VolsetState;

/** Undefined where it would be too long: a store of which so much is to be said goes without. */
export function encodeState(state: State): Uint8Array | undefined {
  const bytes = canonicalBytes({ version: 1, ...state });
  return bytes.length <= MAX_STATE_BYTES ? bytes : undefined;
}

/** `volset`: whose packs it lies in. Throws `protocol`; undefined for one of a newer version. */
export function decodeState(volset: VolsetId, bytes: Uint8Array): State | undefined {
  if (bytes.length > MAX_STATE_BYTES) malformed('a state is too long');
  const value = parseCanonical(bytes);
  if (typeof value !== 'object' || value === null) malformed('a state is not an object');
  if ((value as { version?: unknown }).version !== 1) return undefined;
  const { version: _, ...state } = value as Record<string, unknown>;
  checkAuthor(state);
  return volset === STORE_STATE ? checkStore(state) : checkVolset(volset, state);
}

const AUTHOR = ['state', 'install', 'epoch', 'sequence'];

function checkAuthor({ install, epoch, sequence }: Record<string, unknown>): void {
  if (!isInstallId(install)) malformed('a state names no store');
  if (!isCount(epoch) || epoch < 1 || epoch > MAX_EPOCH || !isCount(sequence)) malformed('a state has no place');
}

function checkStore(value: object): StoreState {
  const state = exactObject(value, 'a state', [...AUTHOR, 'label', 'remotes', 'settings', 'tokens']);
  const { label, remotes, settings, tokens } = state;
  if (state['state'] !== 'store' || typeof label !== 'string') malformed('a state is not that of a store');
  for (const rows of [remotes, tokens]) {
    if (!Array.isArray(rows) || rows.length > MAX_ROWS || !rows.every(isObject)) malformed('a state has wrong rows');
  }
  if (!isObject(settings) || !Object.values(settings).every((text) => typeof text === 'string'))
    malformed('a state has wrong settings');
  return state as unknown as StoreState;
}

const isObject = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function checkVolset(volset: VolsetId, value: object): VolsetState {
  const state = exactObject(value, 'a state', [...AUTHOR, 'volset', 'whole', 'refs']);
  const { refs, whole } = state;
  if (state['state'] !== 'volset' || !isVolsetId(state['volset']) || state['volset'] !== volset)
    malformed('a state is that of another volset');
  if (typeof whole !== 'boolean') malformed('a state does not say what it covers');
  if (!Array.isArray(refs) || refs.length > MAX_STATE_REFS) malformed('a state has wrong refs');
  for (const ref of refs) checkRef(ref);
  return state as unknown as VolsetState;
}

function checkRef(value: unknown): void {
  const { branch, snapshot, revision } = exactObject(value, 'a ref', ['branch', 'snapshot', 'revision']);
  if (!isBranchId(branch) || (snapshot !== null && !isSnapshotId(snapshot)) || !isCount(revision))
    malformed('a state has a wrong ref');
}

/** Where a branch of ours stood, and when that was said. */
export interface ToldRef extends Ref {
  branch: BranchId;
  epoch: number;
}

/** Those that say the latest first. */
export const latestFirst = (a: { epoch: number; revision: number }, b: { epoch: number; revision: number }): number =>
  b.epoch - a.epoch || b.revision - a.revision;

/**
 * Which of a volset's states still count: the newest whole one and what was said after it. `states` in any order.
 * Answers with their places in the list.
 */
export function livePlaces(states: readonly State[]): number[] {
  const isLater = (a: Author, b: Author) => a.epoch > b.epoch || (a.epoch === b.epoch && a.sequence >= b.sequence);
  let newest: State | undefined;
  for (const state of states) {
    if ((state.state === 'store' || state.whole) && (newest === undefined || isLater(state, newest))) newest = state;
  }
  if (newest === undefined) return states.map((_, place) => place);
  const start = newest;
  return states.flatMap((state, place) => (isLater(state, start) ? [place] : []));
}
