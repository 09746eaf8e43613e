/** The HTTP server: routes, hooks and limits put together on fastify. Knows nothing of what the routes do. */
import { isIP, type Socket } from 'node:net';
import { Readable } from 'node:stream';
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { type ErrorCode, PlaitError } from '../core/errors.ts';
import { BYTES_TYPE, JSON_TYPE, NDJSON_TYPE, PROTOCOL_HEADER, STORE_HEADER, TAR_TYPE } from '../wire/headers.ts';
import { PROTOCOL } from '../wire/limits.ts';
import type { AccessOptions } from './access.ts';
import type { AuditEntry } from './audit.ts';
import { streamedAnswer, streamedBody } from './body.ts';
import { makeCall } from './call.ts';
import { type Checked, check } from './checks.ts';
import { compressed } from './compressed.ts';
import type { HubLimits, HubOptions } from './contract.ts';
import { answerError, malformedRequest, noSuchRoute, toPlaitError } from './errors.ts';
import { MAX_HEADER_BYTES } from './limits.ts';
import { answerBytes, bodyLimit as bodyLimitOf, isStream, parseBody } from './media.ts';
import type { Call, HubContext, Route } from './routes/route.ts';
import { isStreamed, streamOf } from './stream-answer.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    route?: Route;
  }
}

/** What we keep about a request while it runs. */
interface Running extends Checked {
  abort: AbortController;
  bodyTimer: NodeJS.Timeout | undefined;
  bytesIn: number;
  /** For the audit log. */
  notes: Record<string, unknown>;
}

export interface Server {
  app: FastifyInstance;
  /** Aborts whatever still runs. */
  abortAll(): void;
  /** Cuts the feeds whose readers have not taken their last word. */
  cutFeeds(): void;
}

export function buildServer(options: HubOptions, context: HubContext, access: AccessOptions, routes: Route[]): Server {
  const { limits } = context;
  const running = new Map<FastifyRequest, Running>();
  const live = new Set<FastifyReply>();
  const codes = new WeakMap<FastifyRequest, ErrorCode>();
  /** The answer is out, or nobody is there to take it: fastify tells of the first case only. */
  const finish = (request: FastifyRequest, reply: FastifyReply): void => {
    const state = running.get(request);
    running.delete(request);
    live.delete(reply);
    clearTimeout(state?.bodyTimer);
    if (!reply.raw.writableFinished) state?.abort.abort(clientGone());
    report(options, context, request, reply, state, codes.get(request));
  };
  const app = newApp(options, context);
  addParsers(app, limits, (bytes) => {
    context.metrics.bytesIn += bytes;
  });
  app.addHook('onRequest', async (request, reply) => {
    nameStore(reply, context);
    const { route } = request.routeOptions.config;
    if (request.is404 || !route) throw noSuchRoute();
    const checked = await check(route, request, access, context.transferTokens);
    if (reply.raw.destroyed) throw clientGone();
    const timer = bodyTimer(route, request, limits.bodyMs);
    running.set(request, { ...checked, abort: new AbortController(), bodyTimer: timer, bytesIn: 0, notes: {} });
    reply.raw.once('close', () => finish(request, reply));
  });
  app.setErrorHandler((thrown, request, reply) => {
    const error = toPlaitError(thrown);
    context.metrics.error(error.code);
    codes.set(request, error.code);
    if (error.code === 'unexpected') {
      options.log?.({
        level: 'error',
        event: 'failure',
        message: String((error.cause as Error)?.stack ?? error.message),
      });
    }
    answerError(error, request, reply);
  });
  app.setNotFoundHandler((request, reply) => answerError(noSuchRoute(), request, reply));
  app.addHook('onResponse', async (request, reply) => {
    if (!running.has(request)) report(options, context, request, reply, undefined, codes.get(request));
  });
  for (const route of routes) {
    app.route({
      method: route.method,
      url: route.path,
      config: { route },
      handler: async (request, reply) => {
        const state = running.get(request);
        if (!state) throw clientGone();
        clearTimeout(state.bodyTimer);
        const result = await route.handle(context, callOf(route, request, state, context, access));
        if (route.live && running.has(request)) live.add(reply);
        return send(context, route, request, reply, result);
      },
    });
  }
  return {
    app,
    cutFeeds: () => {
      for (const { raw } of live) raw.destroy();
    },
    abortAll: () => {
      for (const { abort } of running.values()) abort.abort(new PlaitError('busy', 'the hub is stopping'));
    },
  };
}

/** Every answer says who gives it, errors too. */
const nameStore = (reply: FastifyReply, { meta }: HubContext): FastifyReply =>
  reply.header(STORE_HEADER, meta.self.store).header(PROTOCOL_HEADER, PROTOCOL).header('cache-control', 'no-store');

function newApp(options: HubOptions, context: HubContext): FastifyInstance {
  const { limits, meta } = context;
  const http = {
    maxHeaderSize: MAX_HEADER_BYTES,
    headersTimeout: limits.headersMs,
    // Uploads take as long as they take; body.ts watches that they move.
    requestTimeout: 0,
    connectionsCheckingInterval: Math.min(1000, limits.headersMs),
    keepAliveTimeout: 65_000,
  };
  const app = fastify({
    logger: false,
    requestTimeout: 0,
    // Nobody else's word about who they are counts.
    trustProxy: options.trustedProxies ?? [],
    keepAliveTimeout: http.keepAliveTimeout,
    forceCloseConnections: 'idle',
    exposeHeadRoutes: false,
    routerOptions: { maxParamLength: 64 },
    frameworkErrors: (error: Error, request: FastifyRequest, reply: FastifyReply) =>
      answerError(toPlaitError(error), request, nameStore(reply, context)),
    clientErrorHandler: (_error: Error, socket: Socket) => {
      if (socket.writable) socket.end(malformedRequest(meta.self.store));
      else socket.destroy();
    },
    ...(options.tls ? { https: { ...http, ...asBuffers(options.tls), minVersion: 'TLSv1.2' } } : { http }),
  } as Parameters<typeof fastify>[0]) as unknown as FastifyInstance;
  app.server.maxConnections = limits.connections;
  return app;
}

