/** The one way to refuse what a peer or a pack says: nothing was changed, and which rule it broke. */
import { PlaitError } from './errors.ts';

export function malformed(what: string, data?: Record<string, unknown>): never {
  throw new PlaitError('protocol', `Refused metadata that breaks the protocol: ${what}.`, {
    hint: 'Nothing was changed. Check that both sides run a supported version of plait.',
    ...(data && { data }),
  });
}

/** A plain object with all of `required` and nothing beyond `optional`. */
export function exactObject(
  value: unknown,
  what: string,
  required: readonly string[],
  optional: readonly string[] = [],
): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) malformed(`${what} is not an object`);
  for (const key of required) if (!Object.hasOwn(value, key)) malformed(`${what} lacks ${key}`);
  for (const key of Object.keys(value)) {
    if (!required.includes(key) && !optional.includes(key)) malformed(`${what} has an unknown field`);
  }
  return value as Record<string, unknown>;
}

export const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
