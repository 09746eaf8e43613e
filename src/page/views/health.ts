/** How the hub is: what `/healthz` checks, and what `plait doctor` sees. */
import type { HealthView } from '../../wire/views.ts';
import { table } from '../activity/tables.ts';
import { type Child, h } from '../dom.ts';
import { plural, time } from '../format.ts';
import { tickAges } from '../parts/ages.ts';
import { KeptPart } from '../parts/kept-part.ts';
import { emptyNotice } from '../parts/notice.ts';
import { polled } from '../poll.ts';
import { name } from '../text.ts';
import type { View, ViewContext } from '../view.ts';

const EVERY_MS = 15_000;

interface Rights {
  volset: string | null;
}

export async function health({ api, signal }: ViewContext): Promise<View> {
  const read = (): Promise<HealthView> => api.get<HealthView>('/v1/health', { signal });
  const { volset } = await api.get<Rights>('/v1/token', { signal });
  const part = new KeptPart(h('div'));
  const show = (told: HealthView): void => part.draw(shown(told, volset !== null));
  const wrong = await polled({ everyMs: EVERY_MS, read, show, signal });
  const node = h('section', { class: 'health' }, h('h1', null, 'Health'), wrong, part.node);
  tickAges(node, signal);
  return { title: 'Health', node };
}

function shown({ ok, checks, doctor }: HealthView, one: boolean): HTMLElement {
  const failing =
    Object.values(checks).filter((good) => !good).length + (doctor?.checks.filter((row) => !row.ok).length ?? 0);
  const all = ok && (doctor?.ok ?? true);
  return h(
    'div',
    null,
    h('p', { class: 'verdict', role: 'status' }, verdict(all), all ? '' : `: ${plural(failing, 'check')} failed`),
    h('h2', null, 'This hub'),
    table(
      'Checks of the hub',
      ['Check', 'State'],
      Object.entries(checks).map(([key, good]) => [name(key), verdict(good)]),
    ),
    h('h2', null, 'As doctor sees the store'),
    doctor ? rows(doctor) : emptyNotice(one ? ONE_VOLSET : NOBODY),
  );
}

const ONE_VOLSET =
  'Not shown: your token is for one volume set, and these checks look at the whole store. A token for all volume sets shows them.';
const NOBODY = 'Not shown: this hub lets everybody in, or does not look. At the hub: plait doctor.';

function rows({ at, checks }: NonNullable<HealthView['doctor']>): HTMLElement {
  // What is wrong is what one came for.
  const sorted = checks.toSorted((a, b) => Number(a.ok) - Number(b.ok));
  const cells = sorted.map((row): Child[] => [
    name(row.name),
    verdict(row.ok),
    [name(row.detail), row.hint !== null && h('span', { class: 'hint block' }, name(row.hint))],
  ]);
  return h(
    'div',
    null,
    h('p', { class: 'hint' }, 'Looked at ', time(at, Date.now()), '.'),
    table('Checks of the store', ['Check', 'State', 'What'], cells),
  );
}

/** A sign and a word beside the colour. */
const verdict = (good: boolean): HTMLElement =>
  h(
    'span',
    { class: good ? 'good' : 'bad' },
    h('span', { 'aria-hidden': 'true' }, good ? '✓ ' : '✗ '),
    good ? 'ok' : 'wrong',
  );
