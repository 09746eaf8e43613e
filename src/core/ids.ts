/** Branded identifiers. All are lower-case hex strings (ids of stores carry a dot); raw bytes appear only in bulk lists. */
declare const brand: unique symbol;
type Brand<T, B extends string> = T & { readonly [brand]: B };

/** SHA-256 of a chunk's raw bytes, 64 hex digits. */
export type ChunkId = Brand<string, 'ChunkId'>;
/** Domain-separated SHA-256 of a manifest or list node, 64 hex digits. */
export type NodeId = Brand<string, 'NodeId'>;
/** Domain-separated SHA-256 of a snapshot body, 64 hex digits. */
export type SnapshotId = Brand<string, 'SnapshotId'>;
/** Hash of a write or tombstone record, 64 hex digits. */
export type WriteId = Brand<string, 'WriteId'>;
/** Hash of what a write says, its register and value: 64 hex digits. */
export type WhatHash = Brand<string, 'WhatHash'>;
/** Hash of a generation: covers its header, its records and the previous hash, 64 hex digits. */
export type GenerationHash = Brand<string, 'GenerationHash'>;
/** Random, 32 hex digits. */
export type VolsetId = Brand<string, 'VolsetId'>;
/** Random, 32 hex digits. */
export type BranchId = Brand<string, 'BranchId'>;
/** Random, 32 hex digits: one per store directory ever made. */
export type InstallId = Brand<string, 'InstallId'>;
/** `<install id>.<epoch>`, epoch a decimal >= 1. */
export type StoreId = Brand<string, 'StoreId'>;
/** `<store id>/<hash>`: the part of a forked history that begins with the generation of that hash. */
export type ForkId = Brand<string, 'ForkId'>;
/** A line of generations without forks: a store's own up to where it first forks, or one branch behind a fork. */
export type ChainId = StoreId | ForkId;
/** Hash over object, field and the writes that met, 64 hex digits: alike on every store that meets them. */
export type ConflictId = Brand<string, 'ConflictId'>;

const HEX64 = /^[0-9a-f]{64}$/;
const HEX32 = /^[0-9a-f]{32}$/;
const STORE = /^[0-9a-f]{32}\.[1-9][0-9]{0,8}$/;
const CHAIN = /^[0-9a-f]{32}\.[1-9][0-9]{0,8}(?:\/[0-9a-f]{64})?$/;

export const isHash = (value: unknown): value is string => typeof value === 'string' && HEX64.test(value);
export const isSnapshotId = (value: unknown): value is SnapshotId => isHash(value);
export const isNodeId = (value: unknown): value is NodeId => isHash(value);
export const isRandomId = (value: unknown): value is string => typeof value === 'string' && HEX32.test(value);
export const isVolsetId = (value: unknown): value is VolsetId => isRandomId(value);
export const isBranchId = (value: unknown): value is BranchId => isRandomId(value);
export const isInstallId = (value: unknown): value is InstallId => isRandomId(value);
export const isStoreId = (value: unknown): value is StoreId => typeof value === 'string' && STORE.test(value);

export const isChainId = (value: unknown): value is ChainId => typeof value === 'string' && CHAIN.test(value);
export const isConflictId = (value: unknown): value is ConflictId => isHash(value);

export const storeId = (install: InstallId, epoch: number): StoreId => `${install}.${epoch}` as StoreId;
export const installOf = (chain: ChainId): InstallId => chain.slice(0, 32) as InstallId;
export const epochOf = (store: StoreId): number => Number(store.slice(33));
/** The store whose generations a chain is made of. */
export const storeOf = (chain: ChainId): StoreId => chain.split('/', 1)[0] as StoreId;
