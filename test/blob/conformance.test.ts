import { openMemoryBlobs } from '../../src/blob/index.ts';
import { blobConformance } from '../conformance/blob.ts';
import { TempStore } from './temp-store.ts';

blobConformance('memory', async () => {
  const store = openMemoryBlobs();
  return { store, close: async () => store[Symbol.asyncDispose]() };
});

blobConformance('disk', async () => {
  const temp = new TempStore();
  return { store: await temp.open(), close: () => temp[Symbol.asyncDispose]() };
});
