/**
 * The one import of undici. Its index costs 85 ms, most of it for fetch, WebSocket and caches that we never use; these
 * two files of it cost a third. The version is pinned in package.json, and test/remote/ fails if they move.
 */
import type { Dispatcher, Pool as PoolOf } from 'undici';
import request from 'undici/lib/api/api-request.js';
import Pool from 'undici/lib/dispatcher/pool.js';

export type PoolOptions = PoolOf.Options;
export type ResponseData = Dispatcher.ResponseData;

/** One origin's connections. */
export interface Connections {
  request(options: Dispatcher.RequestOptions): Promise<ResponseData>;
  /** Cuts what is still running. */
  destroy(): Promise<void>;
}

export function connect(origin: string, options: PoolOptions): Connections {
  const pool = new Pool(origin, options);
  return { request: (wanted) => request.call(pool, wanted), destroy: () => pool.destroy() };
}
