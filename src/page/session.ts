/** Who asks: the token, kept for this tab only. It goes into the Authorization header and nowhere else. */

const KEY = 'plait-token';

export class Session {
  readonly #storage: Storage | undefined;
  #token: string | undefined;

  constructor() {
    this.#storage = storageOrNone();
    this.#token = this.#storage?.getItem(KEY) ?? undefined;
  }

  get token(): string | undefined {
    return this.#token;
  }

  set(token: string): void {
    this.#token = token;
    this.#storage?.setItem(KEY, token);
  }

  forget(): void {
    this.#token = undefined;
    this.#storage?.removeItem(KEY);
  }
}

/** Browsers may be set to keep nothing: then it lives as long as the page. */
function storageOrNone(): Storage | undefined {
  try {
    return window.sessionStorage;
  } catch {
    return undefined;
  }
}
