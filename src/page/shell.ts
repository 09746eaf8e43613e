/** The frame around all views: landmarks, who is asked, the token, which view is open, and the status of its feed. */
import { PlaitError } from '../core/errors.ts';
import { showText } from '../core/paths.ts';
import { Api } from './api.ts';
import { h, replace } from './dom.ts';
import { Downloads } from './download/downloads.ts';
import type { Live } from './live/status.ts';
import { StoreLive } from './live/store-live.ts';
import { VolsetLive } from './live/volset-live.ts';
import { errorNotice, loading } from './parts/notice.ts';
import { signIn } from './parts/sign-in.ts';
import { StatusPill } from './parts/status-pill.ts';
import { href, placeOf } from './router.ts';
import { Session } from './session.ts';
import type { ViewContext } from './view.ts';
import { viewOf } from './views/index.ts';

/** What may be asked is asked first: a hub without tokens answers, another says that it wants one. */
interface Rights {
  can: string[];
  volset: string | null;
}

const AGAIN_MS = 5000;

const NAV: [label: string, ...place: string[]][] = [['Volume sets'], ['Activity', 'activity'], ['Health', 'health']];

export function start(document: Document): void {
  const shell = new Shell(document);
  window.addEventListener('hashchange', () => void shell.show());
  void shell.begin();
}

