/** What all views of a volset begin with: whose they are, a few facts, and the way to its other views. */
import type { VolsetDetails } from '../../wire/views.ts';
import { h } from '../dom.ts';
import { bytes, count, plural, saved, time } from '../format.ts';
import type { VolsetLive } from '../live/volset-live.ts';
import { href } from '../router.ts';
import { name } from '../text.ts';
import type { ViewContext } from '../view.ts';
import { tickAges } from './ages.ts';
import { KeptPart } from './kept-part.ts';

export type VolsetTab = 'history' | 'branches' | 'members' | 'conflicts' | 'sizes';

const TABS: [tab: VolsetTab, label: string, counted: (details: VolsetDetails) => number | undefined][] = [
  ['history', 'History', () => undefined],
  ['branches', 'Branches', (details) => details.branches],
  ['members', 'Members', (details) => details.members],
  ['conflicts', 'Conflicts', (details) => details.conflicts],
  ['sizes', 'Sizes', () => undefined],
];

/**
 * The head of a volset's view, which keeps itself up to date until the view is left. To be made once the first state is
 * there:
 *
 *     const live = context.follow(volset);
 *     await live.ready();
 *     const node = h('section', null, volsetHead(context, live, 'conflicts'), …);
 *
 * With a tab, the volset's name is the view's `h1` and facts follow; the tab is marked as current. Without one (views of
 * a snapshot, of a diff) the name is a link back to the history, facts are left out, and the view brings its own `h1`.
 * `onDetails` is given each state that comes later, for views that show members or sums too.
 */
export function volsetHead(
  context: ViewContext,
  live: VolsetLive,
  current?: VolsetTab,
  onDetails?: (details: VolsetDetails) => void,
): HTMLElement {
  const { signal } = context;
  const slots = current ? [heading, about, facts, tabs] : [back, tabs];
  const parts = slots.map((make) => ({ make, kept: new KeptPart(h('div')) }));
  const show = (details: VolsetDetails): void => {
    for (const { make, kept } of parts) kept.draw(make(details, current));
  };
  show(live.details as VolsetDetails);
  live.onDetails((details) => {
    show(details);
    onDetails?.(details);
  }, signal);
  // Who follows, and when members were seen, is told by no feed.
  const timer = window.setInterval(() => document.hidden || live.refresh(), 30_000);
  signal.addEventListener('abort', () => window.clearInterval(timer), { once: true });
  const head = h(
    'div',
    { class: 'volset-head' },
    parts.map(({ kept }) => kept.node),
  );
  tickAges(head, signal);
  return head;
}

const heading = (details: VolsetDetails): HTMLElement => h('h1', { tabindex: '-1' }, name(details.name));

const about = ({ description }: VolsetDetails): HTMLElement =>
  h('p', { class: 'about', hidden: !description }, name(description ?? ''));

const back = (details: VolsetDetails): HTMLElement =>
  h('p', { class: 'volset-brief' }, h('a', { href: href('v', details.id) }, name(details.name)));

function tabs(details: VolsetDetails, current?: VolsetTab): HTMLElement {
  const links = TABS.map(([tab, label, counted]) => {
    const place = tab === 'history' ? undefined : tab;
    const number = counted(details);
    return h(
      'a',
      { href: href('v', details.id, place), 'aria-current': tab === current && 'page' },
      label,
      number !== undefined && [
        ' ',
        h('span', { class: `count${tab === 'conflicts' && number ? ' bad' : ''}` }, count(number)),
      ],
    );
  });
  return h('nav', { class: 'tabs', 'aria-label': 'Volume set' }, links);
}

function facts(details: VolsetDetails): HTMLElement {
  const { newest, logicalBytes, storedBytes, damaged } = details;
  const saving = saved(logicalBytes, storedBytes);
  return h(
    'dl',
    { class: 'facts' },
    fact('Snapshots', count(details.snapshots)),
    fact(
      'Newest',
      newest
        ? [bytes(newest.bytes), ' in ', plural(newest.files, 'file'), ', ', time(newest.created, Date.now())]
        : 'none yet',
    ),
    fact('Stored', saving ? `${bytes(storedBytes)}, ${saving} saved` : bytes(storedBytes)),
    fact('Following now', count(details.followers)),
    damaged > 0 &&
      h('div', { class: 'flagged' }, h('dt', null, 'Damaged'), h('dd', { class: 'bad' }, plural(damaged, 'snapshot'))),
  );
}

const fact = (term: string, ...value: (string | Node | (string | Node)[])[]): HTMLElement =>
  h('div', null, h('dt', null, term), h('dd', null, ...value));
