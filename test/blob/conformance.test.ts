import { openMemoryBlobs } from '../../src/blob/index.ts';
import { blobConformance, type OpenedStore } from '../conformance/blob.ts';
import { uploadConformance } from '../conformance/uploads.ts';
import { TempStore } from './temp-store.ts';

const engines: [string, () => Promise<OpenedStore>][] = [
  [
    'memory',
    async () => {
      const store = openMemoryBlobs();
      return { store, close: async () => store[Symbol.asyncDispose]() };
    },
  ],
  [
    'disk',
    async () => {
      const temp = new TempStore();
      return { store: await temp.open(), close: () => temp[Symbol.asyncDispose]() };
    },
  ],
];

for (const [name, open] of engines) {
  blobConformance(name, open);
  uploadConformance(name, open);
}
