/** What went wrong or is not there, in the place where it would stand. */
import { PlaitError } from '../../core/errors.ts';
import { showText } from '../../core/paths.ts';
import { type Child, h } from '../dom.ts';

/** Message, hint and code; announced by screen readers. */
export function errorNotice(error: unknown, retry?: () => void): HTMLElement {
  const { code, message, hint } =
    error instanceof PlaitError
      ? error
      : { code: 'unexpected', message: `this page failed: ${String(error)}`, hint: 'load it again' };
  return h(
    'div',
    { class: 'notice error', role: 'alert' },
    h('p', { class: 'message' }, showText(message)),
    hint ? h('p', { class: 'hint' }, showText(hint)) : null,
    h('p', { class: 'code' }, code),
    retry && h('button', { type: 'button', on: { click: retry } }, 'Try again'),
  );
}

/** Nothing is there, and that is no error. */
export const emptyNotice = (...children: Child[]): HTMLElement => h('p', { class: 'notice empty' }, ...children);

export const loading = (what = 'Loading'): HTMLElement =>
  h('p', { class: 'notice loading', role: 'status' }, `${what} …`);
