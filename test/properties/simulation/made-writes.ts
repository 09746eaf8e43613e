/** What stores write without being told to, and on which all of them must agree that make it: see docs/protocol.md. */
import type { KnownWrite } from '../../../src/core/heads.ts';
import type { Write } from '../../../src/core/records.ts';
import { parseRegister, type Register } from '../../../src/core/register.ts';
import { stampAfter } from '../../../src/core/stamp.ts';
import type { Oracle } from './oracle.ts';

/** A deleted branch is kept by saying its name again; of an edit that says what shows already nothing is written. */
export function keepsAlike(oracle: Oracle): string[] {
  return [...oracle.registers].flatMap(([key, writes]) => {
    const { object, field } = parseRegister(key) as Register;
    if (field !== 'name' || !object.startsWith('branch:')) return [];
    const deleters = new Set((oracle.tombstones.get(object) ?? []).map(({ author }) => author));
    const byId = new Map(writes.map((write) => [write.id, write]));
    return writes.flatMap((write) => {
      const shown = shownTo(write, byId);
      if (write.resolution || shown === undefined || shown.value !== write.value) return [];
      const { author, stamp } = oracle.records.get(write.id) as Write;
      const depends = stamp !== stampAfter(shown.stamp) || !deleters.has(author);
      return depends ? [`the write that keeps ${object} depends on who made it: ${author} ${stamp}`] : [];
    });
  });
}

/** The largest of what a write follows; undefined where not all of it is here. */
function shownTo({ parents }: KnownWrite, byId: ReadonlyMap<string, KnownWrite>): KnownWrite | undefined {
  const sides = parents.map((id) => byId.get(id));
  if (sides.some((side) => side === undefined)) return undefined;
  const key = (write?: KnownWrite): string => `${write?.stamp}${write?.id}`;
  return sides.sort((a, b) => (key(a) < key(b) ? 1 : -1))[0];
}
