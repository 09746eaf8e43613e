/** Starts and stops a hub. */
import type { AddressInfo } from 'node:net';
import { PlaitError } from '../core/errors.ts';
import { type AccessOptions, isLoopback } from './access.ts';
import type { Hub, HubLimits, HubMeta, HubOptions } from './contract.ts';
import { HeadWatch } from './feed/head-watch.ts';
import { noticing } from './feed/noticing.ts';
import { DEFAULT_LIMITS } from './limits.ts';
import { Metrics } from './metrics.ts';
import { PendingVolsets } from './pending-volsets.ts';
import type { HubContext } from './routes/route.ts';
import { routes } from './routes/service.ts';
import { buildServer, type Server } from './server.ts';

/** How often connections that have become idle are closed while the hub stops, in milliseconds. */
const SWEEP_MS = 50;

/** Listening when it resolves. Throws `bad-config` for an open door that nobody asked for, `busy` for a port in use. */
export async function createHub(options: HubOptions): Promise<Hub> {
  const { meta, host = '127.0.0.1', noAuth = false, readOnly = false, now = Date.now } = options;
  await refuseOpenDoor(options, host, noAuth);
  const limits: HubLimits = { ...DEFAULT_LIMITS, ...options.limits };
  const heads = new HeadWatch(meta, {
    onFailure: (error) => options.log?.({ level: 'warn', event: 'look-failed', message: textOf(error) }),
  });
  const context: HubContext = {
    meta: noticing(meta, () => heads.poke()),
    transfer: options.transfer,
    transferTokens: options.transferTokens,
    limits,
    metrics: new Metrics(),
    pending: new PendingVolsets(),
    heads,
    now,
  };
  const access: AccessOptions = { meta, noAuth, readOnly, now };
  const server = buildServer(options, context, access, routes);
  await listen(server, host, options.port ?? 0);
  const stopCutting = cutRegularly(meta, options.cutEveryMs ?? 1000, options.log);
  const { port } = server.app.server.address() as AddressInfo;
  const url = `${options.tls ? 'https' : 'http'}://${host.includes(':') ? `[${host}]` : host}:${port}`;
  options.log?.({ level: 'info', event: 'listening', url, store: meta.self.store, readOnly });
  let closing: Promise<void> | undefined;
  const close = async (): Promise<void> => {
    stopCutting();
    heads[Symbol.dispose]();
    await drain(server, limits.drainMs);
    await options.transfer.close();
    options.log?.({ level: 'info', event: 'stopped' });
  };
  return { url, port, close: () => (closing ??= close()) };
}

async function refuseOpenDoor({ meta, log }: HubOptions, host: string, noAuth: boolean): Promise<void> {
  if (isLoopback(host)) return;
  if (noAuth) {
    log?.({ level: 'warn', event: 'no-auth', message: `everyone who reaches ${host} may read and write this store` });
    return;
  }
  if ((await meta.listTokens()).length > 0) return;
  throw new PlaitError('bad-config', `a hub without tokens listens on loopback only, not on ${host}`, {
    hint: 'make a token with `plait token create`, or say --no-auth if everyone may read and write',
  });
}

async function listen({ app }: Server, host: string, port: number): Promise<void> {
  try {
    await app.listen({ host, port, listenTextResolver: () => '' });
  } catch (cause) {
    await app.close();
    const errno = (cause as NodeJS.ErrnoException).code;
    if (errno === 'EADDRINUSE') {
      throw new PlaitError('busy', `port ${port} of ${host} is in use`, {
        hint: 'choose another with --listen',
        cause,
      });
    }
    throw new PlaitError('bad-config', `cannot listen on ${host}:${port} (${errno ?? cause})`, {
      hint: 'name an address of this machine with --listen HOST:PORT',
      cause,
    });
  }
}

/**
 * Other commands may edit this store while it is served; what they leave uncut is closed here, for a request must not
 * write. One round at a time, and a failure only waits for the next round.
 */
function cutRegularly(meta: HubMeta, everyMs: number, log: HubOptions['log']): () => void {
  if (everyMs === 0) return () => {};
  let stopped = false;
  let timer: NodeJS.Timeout | undefined;
  const round = async (): Promise<void> => {
    try {
      for (const { id } of await meta.listVolsets()) await meta.cut(id);
    } catch (error) {
      log?.({ level: 'warn', event: 'cut-failed', message: textOf(error) });
    }
    if (!stopped) timer = setTimeout(() => void round(), everyMs).unref();
  };
  void round();
  return () => {
    stopped = true;
    clearTimeout(timer);
  };
}

const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** No new requests; those that run may end within `ms`, then they are cut. */
async function drain({ app, abortAll }: Server, ms: number): Promise<void> {
  const sweep = setInterval(() => app.server.closeIdleConnections(), SWEEP_MS);
  const cut = setTimeout(() => {
    abortAll();
    app.server.closeAllConnections();
  }, ms);
  try {
    await app.close();
  } finally {
    clearInterval(sweep);
    clearTimeout(cut);
  }
}
