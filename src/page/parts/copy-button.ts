/** Copies a text, and says so. Where the browser gives no clipboard (plain HTTP from elsewhere) it selects it instead. */
import { h } from '../dom.ts';

const SAID_MS = 2000;

/** @param what for those who cannot see what it stands beside, `the snapshot's id` */
export function copyButton(text: string, what: string, shown?: () => Element | null): HTMLElement {
  const said = h('span', { class: 'said', role: 'status' });
  const say = (words: string): void => {
    said.textContent = words;
    window.setTimeout(() => {
      said.textContent = '';
    }, SAID_MS);
  };
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(text);
      say('copied');
    } catch {
      const element = shown?.();
      if (element) getSelection()?.selectAllChildren(element);
      say(element ? 'selected' : 'this browser does not let pages copy');
    }
  };
  return h(
    'span',
    { class: 'copy' },
    h('button', { type: 'button', class: 'small', on: { click: () => void copy() } }, 'Copy', sr(` ${what}`)),
    said,
  );
}

const sr = (text: string): HTMLElement => h('span', { class: 'sr-only' }, text);

/** A text to be copied as it stands. */
export function copyable(text: string, what: string): HTMLElement {
  const code = h('code', { class: 'command' }, text);
  return h(
    'span',
    { class: 'copyable' },
    code,
    copyButton(text, what, () => code),
  );
}
