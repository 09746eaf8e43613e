/** A directory to read, a pack to store into, a directory to write: what ingest and extract need, without an engine. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { idAt, parseHeader } from '../../../src/blob/block.ts';
import { buildList, extents } from '../../../src/blob/manifest/list.ts';
import { PackWriter } from '../../../src/blob/pack-writer.ts';
import type { PackSink } from '../../../src/blob/sink.ts';
import { extract } from '../../../src/blob/work/extract.ts';
import type { ChunkPlace, Locator } from '../../../src/blob/work/extract-types.ts';
import { type IngestOptions, ingest } from '../../../src/blob/work/ingest.ts';
import { WorkerPool } from '../../../src/blob/work/pool.ts';
import type { Runner } from '../../../src/blob/work/protocol.ts';
import type { Content, Extent } from '../../../src/core/entry.ts';
import type { FileResult, FileSource, FileTarget, StoredFile } from '../../../src/core/files.ts';
import { hex, nodeId } from '../../../src/core/hash.ts';
import type { VolsetId } from '../../../src/core/ids.ts';
import { keyOfText } from '../../../src/core/paths.ts';
import { fileStat } from '../../../src/disk/file-stat.ts';

export class Rig implements AsyncDisposable, PackSink, Locator {
  readonly dir = fs.mkdtempSync(path.join(os.tmpdir(), 'plait-work-'));
  readonly from = path.join(this.dir, 'from');
  readonly to = path.join(this.dir, 'to');
  readonly temp = path.join(this.dir, 'temp');
  readonly packPath = path.join(this.dir, 'pack');
  readonly runner: Runner;
  readonly places = new Map<string, ChunkPlace>();
  /** How often each id was stored. */
  readonly stored = new Map<string, number>();
  claimed = 0;
  blocks = 0;
  readonly #claims = new Set<string>();
  readonly #nodes = new Map<string, Uint8Array>();
  readonly #pack: PackWriter;

  constructor(runner: Runner = new WorkerPool({ size: 2 })) {
    this.runner = runner;
    for (const dir of [this.from, this.to, this.temp]) fs.mkdirSync(dir);
    this.#pack = new PackWriter(this.packPath, '0'.repeat(32) as VolsetId);
  }

  claim(_kind: number, ids: Uint8Array): Uint8Array {
    const flags = new Uint8Array(ids.length / 32);
    for (let n = 0; n < flags.length; n++) {
      const id = hex(ids.subarray(n * 32, n * 32 + 32));
      if (!this.#claims.has(id)) flags[n] = 1;
      this.#claims.add(id);
    }
    this.claimed = this.#claims.size;
    return flags;
  }

  append(bytes: Uint8Array): void {
    const block = this.#pack.append(bytes);
    const table = parseHeader(bytes);
    this.blocks++;
    for (let n = 0; n < table.count; n++) {
      const id = hex(idAt(table, n));
      this.stored.set(id, (this.stored.get(id) ?? 0) + 1);
      this.places.set(id, { pack: this.packPath, block, raw: table.offsets[n] });
    }
  }

  find(id: Uint8Array): ChunkPlace | undefined {
    return this.places.get(hex(id));
  }

  readonly buildList = (list: Iterable<Extent>): Content =>
    buildList(
      {
        putNode: (bytes) => {
          const id = nodeId(bytes);
          this.#nodes.set(id, bytes);
          return id;
        },
      },
      list,
    );

  readonly extents = (content: Content): Iterable<Extent> =>
    extents({ readNode: (id) => this.#nodes.get(id) as Uint8Array }, content);

  write(name: string, bytes: string | Uint8Array): void {
    const file = path.join(this.from, name);
    fs.mkdirSync(path.dirname(file), { recursive: true });
    fs.writeFileSync(file, bytes);
  }

  source(name: string): FileSource {
    return { path: keyOfText(name), stat: fileStat(fs.lstatSync(path.join(this.from, name), { bigint: true })) };
  }

  ingest(files: IngestOptions['files'], more: Partial<IngestOptions> = {}): AsyncGenerator<StoredFile> {
    const { runner, from: root, buildList } = this;
    return ingest({ runner, root, files, sink: this, buildList, ...more });
  }

  async ingestAll(names: string[], more: Partial<IngestOptions> = {}): Promise<StoredFile[]> {
    return Array.fromAsync(
      this.ingest(
        names.map((name) => this.source(name)),
        more,
      ),
    );
  }

  target(file: StoredFile, more: Partial<FileTarget> = {}): FileTarget {
    if (file.status !== 'stored') throw new Error(`${file.path} is ${file.status}`);
    const { path: key, content, stat } = file;
    return { path: key, content, size: stat.size, mode: stat.mode & 0o7777, mtime: stat.mtimeNs, ...more };
  }

  extract(targets: Iterable<FileTarget>, signal?: AbortSignal): AsyncGenerator<FileResult> {
    const { runner, to: root, temp: tempDir, extents } = this;
    return extract({ runner, root, tempDir, targets, extents, locator: this, ...(signal && { signal }) });
  }

  read(name: string): Buffer {
    return fs.readFileSync(path.join(this.to, name));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.runner[Symbol.asyncDispose]();
    this.#pack.discard();
    fs.rmSync(this.dir, { recursive: true, force: true });
  }
}
