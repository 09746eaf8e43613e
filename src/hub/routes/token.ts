/** What the bearer may do here: asked before something is written that no hub would take. */
import type { PeerRights } from '../../core/peer.ts';
import { JSON_TYPE } from '../../wire/headers.ts';
import { rightsAnswer } from '../../wire/messages.ts';
import { rightsOf } from '../access.ts';
import type { Route } from './route.ts';

export const tokenRoutes: Route[] = [
  {
    method: 'GET',
    path: '/v1/token',
    summary: 'What the bearer may do here, less what this hub does for nobody; null: of all volume sets',
    right: 'any',
    answer: { type: JSON_TYPE, schema: rightsAnswer },
    handle: async (_context, { caller }): Promise<PeerRights> => ({ can: rightsOf(caller), volset: caller.volset }),
  },
];
