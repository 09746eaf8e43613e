/** The word of a store that it holds a blob: whoever is told so may drop its own, so the blob is kept for that long. */
import type { VolsetId } from './ids.ts';

/** Milliseconds. */
export const PROMISE_MS = 60 * 60 * 1000;

/** One name for all who ask: rows are as many as there are snapshots, however often and by whom they are asked for. */
export const promiseOf = (volset: VolsetId): string => PREFIX + volset;

export const isPromise = (name: string): boolean => name.startsWith(PREFIX);

const PREFIX = 'promise:';