class Shell {
  readonly #document: Document;
  readonly #session = new Session();
  readonly #api = new Api(this.#session, () => this.#refused('The hub does not take the token any more.'));
  readonly #pill = new StatusPill();
  readonly #downloads = new Downloads(this.#api);
  readonly #main = h('main', { id: 'main', tabindex: '-1' });
  readonly #nav = h('nav', { 'aria-label': 'Hub' });
  readonly #signOut = h(
    'button',
    { type: 'button', class: 'quiet', hidden: true, on: { click: () => this.#forget() } },
    'Forget token',
  );
  /** Of everything that is asked with the present token. */
  #signedIn = new AbortController();
  #store: StoreLive | undefined;
  /** The form for the token is open. */
  #asking = false;
  #left = new AbortController();
  /** Of a hub that was away when the page began. */
  #again: number | undefined;

  constructor(document: Document) {
    this.#document = document;
    this.#signedIn.abort();
    const skip = h(
      'a',
      { class: 'skip', href: '#main', on: { click: (event) => this.#skip(event) } },
      'Skip to content',
    );
    const header = h(
      'header',
      { class: 'bar' },
      h('a', { class: 'brand', href: href() }, 'plait'),
      this.#nav,
      h('div', { class: 'right' }, this.#pill.node, this.#signOut),
    );
    document.body.append(
      skip,
      header,
      this.#main,
      this.#downloads.node,
      h('footer', { class: 'foot' }, 'Read-only. What is shown is as this hub has it.'),
    );
  }

  async begin(): Promise<void> {
    window.clearTimeout(this.#again);
    this.#drawNav();
    try {
      await this.#enter();
    } catch (error) {
      const { code, message } = error as PlaitError;
      if (code === 'unauthorized') return;
      if (code === 'forbidden') {
        this.#refused(message);
        return;
      }
      this.#notShown(error, () => void this.begin());
      if (code === 'network') this.#again = window.setTimeout(() => void this.begin(), AGAIN_MS);
    }
  }

  async show(): Promise<void> {
    if (this.#signedIn.signal.aborted || !this.#store) return;
    this.#left.abort();
    const left = new AbortController();
    this.#left = left;
    const signal = AbortSignal.any([left.signal, this.#signedIn.signal]);
    this.#drawNav();
    this.#showStatus(this.#store, signal);
    const waiting = window.setTimeout(() => signal.aborted || replace(this.#main, loading()), 150);
    try {
      const view = await viewOf(this.#context(signal));
      if (signal.aborted) return;
      this.#put(view.title, view.node);
    } catch (error) {
      if (!signal.aborted) this.#notShown(error, () => void this.show());
    } finally {
      window.clearTimeout(waiting);
    }
  }

  #context(signal: AbortSignal): ViewContext {
    const store = this.#store as StoreLive;
    return {
      api: this.#api,
      place: placeOf(location.hash),
      signal,
      store,
      follow: (volset) => {
        const live = new VolsetLive(this.#api, volset, signal);
        this.#showStatus(live, signal);
        void live.run();
        store.onMoved((moved) => {
          // The last word counts: what was deleted may have been made again.
          const last = moved.findLast((one) => one.volset === volset);
          if (last && 'gone' in last) this.#gone(volset);
        }, signal);
        return live;
      },
      downloads: { start: (wanted) => void this.#downloads.start(wanted, this.#signedIn.signal) },
      redirect: (hash) => location.replace(hash),
    };
  }

  /** What the view shows was deleted, or may no longer be read. */
  #gone(volset: string): void {
    this.#left.abort();
    this.#left = new AbortController();
    const store = this.#store as StoreLive;
    const signal = AbortSignal.any([this.#left.signal, this.#signedIn.signal]);
    this.#showStatus(store, signal);
    // Whoever has what the deletion did not see brings it back.
    store.onMoved((moved) => {
      const last = moved.findLast((one) => one.volset === volset);
      if (last && !('gone' in last)) void this.show();
    }, signal);
    const hint = 'or the token may not read it any more; go to Volume sets';
    this.#notShown(new PlaitError('not-found', 'this volume set was deleted', { hint }));
  }

  #notShown(error: unknown, retry?: () => void): void {
    this.#put('Not shown', h('section', null, h('h1', null, 'Not shown'), errorNotice(error, retry)));
  }

  #put(title: string, node: HTMLElement): void {
    this.#document.title = `${showText(title)} · plait`;
    replace(this.#main, node);
    window.scrollTo(0, 0);
    // Whoever cannot see that the view has changed hears it.
    const heading = this.#main.querySelector<HTMLElement>('h1');
    heading?.setAttribute('tabindex', '-1');
    (heading ?? this.#main).focus({ preventScroll: true });
  }

  async #enter(): Promise<void> {
    const rights = await this.#api.get<Rights>('/v1/token');
    if (!rights.can.includes('read')) throw new PlaitError('forbidden', 'this token may not read');
    this.#asking = false;
    this.#signedIn = new AbortController();
    this.#signOut.hidden = this.#session.token === undefined;
    this.#store = new StoreLive(this.#api, this.#signedIn.signal);
    void this.#store.run();
    await this.show();
  }

  #refused(why: string): void {
    // The form that asks shows what was wrong with what it was given.
    if (this.#asking) return;
    this.#asking = true;
    const known = this.#session.token !== undefined;
    this.#session.forget();
    this.#signedIn.abort();
    this.#signOut.hidden = true;
    this.#pill.show({ status: 'waiting' });
    const give = async (token: string): Promise<void> => {
      this.#session.set(token);
      try {
        await this.#enter();
      } catch (error) {
        this.#session.forget();
        throw error;
      }
    };
    this.#put('Token', signIn(known ? why : 'What it shows depends on what the token may read.', give));
    this.#main.querySelector<HTMLElement>('#token')?.focus();
  }

  #forget(): void {
    this.#session.forget();
    location.reload();
  }

  #showStatus(live: Live, signal: AbortSignal): void {
    const shown = live;
    this.#shownLive = shown;
    live.onStatus(() => {
      if (this.#shownLive === shown) this.#pill.show(shown.status);
    }, signal);
    this.#pill.show(live.status);
  }
  #shownLive: Live | undefined;

  #drawNav(): void {
    const [here = ''] = placeOf(location.hash);
    const items = NAV.map(([label, place = '']) => {
      const current = place === here || (place === '' && here === 'v');
      return h('a', { href: href(place), 'aria-current': current && 'page' }, label);
    });
    replace(this.#nav, items);
  }

  #skip(event: Event): void {
    event.preventDefault();
    this.#main.focus();
  }
}
