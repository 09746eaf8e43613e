/** What to do with a hub that holds nothing yet. */
import { h } from '../dom.ts';

/** @param origin address of this hub, as it was opened */
export function firstPush(origin: string): HTMLElement {
  const steps: [what: string, command: string][] = [
    ['In the directory whose data it is to hold:', "plait init\nplait snapshot -m 'first run'"],
    ['Name this hub as its remote, and send what there is:', `plait remote add origin ${origin}\nplait push`],
    ['Elsewhere, take a copy:', `plait clone ${origin}/NAME`],
  ];
  return h(
    'div',
    { class: 'card first-push' },
    h('h2', null, 'Nothing is here yet'),
    h(
      'p',
      { class: 'hint' },
      'A volume set appears here as soon as somebody pushes one, or when this token may read it.',
    ),
    h(
      'ol',
      null,
      steps.map(([what, command]) => h('li', null, what, h('pre', { tabindex: '0' }, h('code', null, command)))),
    ),
  );
}
