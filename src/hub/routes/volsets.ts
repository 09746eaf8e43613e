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

async function show({ meta, pending }: HubContext, id: VolsetId): Promise<PeerVolset> {
  const view = await meta.findVolset(id);
  const branches = view ? await meta.listBranches(id) : [];
  return {
    id,
    name: view?.name ?? pending.name(id) ?? id,
    branches: branches.map(({ id, name, tip }) => ({ id, name, tip })),
  };
}

async function list(context: HubContext, { caller }: Call): Promise<{ volsets: PeerVolset[] }> {
  const volsets: PeerVolset[] = [];
  for (const { id } of await context.meta.listVolsets()) if (caller.covers(id)) volsets.push(await show(context, id));
  return { volsets };
}

async function create(context: HubContext, call: Call): Promise<{ id: VolsetId; created: boolean }> {
  const { id, name } = call.body as { id: VolsetId; name: string };
  call.authorize('write', id);
  const here = await context.meta.listVolsets();
  const holder = here.find((view) => view.name === name)?.id ?? context.pending.idOf(name, context.now());
  if (holder !== undefined && holder !== id) {
    throw new PlaitError('exists', `the name ${JSON.stringify(name)} belongs to another volume set here`, {
      hint: 'rename yours with `plait volset rename`, or clone the one that is there',
      data: call.caller.covers(holder) ? { volset: holder } : {},
    });
  }
  if (here.some((view) => view.id === id)) return { id, created: false };
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
      return show(context, call.volset);
    },
  },
];
