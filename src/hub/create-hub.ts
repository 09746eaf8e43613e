/** Starts and stops a hub. */
import type { AddressInfo } from 'node:net';
import { PlaitError } from '../core/errors.ts';
import { type AccessOptions, isLoopback } from './access.ts';
import { hubContext, stopTelling } from './context.ts';
import type { Hub, HubOptions } from './contract.ts';
import { cutRegularly } from './cut.ts';
import { Fresh } from './feed/fresh.ts';
import { pageRoutes } from './page.ts';
import { routes } from './routes/service.ts';
import { buildServer, type Server } from './server.ts';

/** How often connections that have become idle are closed while the hub stops, in milliseconds. */
const SWEEP_MS = 50;

/** What the reader of a feed gets to take its last word. */
const FEED_DRAIN_MS = 1000;

/** Listening when it resolves. Throws `bad-config` for an open door that nobody asked for, `busy` for a port in use. */
export async function createHub(options: HubOptions): Promise<Hub> {
  const { meta, host = '127.0.0.1', noAuth = false, readOnly = false, appendOnly = false, now = Date.now } = options;
  await refuseOpenDoor(options, host, noAuth);
  // Everybody may read the store then; names of directories of this machine are another matter.
  const everybody = noAuth && !isLoopback(host);
  const context = hubContext({ ...options, doctor: everybody ? undefined : options.doctor });
  // Of all who ask at once, feeds at their marks above all, one reads for the others.
  const tokens = new Fresh(() => meta.listTokens());
  const access: AccessOptions = { meta: { listTokens: () => tokens.get() }, noAuth, readOnly, appendOnly, now };
  const server = buildServer(options, context, access, [...routes, ...pageRoutes(options.page ?? [])]);
  await listen(server, host, options.port ?? 0);
  const cutting = cutRegularly(meta, options.cutEveryMs ?? 1000, options.log);
  const { port } = server.app.server.address() as AddressInfo;
  const url = `${options.tls ? 'https' : 'http'}://${host.includes(':') ? `[${host}]` : host}:${port}`;
  options.log?.({ level: 'info', event: 'listening', url, store: meta.self.store, readOnly, appendOnly });
  let closing: Promise<void> | undefined;
  const close = async (): Promise<void> => {
    context.health.stop();
    cutting.stop();
    stopTelling(context);
    await drain(server, context.limits.drainMs);
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

/** No new requests; those that run may end within `ms`, then they are cut. Feeds have ended, and go first. */
async function drain({ app, abortAll, cutFeeds }: Server, ms: number): Promise<void> {
  const sweep = setInterval(() => app.server.closeIdleConnections(), SWEEP_MS);
  const feeds = setTimeout(cutFeeds, Math.min(ms, FEED_DRAIN_MS));
  const cut = setTimeout(() => {
    abortAll();
    app.server.closeAllConnections();
  }, ms);
  try {
    await app.close();
  } finally {
    clearInterval(sweep);
    clearTimeout(cut);
    clearTimeout(feeds);
  }
}
