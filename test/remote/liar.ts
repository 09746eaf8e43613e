/** A plain server that answers whatever a test wants, for showing that the client believes none of it. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export const STORE = `${'ee'.repeat(16)}.1`;
export const NAMED = { 'plait-store': STORE, 'plait-protocol': '1' };

export interface Liar extends AsyncDisposable {
  url: string;
  /** What was asked, oldest first. */
  requests: { method: string; url: string; headers: IncomingMessage['headers'] }[];
}

export async function startLiar(answer: (request: IncomingMessage, response: ServerResponse) => void): Promise<Liar> {
  const requests: Liar['requests'] = [];
  const server = createServer((request, response) => {
    requests.push({ method: request.method ?? '', url: request.url ?? '', headers: request.headers });
    request.resume();
    answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** One fixed answer. */
export const saying =
  (status: number, headers: Record<string, string>, body: string | Uint8Array = '') =>
  (_request: IncomingMessage, response: ServerResponse): void => {
    response.writeHead(status, headers).end(body);
  };
