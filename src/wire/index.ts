/**
 * Messages that a hub and its clients exchange: schemas, encode/decode pairs, limits. Decoding is total: hostile bytes
 * end in a PlaitError, never in a value that nobody checked. Importers name the file they need, since a client that has
 * nothing to do should not load the codecs of a transfer.
 */
export { PROTOCOL } from './limits.ts';
