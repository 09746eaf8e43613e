/** Histories of one register, for tests of the rules that decide about them. */
import fc from 'fast-check';
import type { KnownWrite, WriteLookup } from '../../src/core/heads.ts';
import type { WriteId } from '../../src/core/ids.ts';

export const stampOf = (n: number): string => n.toString(16).padStart(16, '0');
export const hexId = (n: number): WriteId => n.toString(16).padStart(64, '0') as WriteId;

export const lookupIn = (writes: Iterable<KnownWrite>): WriteLookup => {
  const byId = new Map([...writes].map((write) => [write.id, write]));
  return (id) => byId.get(id);
};

/**
 * In creation order, each with parents among the earlier ones and a stamp above theirs. Ids are in no order of creation;
 * some histories have several roots, as after compaction.
 */
export const histories: fc.Arbitrary<KnownWrite[]> = fc
  .array(
    fc.record({
      parents: fc.array(fc.nat(), { maxLength: 3 }),
      lead: fc.nat(3),
      value: fc.constantFrom('x', 'y', 'z', null),
      resolution: fc.boolean(),
      scramble: fc.nat(0xffff),
    }),
    { minLength: 1, maxLength: 14 },
  )
  .map((rows) => {
    const writes: KnownWrite[] = [];
    rows.forEach(({ parents, lead, value, resolution, scramble }, i) => {
      const chosen = i === 0 ? [] : [...new Set(parents.map((p) => writes[p % i]))];
      const above = Math.max(0, ...chosen.map((w) => Number.parseInt(w.stamp, 16)));
      writes.push({
        id: hexId(scramble * 256 + i),
        stamp: stampOf(above + 1 + lead),
        parents: chosen.map((w) => w.id).sort(),
        value,
        ...(resolution && chosen.length === 2 && { resolution: true as const }),
      });
    });
    return writes;
  });
