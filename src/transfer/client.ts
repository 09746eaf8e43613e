/** The client's side of transfers. */
export { type Downloaded, downloadSnapshots } from './download.ts';
export type { ClientOptions } from './negotiation.ts';
export { type Uploaded, uploadSnapshots } from './upload.ts';
