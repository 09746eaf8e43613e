/** Downloads that go on while one looks at other things, each with how far it is, in words, and a way to stop it. */
import { PlaitError } from '../../core/errors.ts';
import { showText } from '../../core/paths.ts';
import type { Api } from '../api.ts';
import { h, replace } from '../dom.ts';
import { bytes } from '../format.ts';
import { name } from '../text.ts';
import { save, type Wanted } from './save.ts';

const TELL_MS = 250;

export class Downloads {
  readonly node = h('section', { class: 'downloads', 'aria-label': 'Downloads', hidden: true });
  readonly #api: Api;
  readonly #list = h('ul');

  constructor(api: Api) {
    this.#api = api;
    this.node.append(this.#list);
  }

  /** @param signal of the token: what was begun with it ends with it */
  async start(wanted: Wanted, signal: AbortSignal): Promise<void> {
    const stop = new AbortController();
    const row = new DownloadRow(wanted.name, () => stop.abort());
    this.#list.append(row.node);
    this.node.hidden = false;
    row.onGone = () => this.#remove(row);
    // Nor does its name stay.
    signal.addEventListener('abort', () => this.#remove(row), { once: true });
    try {
      await save(this.#api, wanted, (done, of) => row.progress(done, of), AbortSignal.any([signal, stop.signal]));
      row.ended(`saved, ${bytes(row.bytes)}`, 'good');
    } catch (error) {
      if (stop.signal.aborted || (error as Error).name === 'AbortError')
        row.ended('stopped: nothing was saved', 'hint');
      else row.ended(`nothing was saved: ${showText(wordsOf(error))}`, 'bad');
    }
  }

  #remove(row: DownloadRow): void {
    row.node.remove();
    this.node.hidden = this.#list.childElementCount === 0;
    document.querySelector<HTMLElement>('h1')?.focus({ preventScroll: true });
  }
}

class DownloadRow {
  readonly node: HTMLElement;
  onGone: () => void = () => {};
  bytes = 0;
  readonly #name: string;
  readonly #state = h('span', { class: 'state' }, 'waiting for the hub');
  /** Only how it ended: nobody wants to hear every step. */
  readonly #end = h('span', { class: 'state', role: 'status' });
  readonly #button: HTMLButtonElement;
  #done = false;
  #told = 0;

  constructor(fileName: string, stop: () => void) {
    this.#name = fileName;
    const click = (): void => (this.#done ? this.onGone() : stop());
    this.#button = h('button', { type: 'button', class: 'small', on: { click } });
    this.#label('Cancel');
    this.node = h('li', null, name(fileName), this.#state, this.#end, this.#button);
  }

  progress(done: number, of: number | undefined): void {
    this.bytes = done;
    const now = performance.now();
    if (now - this.#told < TELL_MS) return;
    this.#told = now;
    this.#state.textContent = of === undefined ? `${bytes(done)} so far` : `${bytes(done)} of ${bytes(of)}`;
  }

  ended(words: string, className: string): void {
    this.#done = true;
    this.#state.remove();
    this.#end.classList.add(className);
    this.#end.textContent = words;
    this.#label('Dismiss');
  }

  #label(verb: string): void {
    replace(this.#button, verb, h('span', { class: 'sr-only' }, ` ${showText(this.#name)}`));
  }
}

const wordsOf = (error: unknown): string =>
  error instanceof PlaitError ? [error.message, error.hint].filter(Boolean).join('; ') : 'the connection was cut';
