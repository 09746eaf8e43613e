/** `plait serve`: composes a hub from a store and runs it until it is told to stop. */
import { readFileSync } from 'node:fs';
import { PlaitError } from '../core/errors.ts';
import { createHub, createTransferTokens, type LogLine, openMetaThread } from '../hub/index.ts';
import { keepPacked } from '../sync/settle.ts';
import { createStore, isStore, openStore } from '../sync/store.ts';
import { TransferServer } from '../transfer/index.ts';
import type { Context } from './context.ts';
import { refuseEphemeral } from './ephemeral.ts';
import { hubLimits } from './hub-limits.ts';
import { locate, storeOptions } from './open-engine.ts';
import { ready } from './readiness.ts';
import { storeConfig } from './store-config.ts';

export interface ServeOptions {
  store?: string;
  /** HOST:PORT; the host may be an IPv6 address in brackets. */
  listen?: string;
  tlsCert?: string;
  tlsKey?: string;
  readOnly: boolean;
  noAuth: boolean;
}

const DEFAULT_LISTEN = '127.0.0.1:7420';
const SECRET = 'hub.transfer-secret';

export async function serve(
  context: Context,
  options: ServeOptions,
  emit: (event: object, text?: string) => Promise<void>,
): Promise<void> {
  const dir = storeDir(context, options.store);
  const { host, port } = parseListen(options.listen ?? DEFAULT_LISTEN);
  const settings = storeOptions(context);
  createStore(dir, settings);
  const store = await openStore(dir, settings);
  context.onClose(() => store.meta[Symbol.dispose]());
  context.onClose(async () => store.blob[Symbol.asyncDispose]());
  refuseEphemeral(dir, store.meta.self);
  const limits = hubLimits(storeConfig(store.meta, dir));
  const { manifest } = await import('../blob/manifest/index.ts');
  // Reads and writes of requests go to a thread of their own; this connection is only for settings at the start.
  const thread = await openMetaThread({
    module: new URL(import.meta.url.endsWith('.ts') ? './hub-meta.ts' : './hub-meta.js', import.meta.url).href,
    open: 'openHubMeta',
    separateReads: true,
    options: {
      dir,
      label: settings.label,
      lockWaitMs: settings.lockWaitMs,
      stateDir: settings.stateDir,
      uid: settings.uid,
    },
  });
  context.onClose(async () => thread[Symbol.asyncDispose]());
  const tokens = createTransferTokens(Buffer.from(secretOf(store.meta, settings.world), 'hex'), settings.world.now);
  const transfer = new TransferServer({
    blob: store.blob,
    manifest,
    meta: thread.meta,
    tokens,
    now: settings.world.now,
    randomId: () => settings.world.random(16).toString('hex'),
    limits,
    onFailure: (error) => logLine(context, { level: 'warn', event: 'upload-failed', message: String(error) }),
  });
  const hub = await createHub({
    meta: thread.meta,
    transfer,
    transferTokens: tokens,
    host,
    port,
    tls: tlsOf(context, options),
    readOnly: options.readOnly,
    noAuth: options.noAuth,
    log: (line) => logLine(context, line),
    now: settings.world.now,
  });
  const stopPacking = keepPacked({ meta: thread.meta, blob: store.blob }, (error) =>
    logLine(context, { level: 'warn', event: 'pack-failed', message: String(error) }),
  );
  try {
    await emit({ event: 'listening', type: 'status', url: hub.url, store: dir }, `serving ${dir} at ${hub.url}`);
    await ready(context, `serving ${dir} at ${hub.url}`);
    await stopped(context.signal);
  } finally {
    await hub.close();
    await stopPacking();
  }
  await emit({ event: 'stopped', type: 'status', url: hub.url, store: dir });
}

function storeDir(context: Context, given: string | undefined): string {
  if (given !== undefined) {
    const dir = context.path(given);
    // The working directory around an embedded store may be named as well as the store itself.
    if (isStore(dir)) return dir;
    return locate({ place: { dir } })?.store ?? dir;
  }
  const found = locate(context);
  if (found) return found.store;
  throw new PlaitError('usage', 'no store in reach', { hint: 'name one: plait serve DIR' });
}

export function parseListen(text: string): { host: string; port: number } {
  const match = /^(?:\[([0-9a-fA-F:]+)\]|([^:[\]]*)):(\d{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  if (!match || port > 65_535) {
    throw new PlaitError('usage', `${text} is no address to listen on`, {
      hint: 'write HOST:PORT, like 127.0.0.1:7420',
    });
  }
  return { host: match[1] ?? (match[2] || '127.0.0.1'), port };
}

function tlsOf(context: Context, { tlsCert, tlsKey }: ServeOptions): { cert: Buffer; key: Buffer } | undefined {
  if (tlsCert === undefined || tlsKey === undefined) return undefined;
  return { cert: readPem(context.path(tlsCert)), key: readPem(context.path(tlsKey)) };
}

function readPem(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (cause) {
    throw new PlaitError('usage', `${file} cannot be read`, {
      hint: 'name PEM files with --tls-cert and --tls-key',
      cause,
    });
  }
}

function secretOf(
  meta: { settings(): Record<string, string>; putSetting(key: string, value: string): void },
  world: { random(bytes: number): Buffer },
): string {
  const kept = meta.settings()[SECRET];
  if (kept !== undefined) return kept;
  const secret = world.random(32).toString('hex');
  meta.putSetting(SECRET, secret);
  return secret;
}

const stopped = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });

/** Structured log on stderr, a JSON object a line; quiet keeps what went wrong. */
function logLine(context: Context, line: LogLine): void {
  if (context.options.quiet && line.level === 'info') return;
  context.io.stderr.writeNow(`${JSON.stringify({ time: new Date().toISOString(), ...line })}\n`);
}
