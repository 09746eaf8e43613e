/**
 * The one import of undici. Its index costs 85 ms, most of it for fetch, WebSocket and caches that we never use; these
 * two files of it cost a third. The version is pinned in package.json, and test/remote/ fails if they move.
 */
import { createRequire } from 'node:module';
import type { Dispatcher, Pool } from 'undici';

type Request = (this: Dispatcher, options: Dispatcher.RequestOptions) => Promise<Dispatcher.ResponseData>;
export type PoolOptions = Pool.Options;
export type ResponseData = Dispatcher.ResponseData;

interface Loaded {
  Pool: new (origin: string, options: PoolOptions) => Pool;
  request: Request;
}

let loaded: Loaded | undefined;

function load(): Loaded {
  if (loaded) return loaded;
  const require = createRequire(import.meta.url);
  loaded = { Pool: require('undici/lib/dispatcher/pool.js'), request: require('undici/lib/api/api-request.js') };
  return loaded;
}

/** One origin's connections. */
export interface Connections {
  request(options: Dispatcher.RequestOptions): Promise<ResponseData>;
  /** Cuts what is still running. */
  destroy(): Promise<void>;
}

export function connect(origin: string, options: PoolOptions): Connections {
  const { Pool, request } = load();
  const pool = new Pool(origin, options);
  return { request: (wanted) => request.call(pool, wanted), destroy: () => pool.destroy() };
}
