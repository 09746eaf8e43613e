/**
 * What packs tell of this store beside the log (core/state-object.ts), against metadata: where own branches stand, its
 * remotes and tokens. One that lies in packs and is later than metadata means an older meta.db; one that metadata holds to
 * be told and is not there could not be had again.
 */
import { isDeepStrictEqual } from 'node:util';
import type { VolsetId } from '../../core/ids.ts';
import { STORE_STATE } from '../../core/state-object.ts';
import type { Engine } from '../engine.ts';
import { readTold, type Told } from '../repair/told.ts';
import { type Finding, noneAffected } from './findings.ts';

export async function stateFaults(engine: Engine): Promise<Finding[]> {
  const { meta } = engine;
  // What waits to be told lies nowhere yet; what is looked for below knows of that.
  if (!meta.tellsStates()) return [];
  const told = await readTold(engine.blob);
  const findings: Finding[] = [];
  const older = olderThan(engine, told);
  if (older !== undefined) findings.push({ ...noneAffected(), kind: 'older', volset: null, what: older });
  if (findings.length > 0 || meta.unpackedStates().length > 0) return findings;
  for (const { id } of meta.listVolsets())
    if (!meta.waitsForCut(id) && !isTold(engine, told, id)) findings.push(untold(id, 'its branches'));
  if (!isStoreTold(engine, told)) findings.push(untold(STORE_STATE, 'the store, its remotes and its tokens'));
  // Others may have gone on meanwhile.
  return findings.length > 0 && meta.unpackedStates().length > 0 ? [] : findings;
}

const untold = (volset: VolsetId, of: string): Finding => ({
  ...noneAffected(),
  kind: 'log',
  volset,
  what: `log.open or a pack lacks what was told last of ${of}`,
});

function olderThan({ meta }: Engine, { self, refs }: Told): string | undefined {
  const { install, epoch } = meta.self;
  if (self === undefined || self.install !== install) return undefined;
  if (self.epoch > epoch) return `meta.db is older than packs: it has the epoch ${epoch}, they know of ${self.epoch}`;
  for (const [volset, branches] of refs) {
    const last = Math.max(...[...branches.values()].map(([ref]) => (ref.epoch === epoch ? ref.revision : 0)));
    const known = meta.knowsVolset(volset) ? meta.revision(volset) : 0;
    if (last > known) return `meta.db is older than packs: volset ${volset} is at ${known}, they know of ${last}`;
  }
  return undefined;
}

function isTold({ meta }: Engine, { refs }: Told, volset: VolsetId): boolean {
  const branches = refs.get(volset);
  return meta.refs(volset, 'self').every(({ branch, snapshot }) => {
    const told = branches?.get(branch)?.[0];
    return told?.snapshot === snapshot;
  });
}

function isStoreTold({ meta }: Engine, { store }: Told): boolean {
  const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value));
  return (
    store !== undefined &&
    isDeepStrictEqual(plain(store.remotes), plain(meta.listRemotes())) &&
    isDeepStrictEqual(plain(store.tokens), plain(meta.listTokens()))
  );
}
