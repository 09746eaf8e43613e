/**
 * Deltas: objects one behind the other as one zstd frame whose dictionary is bytes that the receiver holds already.
 * Nothing of one is trusted: limits before anything is allocated, one frame of the declared size and nothing behind it,
 * then every object's hash.
 */
import { zstdDecompressSync } from 'node:zlib';
import { MAX_DELTA_BASE, MAX_DELTA_PIECES, MAX_DELTA_RAW, MAX_DELTA_TARGETS } from '../core/delta-limits.ts';
import { PlaitError } from '../core/errors.ts';
import { type Kind, objectHash } from '../core/hash.ts';
import { frameAt } from '../core/zstd-frame.ts';
import type { DeltaInput } from './contract.ts';
import { ID_BYTES, MAX_OBJECT } from './format.ts';

export interface DeltaTarget {
  kind: Kind;
  /** 32 raw bytes. */
  id: Uint8Array;
  length: number;
}

const bad = (what: string): PlaitError => new PlaitError('protocol', `A delta is malformed: ${what}.`);

const isCount = (value: number, least: number, most: number): boolean =>
  Number.isInteger(value) && value >= least && value <= most;

/** Throws `protocol` for what breaks a limit; answers with the bytes of base and targets. */
export function checkDelta({ kind, targets, base, frame }: DeltaInput): { base: number; raw: number } {
  if (kind !== 0 && kind !== 1) throw bad(`kind ${String(kind)}`);
  if (!isCount(targets.length, 1, MAX_DELTA_TARGETS)) throw bad(`${targets.length} targets`);
  if (!isCount(base.length, 1, MAX_DELTA_PIECES)) throw bad(`a base of ${base.length} pieces`);
  let raw = 0;
  for (const { id, length } of targets) {
    if (id.length !== ID_BYTES || !isCount(length, 1, MAX_OBJECT[kind])) throw bad(`a target of ${length} bytes`);
    raw += length;
  }
  if (raw > MAX_DELTA_RAW) throw bad(`targets of ${raw} bytes`);
  let bytes = 0;
  for (const { kind: of, id, start, length } of base) {
    if ((of !== 0 && of !== 1) || id.length !== ID_BYTES) throw bad('a base of another kind');
    if (!isCount(start, 0, MAX_OBJECT[of]) || !isCount(length, 1, MAX_OBJECT[of] - start)) throw bad('a base range');
    bytes += length;
  }
  if (bytes > MAX_DELTA_BASE) throw bad(`a base of ${bytes} bytes`);
  if (frame.length > raw) throw bad(`${frame.length} bytes for ${raw}`);
  return { base: bytes, raw };
}

/** All targets one behind the other, undefined where the frame does not go with this dictionary; 1 = it has its hash. */
export interface DecodedFrame {
  raw: Uint8Array | undefined;
  sound: Uint8Array;
}

/** Throws `protocol`. */
export function decodeFrame(frame: Uint8Array, dictionary: Uint8Array, targets: readonly DeltaTarget[]): DecodedFrame {
  const length = targets.reduce((sum, target) => sum + target.length, 0);
  const raw = inflate(frame, dictionary, length);
  const sound = new Uint8Array(targets.length);
  let at = 0;
  for (const [n, { kind, id, length }] of targets.entries()) {
    if (raw && objectHash(kind, raw.subarray(at, at + length)).equals(id)) sound[n] = 1;
    at += length;
  }
  return { raw, sound };
}

/** Bytes of each target (views of one buffer), undefined where they do not have its hash. */
export function soundTargets(
  targets: readonly DeltaTarget[],
  { raw, sound }: DecodedFrame,
): (Uint8Array | undefined)[] {
  let at = 0;
  return targets.map(({ length }, n) => {
    at += length;
    return sound[n] === 1 ? raw?.subarray(at - length, at) : undefined;
  });
}

/** Both at once. Throws `protocol`. */
export const decodeDelta = (
  frame: Uint8Array,
  dictionary: Uint8Array,
  targets: readonly DeltaTarget[],
): (Uint8Array | undefined)[] => soundTargets(targets, decodeFrame(frame, dictionary, targets));

/** Undefined where the frame is one but does not go with this dictionary. */
function inflate(frame: Uint8Array, dictionary: Uint8Array, length: number): Uint8Array | undefined {
  const found = frameAt(frame, length);
  if ('fault' in found) throw bad(found.fault);
  if (found.length !== frame.length) throw bad('bytes after its zstd frame');
  try {
    // One byte more than needed keeps the decompressor from asking for a second buffer.
    const chunkSize = Math.max(64, length + 1);
    const raw = zstdDecompressSync(frame, { dictionary, chunkSize, maxOutputLength: length });
    return raw.length === length ? raw : undefined;
  } catch {
    // Other base bytes than the sender's look just like damage: they come plainly, and a block is checked again.
    return undefined;
  }
}
