/** Which volume sets are here, and making one. */
import { PlaitError } from '../../core/errors.ts';
import type { VolsetId } from '../../core/ids.ts';
import type { PeerVolset } from '../../core/peer.ts';
import { JSON_TYPE } from '../../wire/headers.ts';
import { created, createVolset, volset, volsetList } from '../../wire/messages.ts';
import type { Call, HubContext, Route } from './route.ts';

/** Throws `not-found` unless the volset is here or announced; true when only announced. */
export async function requireVolset({ meta, pending }: HubContext, id: VolsetId): Promise<{ announced: boolean }> {
  if (await meta.findVolset(id)) return { announced: false };
  if (pending.name(id) !== undefined) return { announced: true };
  throw new PlaitError('not-found', 'no such volume set here', { hint: 'see `plait remote show`' });
}

/**
 * The same for requests that bring data. Whoever may make volsets need not have announced this one to this very process:
 * what was announced is forgotten when a hub restarts, and the push goes on.
 */
export async function requireOrMake(context: HubContext, call: Call): Promise<{ announced: boolean }> {
  const { volset } = call;
  if (call.caller.can('write') && !(await context.meta.findVolset(volset))) return { announced: true };
  return requireVolset(context, volset);
}

/** Throws `exists` when another volset has the name here: it belongs to the first id that came with it. */
export async function refuseRival(context: HubContext, call: Call, id: VolsetId, name: string): Promise<void> {
  const here = await context.meta.listVolsets();
  const holder = here.find((view) => view.name === name)?.id ?? context.pending.idOf(name, context.now());
  if (holder === undefined || holder === id) return;
  throw new PlaitError('exists', `the name ${JSON.stringify(name)} belongs to another volume set here`, {
    hint: 'rename yours with `plait volset rename`, or clone the one that is there',
    data: call.caller.covers(holder) ? { volset: holder } : {},
  });
}

/** By id. A volset that was renamed to what an earlier one is called is told apart, so that a name means one of them. */
async function shownNames({ meta }: HubContext): Promise<Map<VolsetId, string>> {
  const shown = new Map<VolsetId, string>();
  const taken = new Set<string>();
  for (const { id, name } of await meta.listVolsets()) {
    let unique = name ?? id;
    for (let digits = 4; taken.has(unique); digits++) unique = `${name}.${id.slice(0, digits)}`;
    taken.add(unique);
    shown.set(id, unique);
  }
  return shown;
}

async function show(
  { meta, pending }: HubContext,
  id: VolsetId,
  names: ReadonlyMap<VolsetId, string>,
): Promise<PeerVolset> {
  const known = names.has(id);
  const branches = known ? await meta.listBranches(id) : [];
  return {
    id,
    name: names.get(id) ?? pending.name(id) ?? id,
    branches: branches.map(({ id, name, tip }) => ({ id, name, tip })),
  };
}

async function list(context: HubContext, { caller }: Call): Promise<{ volsets: PeerVolset[] }> {
  const volsets: PeerVolset[] = [];
  const names = await shownNames(context);
  for (const id of names.keys()) if (caller.covers(id)) volsets.push(await show(context, id, names));
  return { volsets };
}

async function create(context: HubContext, call: Call): Promise<{ id: VolsetId; created: boolean }> {
  const { id, name } = call.body as { id: VolsetId; name: string };
  call.authorize('write', id);
  await refuseRival(context, call, id, name);
  if (await context.meta.findVolset(id)) return { id, created: false };
  context.pending.add(id, name, context.now());
  return { id, created: true };
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
    handle: async (context, call) => {
      await requireVolset(context, call.volset);
      return show(context, call.volset, await shownNames(context));
    },
  },
];