const asBuffers = ({ cert, key }: NonNullable<HubOptions['tls']>) => ({
  cert: Buffer.from(cert),
  key: Buffer.from(key),
});

function addParsers(app: FastifyInstance, limits: HubLimits, onBytes: (bytes: number) => void): void {
  app.removeAllContentTypeParsers();
  for (const type of [JSON_TYPE, BYTES_TYPE]) {
    const bodyLimit = bodyLimitOf(type, limits);
    app.addContentTypeParser(type, { parseAs: 'buffer', bodyLimit }, async (_request: FastifyRequest, body: Buffer) => {
      onBytes(body.length);
      return parseBody(type, body);
    });
  }
  for (const type of [NDJSON_TYPE, TAR_TYPE]) app.addContentTypeParser(type, (_request, _stream, done) => done(null));
}

const clientGone = (): PlaitError => new PlaitError('network', 'the client went away');

/** A body that is read whole gets one time limit; streams are watched piece by piece. */
function bodyTimer(route: Route, request: FastifyRequest, ms: number): NodeJS.Timeout | undefined {
  if (!route.body || isStream(route.body.type)) return undefined;
  return setTimeout(() => request.raw.destroy(new PlaitError('deadline', 'the request body came too slowly')), ms);
}

function callOf(
  route: Route,
  request: FastifyRequest,
  state: Running,
  context: HubContext,
  access: AccessOptions,
): Call {
  const { limits, metrics } = context;
  return makeCall(route, {
    checked: state,
    access,
    parsed: request.body,
    signal: state.abort.signal,
    note: (facts) => void Object.assign(state.notes, facts),
    stream: (maxBytes) =>
      streamedBody(request.raw, {
        maxBytes,
        idleMs: limits.idleMs,
        onBytes: (bytes) => {
          state.bytesIn += bytes;
          metrics.bytesIn += bytes;
        },
      }),
  });
}

function send(
  { metrics, limits }: HubContext,
  route: Route,
  request: FastifyRequest,
  reply: FastifyReply,
  result: unknown,
): unknown {
  if (route.headers) reply.headers(route.headers);
  reply.type(route.answer.type).code(route.status?.(result) ?? 200);
  if (isStreamed(route.answer)) {
    const { pieces: source, headers } = streamOf(result);
    reply.headers(headers);
    const tooSlow = (): void => {
      if (reply.raw.destroyed) return;
      if (route.live) metrics.feedsCut++;
      reply.raw.destroy();
    };
    // For what is left when the last piece was handed over, and for a source that stands still: which a feed may.
    reply.raw.setTimeout(limits.idleMs, () => {
      if (!route.live || (reply.raw.socket?.writableLength ?? 0) > 0) tooSlow();
    });
    const pieces = streamedAnswer(source, {
      idleMs: limits.idleMs,
      tooSlow,
      onBytes: (bytes) => {
        metrics.bytesOut += bytes;
      },
    });
    return Readable.from(pieces, { objectMode: false });
  }
  const sent = (bytes: Buffer): Buffer => {
    metrics.bytesOut += bytes.length;
    return bytes;
  };
  const plain = answerBytes(result);
  if (!route.answer.compressed) return sent(plain);
  return compressed(plain, request.headers['accept-encoding']?.toString()).then(({ bytes, headers }) => {
    reply.headers(headers);
    return sent(bytes);
  });
}

/** The route's pattern, never the URL: what a client writes there may hold anything, secrets included. */
function report(
  { log, audit, now = Date.now }: HubOptions,
  { metrics }: HubContext,
  request: FastifyRequest,
  reply: FastifyReply,
  state: Running | undefined,
  code: ErrorCode | undefined,
): void {
  const { route } = request.routeOptions.config;
  const path = route?.path ?? 'unknown';
  const common = {
    status: reply.statusCode,
    volset: state?.volset ?? state?.claims?.volset ?? null,
    token: state?.caller.owner ?? null,
    from: addressOf(request),
  };
  const cut = !reply.raw.writableFinished;
  metrics.request(request.method, path, reply.statusCode);
  if (!route?.live) metrics.took(path, reply.elapsedTime / 1000);
  log?.({
    level: reply.statusCode >= 500 ? 'error' : 'info',
    event: 'request',
    method: request.method,
    route: path,
    ms: Math.round(reply.elapsedTime),
    bytesIn: state?.bytesIn ?? 0,
    cut,
    ...common,
  });
  if (route?.audit === undefined) return;
  audit?.write({
    time: new Date(now()).toISOString(),
    action: route.audit,
    label: state?.caller.label ?? null,
    outcome: outcomeOf(reply.statusCode, cut),
    code: code ?? null,
    bytes: state?.bytesIn ?? 0,
    ...common,
    ...state?.notes,
  });
}

/** A proxy may hand on what it was sent, whatever that is. */
const addressOf = ({ ip, socket }: FastifyRequest): string => (isIP(ip) > 0 ? ip : (socket.remoteAddress ?? 'gone'));

function outcomeOf(status: number, cut: boolean): AuditEntry['outcome'] {
  if (cut) return 'cut';
  if (status < 400) return 'done';
  return status < 500 ? 'refused' : 'failed';
}
