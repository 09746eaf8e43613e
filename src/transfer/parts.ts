/** Parts of an upload: a stream of entries, cut into whole blob diffs that fit into memory and can be sent again as they are. */
import { KIND } from '../core/hash.ts';
import type { VolsetId } from '../core/ids.ts';
import { PART_BYTES } from '../wire/limits.ts';
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
}

/** Place of the kind in a block (docs/protocol.md, "Blocks"). */
const KIND_AT = 5;
/** Bytes of tar around an entry. */
const AROUND = 1024;

type Entry = { block: Uint8Array } | { delta: Uint8Array } | { marker: DiffSnapshot; body: Uint8Array };

/** Takes entries until `full`; `build` gives the part and starts the next. */
export class PartBuilder {
  readonly #volset: VolsetId;
  readonly #limit: number;
  #entries: Entry[] = [];
  /** In the header, by their places in the upload. */
  #named = new Map<number, DiffSnapshot>();
  #bytes = 0;
  #data = 0;
  #needs: Needs = 'nothing';
  #nodes = false;

  constructor(volset: VolsetId, limit = PART_BYTES) {
    this.#volset = volset;
    this.#limit = limit;
  }

  get full(): boolean {
    return this.#bytes >= this.#limit;
  }

  get empty(): boolean {
    return this.#entries.length === 0;
  }

  addBlock(bytes: Uint8Array): void {
    this.#nodes ||= bytes[KIND_AT] === KIND.node;
    this.#data += bytes.byteLength;
    this.#add({ block: bytes }, bytes);
  }

  /**
   * @param place of the snapshot in the upload
   * @param own the base comes in this upload as well, so that its bytes may still be on their way
   */
  addDelta(
    { bytes, kind }: { bytes: Uint8Array; kind: 0 | 1 },
    snapshot: DiffSnapshot,
    place: number,
    own: boolean,
  ): void {
    this.#named.set(place, snapshot);
    if (own) this.#needs = 'all';
    else if (kind === KIND.chunk && this.#needs === 'nothing') this.#needs = 'nodes';
    this.#nodes ||= kind === KIND.node;
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
    const named = [...this.#named].sort(([a], [b]) => a - b).map(([, snapshot]) => snapshot);
    const tally = new DiffTally();
    const pieces: Uint8Array[] = [];
    const put = (entry: TarEntry): void => {
      tally.add(entry.name, entry.bytes);
      pieces.push(...tarPieces(entry));
    };
    put({ name: HEADER, bytes: encodeHeader({ volset: this.#volset, part: true, snapshots: named }) });
    for (const entry of this.#entries) {
      if ('block' in entry) put({ name: blockName(tally.blocks), bytes: entry.block });
      else if ('delta' in entry) put({ name: deltaName(tally.deltas), bytes: entry.delta });
      else put({ name: snapshotName(entry.marker.id), bytes: entry.body });
    }
    pieces.push(...tarPieces({ name: TRAILER, bytes: encodeTrailer(tally.trailer()) }), TAR_END);
    const bytes = pieces.reduce((sum, piece) => sum + piece.byteLength, 0);
    const markers = this.#entries.flatMap((entry) => ('marker' in entry ? [entry.marker] : []));
    const part: Part = { pieces, bytes, data: this.#data, needs: this.#needs, nodes: this.#nodes, markers };
    this.#entries = [];
    this.#named = new Map();
    this.#bytes = 0;
    this.#data = 0;
    this.#needs = 'nothing';
    this.#nodes = false;
    return part;
  }

  #add(entry: Entry, bytes: Uint8Array): void {
    this.#entries.push(entry);
    this.#bytes += bytes.byteLength + AROUND;
  }
}
