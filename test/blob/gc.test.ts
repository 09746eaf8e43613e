/** Garbage collection in both engines. */
import { openMemoryBlobs } from '../../src/blob/index.ts';
import { collectConformance } from '../conformance/gc.ts';
import { TempStore } from './temp-store.ts';

collectConformance('disk', async () => {
  const temp = new TempStore();
  const store = await temp.open();
  return { store, close: () => temp[Symbol.asyncDispose]() };
});

collectConformance('memory', async () => {
  const store = openMemoryBlobs();
  return { store, close: async () => store[Symbol.asyncDispose]() };
});
