/** The client's side of transfers. */
export { type Downloaded, type DownloadOptions, downloadSnapshots } from './download.ts';
export { type Drained, type DrainOptions, drainQueue } from './drain.ts';
export type { ClientOptions } from './negotiation.ts';
