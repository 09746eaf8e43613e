/** What a hub is at, and how it is: for its page, and for people who look after one. */
import { activityAnswer, healthViewAnswer } from '../../wire/activity-schemas.ts';
import { JSON_TYPE } from '../../wire/headers.ts';
import type { HealthView } from '../../wire/views.ts';
import { activity } from '../views/activity.ts';
import type { Call, HubContext, Route } from './route.ts';

/** What the doctor sees names directories of this machine and other volume sets. */
const healthView = async ({ health, doctor }: HubContext, { caller }: Call): Promise<HealthView> => ({
  ...(await health.get()),
  doctor: caller.volset === null ? await doctor.get() : null,
});

export const activityRoutes: Route[] = [
  {
    method: 'GET',
    path: '/v1/activity',
    summary: "The hub's own queues, transfers in progress, and when things last went well, of what the token covers",
    right: 'read',
    answer: { type: JSON_TYPE, schema: activityAnswer, compressed: true },
    handle: activity,
  },
  {
    method: 'GET',
    path: '/v1/health',
    summary: 'The checks of /healthz, and, with a token for all volume sets, what `plait doctor` sees; always 200',
    right: 'read',
    answer: { type: JSON_TYPE, schema: healthViewAnswer, compressed: true },
    handle: healthView,
  },
];
