/** From whatever was thrown to an error answer. Only PlaitErrors speak; anything else stays in the log. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { codeOfErrno, PlaitError } from '../core/errors.ts';
import { encodeError } from '../wire/error-body.ts';
import { JSON_TYPE } from '../wire/headers.ts';
import { bodyTooLarge } from './media.ts';

/** Bytes and milliseconds of an unwanted body that are read and dropped, so that its sender gets to see the answer. */
const LINGER_BYTES = 8 * 1024 * 1024;
const LINGER_MS = 2000;

export function toPlaitError(error: unknown): PlaitError {
  if (error instanceof PlaitError) return error;
  const { code, statusCode } = error as { code?: string; statusCode?: number };
  if (code === 'FST_ERR_CTP_BODY_TOO_LARGE') return bodyTooLarge();
  if (code === 'ECONNRESET' || code === 'ERR_STREAM_PREMATURE_CLOSE') {
    return new PlaitError('network', 'the client went away in the middle of its request');
  }
  if (statusCode === 404) return noSuchRoute();
  if (statusCode !== undefined && statusCode < 500) return new PlaitError('protocol', 'the request is malformed');
  const known = codeOfErrno(code);
  if (known) return new PlaitError(known, 'the hub could not read or write its store', { cause: error });
  return new PlaitError('unexpected', 'the hub failed', { hint: 'its log says why', cause: error });
}

export const noSuchRoute = (): PlaitError =>
  new PlaitError('not-found', 'no such address on this hub', { hint: 'GET /v1/openapi.json lists what there is' });

/** A few codes are no errors for HTTP; thrown all the same, they must not look like success. */
export const statusOf = (error: PlaitError): number => (error.httpStatus >= 400 ? error.httpStatus : 500);

export function answerError(error: PlaitError, request: FastifyRequest, reply: FastifyReply): void {
  const body = JSON.stringify(encodeError(error));
  const headers: Record<string, string | number> = {
    'content-type': JSON_TYPE,
    'content-length': Buffer.byteLength(body),
  };
  if (error.code === 'unauthorized') headers['www-authenticate'] = 'Bearer';
  if (error.retryable) headers['retry-after'] = 1;
  reply.code(statusOf(error)).headers(headers);
  if (request.raw.complete || request.raw.destroyed) reply.send(body);
  else sendAndLinger(request, reply, body);
}

/**
 * Answers while the body is still coming. Closing at once would reset the connection, and the reset may overtake the
 * answer; so the answer is flushed first and what still comes is dropped, within bounds, before the connection goes.
 */
function sendAndLinger(request: FastifyRequest, reply: FastifyReply, body: string): void {
  reply.hijack();
  const { raw } = request;
  const answer = reply.raw;
  answer.writeHead(reply.statusCode, { ...(reply.getHeaders() as Record<string, string>), connection: 'close' });
  answer.write(body);
  let dropped = 0;
  const end = (): void => {
    clearTimeout(timer);
    answer.end();
  };
  const timer = setTimeout(end, LINGER_MS);
  raw.on('data', (piece: Buffer) => {
    dropped += piece.length;
    if (dropped > LINGER_BYTES) end();
  });
  raw.once('end', end);
  raw.once('close', end);
  raw.on('error', end);
  raw.resume();
}

/** What came before HTTP could be understood: answered by hand, as there is no request object. */
export function malformedRequest(store: string): string {
  const body = JSON.stringify(encodeError(new PlaitError('protocol', 'this is not a valid HTTP request')));
  return (
    `HTTP/1.1 400 Bad Request\r\nPlait-Store: ${store}\r\nContent-Type: ${JSON_TYPE}\r\n` +
    `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`
  );
}
