/** Which function does which task; runs on workers, or on the main thread for small amounts of work. */
import { decodeDeltaTask, encodeDeltaTask } from './delta.ts';
import { encodeBlockTask } from './encode-block.ts';
import { endExtract, extractFiles, writeRange } from './extract-files.ts';
import { hashFiles } from './hash-files.ts';
import { hashSegment, scanSegment, statFile } from './hash-segment.ts';
import type { Answer, TaskName, Tasks } from './protocol.ts';
import { endSession, findSession } from './session.ts';
import { verifyBlockTask } from './verify.ts';

type Handlers = { [K in TaskName]: (input: Tasks[K]['in']) => Answer<Tasks[K]['out']> };

const handlers: Handlers = {
  hashFiles,
  statFile,
  scanSegment,
  hashSegment,
  pack: ({ session, kept, flags }) => blocks(findSession(session)?.pack(kept, flags) ?? []),
  drop: ({ session, kept }) => {
    findSession(session)?.drop(kept);
    return { value: undefined };
  },
  flush: ({ session }) => blocks(findSession(session)?.flush() ?? []),
  end: ({ session }) => {
    endSession(session);
    endExtract(session);
    return { value: undefined };
  },
  verifyBlock: verifyBlockTask,
  encodeDelta: encodeDeltaTask,
  decodeDelta: decodeDeltaTask,
  encodeBlock: encodeBlockTask,
  extractFiles,
  writeRange,
};

const blocks = (value: Uint8Array[]): Answer<Uint8Array[]> => ({
  value,
  transfer: value.map((block) => block.buffer as ArrayBuffer),
});

export const handle = (name: TaskName, input: unknown): Answer<unknown> =>
  (handlers[name] as (input: unknown) => Answer<unknown>)(input);
