/**
 * A preload (`node --import`): every change below CRASH_ROOT goes to the file CRASH_LOG, one record each,
 * in threads as well.
 */
import { closeSync, openSync, writeSync } from 'node:fs';
import { serialize } from 'node:v8';
import { type Change, listen } from './tap.ts';

const { CRASH_LOG: log, CRASH_ROOT: root } = process.env;
if (log !== undefined && root !== undefined) {
  const fd = openSync(log, 'a', 0o600);
  process.on('exit', () => closeSync(fd));
  const after = (change: Change): void => {
    const body = serialize(change);
    const head = Buffer.alloc(4);
    head.writeUInt32LE(body.length);
    // One write, so that records of several threads do not mix.
    writeSync(fd, Buffer.concat([head, body]));
  };
  listen({ root, after });
}
