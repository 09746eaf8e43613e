/** Header names and media types of the protocol, and the identity header as an encode/decode pair. */
import { isStoreId, type StoreId } from '../core/ids.ts';

export const STORE_HEADER = 'plait-store';
export const PROTOCOL_HEADER = 'plait-protocol';
/** Carries the transfer token, beside the bearer token in `authorization`. */
export const TRANSFER_HEADER = 'plait-transfer';

export const JSON_TYPE = 'application/json';
export const NDJSON_TYPE = 'application/x-ndjson';
export const TAR_TYPE = 'application/x-tar';
export const BYTES_TYPE = 'application/octet-stream';

/** The store that a header names; undefined when it is missing, repeated or malformed. */
export function storeOfHeader(value: string | string[] | undefined): StoreId | undefined {
  return isStoreId(value) ? value : undefined;
}

/** `text/html; charset=utf-8` -> `text/html`. */
export function mediaType(value: string | string[] | undefined): string {
  return typeof value === 'string' ? value.split(';', 1)[0].trim().toLowerCase() : '';
}
