/**
 * Loaded before every normal run: no test may put anything into a prototype that all objects share, as data from
 * a peer under `__proto__` or `constructor` would. Closed to new members rather than frozen: dependencies assign `name`
 * or `toString` to objects of their own, which a frozen prototype forbids. What was there is compared at the end.
 */
import assert from 'node:assert/strict';

const SHARED = [Object, Array, Function, String, Number, Boolean, Map, Set, Promise, Error, Uint8Array];

/** Members by their place, so that a difference is named. */
function members(): Map<string, unknown> {
  const found = new Map<string, unknown>();
  for (const { name, prototype } of SHARED) {
    for (const key of Reflect.ownKeys(prototype)) {
      const { value, get, set } = Object.getOwnPropertyDescriptor(prototype, key) as PropertyDescriptor;
      for (const [part, what] of Object.entries({ value, get, set })) found.set(`${name} ${String(key)} ${part}`, what);
    }
  }
  return found;
}

const changed = (before: Map<string, unknown>, after: Map<string, unknown>): string[] =>
  [...new Set([...before.keys(), ...after.keys()])].filter((key) => before.get(key) !== after.get(key));

let before = new Map<string, unknown>();

export const mochaHooks = {
  beforeAll(): void {
    before = members();
    for (const { prototype } of SHARED) void Object.preventExtensions(prototype);
  },
  afterAll(): void {
    assert.deepEqual(changed(before, members()), [], 'a shared prototype was changed');
  },
};
