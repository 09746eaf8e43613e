/**
 * Message schemas are plain JSON Schema, in the subset that `check` below interprets. One text serves three readers:
 * both ends validate with it, and the OpenAPI document shows it. Objects refuse members that they do not name, so a
 * decoded message never holds a key (such as `__proto__`) that nobody checked.
 */
import { PlaitError } from '../core/errors.ts';

export interface Schema {
  type?: 'object' | 'array' | 'string' | 'integer' | 'boolean' | 'null';
  description?: string;
  const?: unknown;
  enum?: readonly unknown[];
  /** Alternatives, tried in order; with `discriminator` only the one whose constant equals that member. */
  oneOf?: readonly Schema[];
  discriminator?: { propertyName: string };
  properties?: Readonly<Record<string, Schema>>;
  required?: readonly string[];
  /** Objects used as maps: pattern and schema of every member. */
  propertyNames?: { pattern: string };
  additionalProperties?: Schema | false;
  maxProperties?: number;
  /** Lists of fixed length: one schema a place. */
  prefixItems?: readonly Schema[];
  items?: Schema | false;
  minItems?: number;
  maxItems?: number;
  pattern?: string;
  minLength?: number;
  maxLength?: number;
  minimum?: number;
  maximum?: number;
}

/** What is wrong with `value`, as `path: reason`; undefined when nothing is. */
export function fault(schema: Schema, value: unknown, path = ''): string | undefined {
  if (schema.oneOf) return faultOfAlternatives(schema, schema.oneOf, value, path);
  if ('const' in schema)
    return value === schema.const ? undefined : at(path, `must be ${JSON.stringify(schema.const)}`);
  if (schema.enum) return schema.enum.includes(value) ? undefined : at(path, 'is none of the known values');
  switch (schema.type) {
    case 'null':
      return value === null ? undefined : at(path, 'must be null');
    case 'boolean':
      return typeof value === 'boolean' ? undefined : at(path, 'must be true or false');
    case 'string':
      return faultOfString(schema, value, path);
    case 'integer':
      return faultOfInteger(schema, value, path);
    case 'array':
      return faultOfArray(schema, value, path);
    case 'object':
      return faultOfObject(schema, value, path);
    default:
      return undefined;
  }
}

/** The value, now typed. Throws `protocol`; `what` names the message, e.g. "deltas request". */
export function decode<T>(schema: Schema, value: unknown, what: string): T {
  const wrong = fault(schema, value);
  if (wrong === undefined) return value as T;
  throw new PlaitError('protocol', `not a valid ${what}: ${wrong}`, {
    hint: 'the other side speaks another version of the protocol, or is no plait at all',
  });
}

const at = (path: string, reason: string): string => `${path === '' ? 'the message' : path} ${reason}`;
/** Paths end up in messages; a member's name from a peer is shown only as far as it is harmless. */
const member = (path: string, key: string): string => `${path}/${/^[\w.:-]{1,80}$/.test(key) ? key : '?'}`;

function faultOfAlternatives(schema: Schema, options: readonly Schema[], value: unknown, path: string) {
  const key = schema.discriminator?.propertyName;
  if (key === undefined) {
    const hit = options.some((option) => fault(option, value, path) === undefined);
    return hit ? undefined : at(path, 'fits none of the allowed forms');
  }
  if (!isObject(value) || !Object.hasOwn(value, key)) return at(path, `must have a member ${key}`);
  const chosen = options.find((option) => option.properties?.[key]?.const === value[key]);
  return chosen ? fault(chosen, value, path) : at(member(path, key), 'is none of the known values');
}

function faultOfString(schema: Schema, value: unknown, path: string): string | undefined {
  if (typeof value !== 'string') return at(path, 'must be a string');
  if (value.length > (schema.maxLength ?? Number.POSITIVE_INFINITY)) return at(path, 'is too long');
  if (value.length < (schema.minLength ?? 0)) return at(path, 'is too short');
  if (schema.pattern !== undefined && !compiled(schema.pattern).test(value)) return at(path, 'has the wrong form');
  return undefined;
}

function faultOfInteger(schema: Schema, value: unknown, path: string): string | undefined {
  if (!Number.isSafeInteger(value)) return at(path, 'must be a whole number');
  const n = value as number;
  if (n < (schema.minimum ?? Number.MIN_SAFE_INTEGER)) return at(path, 'is too small');
  return n > (schema.maximum ?? Number.MAX_SAFE_INTEGER) ? at(path, 'is too large') : undefined;
}

function faultOfArray(schema: Schema, value: unknown, path: string): string | undefined {
  if (!Array.isArray(value)) return at(path, 'must be a list');
  if (value.length > (schema.maxItems ?? Number.POSITIVE_INFINITY)) return at(path, 'has too many items');
  if (value.length < (schema.minItems ?? 0)) return at(path, 'has too few items');
  for (let i = 0; i < value.length; i++) {
    const item = schema.prefixItems?.[i] ?? schema.items;
    const wrong = item ? fault(item, value[i], `${path}/${i}`) : undefined;
    if (wrong !== undefined) return wrong;
  }
  return undefined;
}

function faultOfObject(schema: Schema, value: unknown, path: string): string | undefined {
  if (!isObject(value)) return at(path, 'must be an object');
  const keys = Object.keys(value);
  if (keys.length > (schema.maxProperties ?? Number.POSITIVE_INFINITY)) return at(path, 'has too many members');
  for (const key of schema.required ?? []) {
    if (!Object.hasOwn(value, key)) return at(member(path, key), 'is missing');
  }
  for (const key of keys) {
    const wrong = faultOfMember(schema, key, value[key], path);
    if (wrong !== undefined) return wrong;
  }
  return undefined;
}

function faultOfMember(schema: Schema, key: string, value: unknown, path: string): string | undefined {
  const known = schema.properties && Object.hasOwn(schema.properties, key) ? schema.properties[key] : undefined;
  if (known) return fault(known, value, member(path, key));
  const others = schema.additionalProperties;
  if (!others) return at(member(path, key), 'is not a member of this message');
  if (schema.propertyNames && !compiled(schema.propertyNames.pattern).test(key)) {
    return at(member(path, key), 'is not a valid key');
  }
  return fault(others, value, member(path, key));
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const patterns = new Map<string, RegExp>();
/** Only patterns that stand in schemas come here, so the map is bounded by our own source. */
function compiled(pattern: string): RegExp {
  const known = patterns.get(pattern);
  if (known) return known;
  const regexp = new RegExp(pattern, 'u');
  patterns.set(pattern, regexp);
  return regexp;
}

/** An object with exactly these members; those named in `optional` may be absent. */
export function object(properties: Record<string, Schema>, optional: readonly string[] = []): Schema {
  const required = Object.keys(properties).filter((key) => !optional.includes(key));
  return { type: 'object', properties, required, additionalProperties: false };
}

export const list = (items: Schema, maxItems: number): Schema => ({ type: 'array', items, maxItems });
/** Exactly these, in this order. */
export const tuple = (...places: Schema[]): Schema => ({
  type: 'array',
  prefixItems: places,
  items: false,
  minItems: places.length,
  maxItems: places.length,
});
export const nullable = (schema: Schema): Schema => ({ oneOf: [schema, { type: 'null' }] });
export const text = (maxLength: number): Schema => ({ type: 'string', maxLength });
export const count = (maximum: number = Number.MAX_SAFE_INTEGER): Schema => ({ type: 'integer', minimum: 0, maximum });
