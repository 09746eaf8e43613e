/** Entry of a worker thread: takes requests, answers each. Handlers are synchronous, so requests run in order. */
import { parentPort } from 'node:worker_threads';
import { toWire } from './failure.ts';
import { handle } from './handlers.ts';
import type { Request, Response } from './protocol.ts';

const port = parentPort;
if (port === null) throw new Error('entry.ts runs as a worker thread only');

port.on('message', (request: Request) => {
  try {
    const { value, transfer } = handle(request.name, request.input);
    port.postMessage({ id: request.id, value } satisfies Response, transfer ?? []);
  } catch (error) {
    port.postMessage({ id: request.id, error: toWire(error) } satisfies Response);
  }
});
