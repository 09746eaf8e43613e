/**
 * Data between stores: blob diffs as tar streams, what goes into one, taking one in, negotiating it. Knows blob and meta
 * by their contracts only; stores, manifest functions and peers are passed in. Nothing that arrives is believed.
 */

export { type BundleStores, type ExportOptions, exportBundle, type Imported, importBundle } from './bundle.ts';
export {
  type ClientOptions,
  type Downloaded,
  type Drained,
  type DrainOptions,
  downloadSnapshots,
  drainQueue,
} from './client.ts';
export { type ServerLimits, TransferServer, type TransferServerOptions } from './server.ts';
