/**
 * The hub: a store served over HTTP, or in this process (in-process.ts). Decides who may ask what, bounds what is asked,
 * and hands the rest on: metadata to a store on its own thread, blobs to the transfer service that it is given. Holds no
 * state of its own but counters, announced names and what can be read again, so that killing it loses nothing.
 */
export type { Audit, AuditEntry } from './audit.ts';
export { newToken } from './bearer-token.ts';
export type { Hub, HubLimits, HubMeta, HubOptions, LogLine } from './contract.ts';
export { createHub } from './create-hub.ts';
export { type MetaThread, openMetaThread } from './meta-thread.ts';
export { routes } from './routes/service.ts';
export { createTransferTokens } from './transfer-token.ts';
