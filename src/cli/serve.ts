/** `plait serve`: composes a hub from a store and runs it until it is told to stop. */
import { readFileSync } from 'node:fs';
import { PlaitError } from '../core/errors.ts';
import { type Audit, createHub, type LogLine } from '../hub/index.ts';
import { chanceOf } from '../sync/engine.ts';
import { createStore, isStore, type StoreOptions } from '../sync/store.ts';
import { AuditFile } from './audit-file.ts';
import type { Context } from './context.ts';
import { hubDoctor } from './hub-doctor.ts';
import { keepMaintained } from './maintain.ts';
import { retireAfter, scrubBudget } from './maintenance.ts';
import { locate, storeOptions } from './open-engine.ts';
import { type HubParts, openHubParts } from './open-hub.ts';
import { readPageFiles } from './page-files.ts';
import { ready } from './readiness.ts';
import { threadStore } from './thread-store.ts';

export interface ServeOptions {
  store?: string;
  /** HOST:PORT; the host may be an IPv6 address in brackets. */
  listen?: string;
  tlsCert?: string;
  tlsKey?: string;
  readOnly: boolean;
  appendOnly: boolean;
  noAuth: boolean;
  /** A page at `/`. */
  ui: boolean;
  /** Milliseconds between rounds of maintenance; absent: none. */
  maintainMs?: number | undefined;
}

const DEFAULT_LISTEN = '127.0.0.1:7420';

export async function serve(
  context: Context,
  options: ServeOptions,
  emit: (event: object, text?: string) => Promise<void>,
): Promise<void> {
  const dir = storeDir(context, options.store);
  const { host, port } = parseListen(options.listen ?? DEFAULT_LISTEN);
  const settings = storeOptions(context);
  createStore(dir, settings);
  const parts = await openHubParts(dir, {
    settings,
    separateReads: true,
    trouble: (event, error) => logLine(context, { level: 'warn', event, message: String(error) }),
  });
  context.onClose(async () => parts[Symbol.asyncDispose]());
  const { meta, data, transfer, transferTokens, config, service } = parts;
  const audit = await openAudit(context, service.auditFile);
  const doctor = hubDoctor({ dir, store: threadStore(settings) });
  const hub = await createHub({
    meta,
    data,
    transfer,
    transferTokens,
    host,
    port,
    tls: tlsOf(context, options),
    readOnly: options.readOnly,
    appendOnly: options.appendOnly,
    noAuth: options.noAuth,
    page: options.ui ? readPageFiles() : undefined,
    doctor: () => doctor.look(),
    minFree: service.minFree,
    trustedProxies: service.trustedProxies,
    audit,
    log: (line) => logLine(context, line),
    now: settings.world.now,
  });
  const stopMaintaining = maintained(context, { dir, meta, config, settings, everyMs: options.maintainMs });
  try {
    await emit({ event: 'listening', type: 'status', url: hub.url, store: dir }, `serving ${dir} at ${hub.url}`);
    await ready(context, `serving ${dir} at ${hub.url}`);
    await stopped(context.signal);
  } finally {
    await Promise.all([stopMaintaining(), doctor.stop(), hub.close()]);
  }
  await emit({ event: 'stopped', type: 'status', url: hub.url, store: dir });
}

function maintained(
  context: Context,
  {
    dir,
    meta,
    config,
    settings,
    everyMs,
  }: Pick<HubParts, 'meta' | 'config'> & { dir: string; settings: StoreOptions; everyMs?: number | undefined },
): () => Promise<void> {
  if (everyMs === undefined) return async () => {};
  const { world } = settings;
  const work = {
    dir,
    store: threadStore(settings),
    scrubBytes: scrubBudget(config),
    retireAfterMs: retireAfter(config),
  };
  return keepMaintained(work, {
    everyMs,
    stamps: () => meta.stamps(),
    now: world.now,
    random: chanceOf(world),
    log: (line) => logLine(context, line),
  });
}

/** Closed after the hub; SIGHUP opens it anew, for those who move it away. */
async function openAudit(context: Context, path: string | undefined): Promise<Audit | undefined> {
  if (path === undefined) return undefined;
  const audit = await opened(path, (message) => logLine(context, { level: 'error', event: 'audit-failed', message }));
  const reopen = (): void => audit.reopen();
  process.on('SIGHUP', reopen);
  context.onClose(async () => {
    process.off('SIGHUP', reopen);
    await audit[Symbol.asyncDispose]();
  });
  return audit;
}

async function opened(path: string, onFailure: (message: string) => void): Promise<Audit> {
  try {
    return await AuditFile.open(path, onFailure);
  } catch (cause) {
    throw new PlaitError('bad-config', `the audit log ${path} cannot be opened`, {
      hint: 'make its folder writable, or name another with `plait config set hub.audit-file`',
      cause,
    });
  }
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
