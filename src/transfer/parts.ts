/** Parts of an upload: a stream of entries, cut into whole blob diffs that fit into memory and can be sent again as they are. */
import { KIND } from '../core/hash.ts';
import type { VolsetId } from '../core/ids.ts';
import { PART_BYTES } from '../wire/limits.ts';
import { kindOf } from './block-ids.ts';
import {
  blockName,
  type DiffSnapshot,
  DiffTally,
  deltaName,
  encodeHeader,
  encodeTrailer,
  HEADER,
  snapshotName,
  TRAILER,
} from './diff-format.ts';
import { TAR_END, type TarEntry, tarPieces } from './tar.ts';

/**
 * Which earlier parts of the upload must have been acknowledged before this one is sent: none; those with manifest
 * nodes, by which deltas name their targets; all, since a marker says that everything is there.
 */
export type Needs = 'nothing' | 'nodes' | 'all';

export interface Part {
  /** The encoded blob diff. */
  pieces: Uint8Array[];
  bytes: number;
  /** Of blocks and deltas alone. */
  data: number;
  needs: Needs;
  /** Blocks of manifest nodes are in it. */
  nodes: boolean;
  /** Snapshots whose markers are in it, in order. */
  markers: DiffSnapshot[];
  /** Encoded blocks of chunks and nodes in it. */
  blocks: Uint8Array[];
  /** The encoded blob diff but for some of `blocks`. */
  without(held: ReadonlySet<Uint8Array>): Uint8Array[];
}

/** Bytes of tar around an entry. */
const AROUND = 1024;
/** What the deltas of a part decode to: a peer works on one part while the next is made. */
export const PART_RAW = 24 * 1024 * 1024;
/** So many bytes of nodes go ahead: the peer takes them in while the deltas of chunks, which need them, are being made. */
const NODES_AHEAD = 128 * 1024;

type Entry = { block: Uint8Array } | { delta: Uint8Array } | { marker: DiffSnapshot; body: Uint8Array };

/** Takes entries until `full`; `build` gives the part and starts the next. */
export class PartBuilder {
  readonly #volset: VolsetId;
  readonly #limit: number;
  #entries: Entry[] = [];
  /** In the header, by their places in the upload. */
  #named = new Map<number, DiffSnapshot>();
  #bytes = 0;
  #raw = 0;
  #data = 0;
  #needs: Needs = 'nothing';
  /** Of manifest nodes, in blocks or deltas. */
  #nodeBytes = 0;

  constructor(volset: VolsetId, limit = PART_BYTES) {
    this.#volset = volset;
    this.#limit = limit;
  }

  get full(): boolean {
    return this.#bytes >= this.#limit || this.#raw >= PART_RAW || this.#nodeBytes >= NODES_AHEAD;
  }

  get empty(): boolean {
    return this.#entries.length === 0;
  }

  addBlock(bytes: Uint8Array): void {
    if (kindOf(bytes) === KIND.node) this.#nodeBytes += bytes.byteLength;
    this.#data += bytes.byteLength;
    this.#add({ block: bytes }, bytes);
  }

  /**
   * @param place of the snapshot in the upload
   * @param own the base comes in this upload as well, so that its bytes may still be on their way
   */
  addDelta(
    { bytes, kind, raw = 0 }: { bytes: Uint8Array; kind: 0 | 1; raw?: number },
    snapshot: DiffSnapshot,
    place: number,
    own: boolean,
  ): void {
    this.#named.set(place, snapshot);
    if (own) this.#needs = 'all';
    else if (kind === KIND.chunk && this.#needs === 'nothing') this.#needs = 'nodes';
    if (kind === KIND.node) this.#nodeBytes += bytes.byteLength;
    this.#raw += raw;
    this.#data += bytes.byteLength;
    this.#add({ delta: bytes }, bytes);
  }

  /** With this part the snapshot is complete. Markers come in the order of the upload. */
  addMarker(snapshot: DiffSnapshot, place: number, body: Uint8Array): void {
    this.#named.set(place, snapshot);
    this.#needs = 'all';
    this.#add({ marker: snapshot, body }, body);
  }

  build(): Part {
    const snapshots = [...this.#named].sort(([a], [b]) => a - b).map(([, snapshot]) => snapshot);
    const header = { volset: this.#volset, part: true, snapshots } as const;
    const entries = this.#entries;
    const pieces = encode(header, entries);
    const part: Part = {
      pieces,
      bytes: pieces.reduce((sum, piece) => sum + piece.byteLength, 0),
      data: this.#data,
      needs: this.#needs,
      nodes: this.#nodeBytes > 0,
      markers: entries.flatMap((entry) => ('marker' in entry ? [entry.marker] : [])),
      blocks: entries.flatMap((entry) => ('block' in entry && kindOf(entry.block) <= KIND.node ? [entry.block] : [])),
      without: (held) =>
        encode(
          header,
          entries.filter((entry) => !('block' in entry && held.has(entry.block))),
        ),
    };
    this.#entries = [];
    this.#named = new Map();
    this.#bytes = 0;
    this.#raw = 0;
    this.#data = 0;
    this.#needs = 'nothing';
    this.#nodeBytes = 0;
    return part;
  }

  #add(entry: Entry, bytes: Uint8Array): void {
    this.#entries.push(entry);
    this.#bytes += bytes.byteLength + AROUND;
  }
}

function encode(header: Parameters<typeof encodeHeader>[0], entries: Entry[]): Uint8Array[] {
  const tally = new DiffTally();
  const pieces: Uint8Array[] = [];
  const put = (entry: TarEntry): void => {
    tally.add(entry.name, entry.bytes);
    pieces.push(...tarPieces(entry));
  };
  put({ name: HEADER, bytes: encodeHeader(header) });
  for (const entry of entries) {
    if ('block' in entry) put({ name: blockName(tally.blocks), bytes: entry.block });
    else if ('delta' in entry) put({ name: deltaName(tally.deltas), bytes: entry.delta });
    else put({ name: snapshotName(entry.marker.id), bytes: entry.body });
  }
  pieces.push(...tarPieces({ name: TRAILER, bytes: encodeTrailer(tally.trailer()) }), TAR_END);
  return pieces;
}
