/** The client's side of transfers. */
export { type Downloaded, type DownloadOptions, downloadSnapshots } from './download.ts';
export type { ClientOptions } from './negotiation.ts';
export { type Uploaded, uploadSnapshots } from './upload.ts';
