/** Disk stores in temporary directories. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { BlobStore } from '../../src/blob/contract.ts';
import { type DiskEngineOptions, openDiskBlobs } from '../../src/blob/index.ts';

export class TempStore implements AsyncDisposable {
  readonly dir = fs.mkdtempSync(path.join(os.tmpdir(), 'plait-store-'));
  readonly #opened: BlobStore[] = [];

  async open(options: DiskEngineOptions = {}): Promise<BlobStore> {
    const store = await openDiskBlobs(this.dir, { workers: 1, lockWaitMs: 5000, ...options });
    this.#opened.push(store);
    return store;
  }

  /** Paths of all files below the store, sorted. */
  files(below = ''): string[] {
    const names = fs.readdirSync(path.join(this.dir, below), { recursive: true, withFileTypes: true });
    return names
      .filter((entry) => entry.isFile())
      .map((entry) => path.relative(this.dir, path.join(entry.parentPath, entry.name)))
      .sort();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const store of this.#opened) await store[Symbol.asyncDispose]();
    fs.rmSync(this.dir, { recursive: true, force: true });
  }
}
