/** Which volume sets are here, and making one. */
import { PlaitError } from '../../core/errors.ts';
import type { VolsetId } from '../../core/ids.ts';
import { JSON_TYPE } from '../../wire/headers.ts';
import { created, createVolset, volset, volsetList } from '../../wire/messages.ts';
import type { Call, HubContext, Route } from './route.ts';

/** Known: its records are here, be it deleted; else it is announced only. Throws `not-found` where it is neither. */
export async function requireVolset({ meta, pending }: HubContext, id: VolsetId): Promise<{ known: boolean }> {
  if (await meta.knowsVolset(id)) return { known: true };
  if (pending.name(id) !== undefined) return { known: false };
  throw noSuchVolset();
}

const noSuchVolset = (): PlaitError =>
  new PlaitError('not-found', 'no such volume set here', { hint: 'see `plait remote show`' });

/**
 * The same for requests that bring data. Whoever may make volsets need not have announced this one to this very process:
 * what was announced is forgotten when a hub restarts, and the push goes on.
 */
export async function requireOrMake(context: HubContext, call: Call): Promise<{ known: boolean }> {
  const { volset } = call;
  if (call.caller.can('write') && !(await context.meta.knowsVolset(volset))) return { known: false };
  return requireVolset(context, volset);
}

/** The name is this volset's from now on; `exists` when another has it: it belongs to the first id that came with it. */
export async function claimName(context: HubContext, call: Call, id: VolsetId, name: string): Promise<void> {
  const { meta, pending } = context;
  const before = pending.name(id);
  // First the claim, then the look: of two that come at once the second finds the claim of the first or its volset.
  let holder = pending.claim(id, name, context.now());
  if (holder === undefined) {
    holder = (await meta.listVolsets()).find((view) => view.name === name && view.id !== id)?.id;
    if (holder === undefined) return;
    if (before === undefined) pending.settled(id);
    else pending.claim(id, before, context.now());
  }
  throw new PlaitError('exists', `the name ${JSON.stringify(name)} belongs to another volume set here`, {
    hint: 'rename yours with `plait volset rename`, or clone the one that is there',
    data: call.caller.covers(holder) ? { volset: holder } : {},
  });
}

/** A PeerVolset, as JSON. */
const shown = (id: VolsetId, name: string, branches: string): string =>
  `{"id":"${id}","name":${JSON.stringify(name)},"branches":${branches}}`;

async function list({ views }: HubContext, { caller }: Call): Promise<string> {
  const seen = await views.read((id) => caller.covers(id));
  const volsets: string[] = [];
  for (const [id, name] of seen.names) if (caller.covers(id)) volsets.push(shown(id, name, seen.branches(id)));
  return `{"volsets":[${volsets.join()}]}`;
}

/** One that is deleted here may be announced again: its records are taken, whatever its name is by now. */
async function create(context: HubContext, call: Call): Promise<{ id: VolsetId; created: boolean }> {
  const { id, name } = call.body as { id: VolsetId; name: string };
  call.note({ volset: id });
  call.authorize('write', id);
  if (await context.meta.knowsVolset(id)) return { id, created: false };
  await claimName(context, call, id, name);
  return { id, created: true };
}

/** Announced, or deleted and announced again: its name is all there is. */
async function find({ views, pending }: HubContext, { volset: id }: Call): Promise<string> {
  const seen = await views.read((wanted) => wanted === id);
  const name = seen.names.get(id) ?? pending.name(id);
  if (name === undefined) throw noSuchVolset();
  return shown(id, name, seen.names.has(id) ? seen.branches(id) : '[]');
}

export const volsetRoutes: Route[] = [
  {
    method: 'GET',
    path: '/v1/volsets',
    summary: 'Volume sets that the token covers, with their branches',
    right: 'read',
    answer: { type: JSON_TYPE, schema: volsetList },
    handle: list,
  },
  {
    method: 'POST',
    path: '/v1/volsets',
    summary: 'Announce a volume set; `exists` when the name belongs to another id',
    right: 'write',
    audit: 'announce-volset',
    body: { type: JSON_TYPE, schema: createVolset },
    answer: { type: JSON_TYPE, schema: created },
    handle: create,
  },
  {
    method: 'GET',
    path: '/v1/volsets/:volset',
    summary: 'One volume set with its branches',
    right: 'read',
    answer: { type: JSON_TYPE, schema: volset },
    handle: find,
  },
];
