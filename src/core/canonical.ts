/**
 * Canonical JSON: one value has one byte form. UTF-8, keys sorted by code unit, no white space, absent (undefined) keys
 * left out, integers only, strings escaped as JSON.stringify does and free of lone surrogates. Ids are hashes over it.
 */
import { malformed } from './malformed.ts';

export function canonicalText(value: unknown): string {
  switch (typeof value) {
    case 'string':
      if (!value.isWellFormed()) malformed('a text is not valid Unicode');
      return JSON.stringify(value);
    case 'number':
      // -0 would print as 0 and so have two sources; fractions print differently across languages.
      if (!Number.isSafeInteger(value) || Object.is(value, -0)) malformed('a number is not a safe integer');
      return String(value);
    case 'boolean':
      return value ? 'true' : 'false';
    case 'object':
      if (value === null) return 'null';
      return Array.isArray(value) ? `[${value.map(canonicalText).join(',')}]` : canonicalObject(value);
    default:
      return malformed('a value has no JSON form');
  }
}

function canonicalObject(value: object): string {
  const parts: string[] = [];
  for (const key of Object.keys(value).sort()) {
    const member = (value as Record<string, unknown>)[key];
    if (member !== undefined) parts.push(`${canonicalText(key)}:${canonicalText(member)}`);
  }
  return `{${parts.join(',')}}`;
}

export const canonicalBytes = (value: unknown): Buffer => Buffer.from(canonicalText(value), 'utf8');

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Reads canonical bytes back; any other spelling of the same value is refused. */
export function parseCanonical(bytes: Uint8Array): unknown {
  let text: string;
  let value: unknown;
  try {
    text = utf8.decode(bytes);
    value = JSON.parse(text);
  } catch {
    return malformed('bytes are not JSON');
  }
  if (canonicalText(value) !== text) malformed('bytes are not in canonical form');
  return value;
}
