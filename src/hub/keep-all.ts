/** Records of a bearer who may add and change nothing: what they would rename or delete here is looked at before. */
import { PlaitError } from '../core/errors.ts';
import type { BranchId, VolsetId } from '../core/ids.ts';
import type { AnyRecord, RegisterKey } from '../core/records.ts';
import type { Applied, Round } from '../meta/contract.ts';
import type { HubMeta } from './contract.ts';

/** Throws `forbidden` where taking this round in would rename or delete what is here. */
export async function refuseChanges(meta: HubMeta, volset: VolsetId, round: Round): Promise<void> {
  if (!(await meta.knowsVolset(volset))) return;
  const { changed, deleted } = await meta.apply(volset, { ...round, dryRun: true });
  await refuse(meta, volset, { changed, deleted });
}

/** The same of records that are not logged yet. */
export async function refuseHandedOver(meta: HubMeta, volset: VolsetId, records: AnyRecord[]): Promise<void> {
  if (!(await meta.knowsVolset(volset))) return;
  const deleted = records.filter((record) => record.type === 'tombstone').map(({ object }) => object);
  const changed: RegisterKey[] = [];
  for (const record of records) {
    if (record.type !== 'write' || !NAME.test(record.register)) continue;
    if ((await nameOf(meta, volset, record.register)) !== record.value) changed.push(record.register);
  }
  await refuse(meta, volset, { changed, deleted });
}

const NAME = /^(?:volset|branch:([0-9a-f]{32})):name$/;

async function refuse(meta: HubMeta, volset: VolsetId, what: Pick<Applied, 'changed' | 'deleted'>): Promise<void> {
  if (what.deleted.length > 0) throw kept('deletes', what.deleted);
  const renamed: RegisterKey[] = [];
  for (const register of what.changed) {
    if (NAME.test(register) && (await nameOf(meta, volset, register)) !== undefined) renamed.push(register);
  }
  if (renamed.length > 0) throw kept('renames', renamed);
}

/** As it shows here; undefined where there is nothing yet. */
async function nameOf(meta: HubMeta, volset: VolsetId, register: RegisterKey): Promise<string | null | undefined> {
  const branch = NAME.exec(register)?.[1];
  if (branch === undefined) return (await meta.findVolset(volset))?.name;
  return (await meta.findBranch(volset, branch as BranchId))?.name;
}

const kept = (does: string, what: string[]): PlaitError =>
  new PlaitError(
    'forbidden',
    `the push ${does} ${what.length === 1 ? 'something' : `${what.length} things`} at this hub, which only takes what is added`,
    {
      hint: 'push with a token that may read and write, to a hub that is not append-only; or whoever runs it does the same there',
      data: { objects: what.slice(0, 100) },
    },
  );
