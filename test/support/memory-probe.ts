/**
 * Preloaded into a program (`--expose-gc --import`): at each SIGUSR2 it says on stderr what all of its threads still
 * hold after a full collection, `memory N HEAP EXTERNAL` in MiB. Resident memory also has what the collector and malloc
 * have not given back yet, which is not what a test of leaks is after.
 */
import { BroadcastChannel, isMainThread, threadId } from 'node:worker_threads';

interface Held {
  heap: number;
  external: number;
}

type Message =
  | { said: 'here'; thread: number }
  | { said: 'asked'; question: number }
  | ({ said: 'held'; question: number; thread: number } & Held);

const MIB = 2 ** 20;
const channel = new BroadcastChannel('memory-probe');
channel.unref();

/** Twice: the first one only starts to give back the memory of buffers. */
function held(): Held {
  for (let n = 0; n < 2; n++) globalThis.gc?.();
  const { heapUsed, external } = process.memoryUsage();
  return { heap: heapUsed / MIB, external: external / MIB };
}

const post = (message: Message): void => channel.postMessage(message);
const listen = (listener: (message: Message) => void): void => {
  channel.onmessage = (event) => listener((event as unknown as { data: Message }).data);
};

function answerInMain(): void {
  const threads = new Set<number>();
  const waited = new Map<number, Held>();
  let question = 0;
  let own: Held | undefined;
  const answer = (): void => {
    if (!own || waited.size < threads.size) return;
    const all = [own, ...waited.values()];
    const sum = (of: keyof Held): number => Math.round(all.reduce((total, one) => total + one[of], 0) * 10) / 10;
    process.stderr.write(`memory ${question} ${sum('heap')} ${sum('external')}\n`);
    own = undefined;
    waited.clear();
  };
  listen((message) => {
    if (message.said === 'here') {
      threads.add(message.thread);
      // It began after it was asked.
      if (own) post({ said: 'asked', question });
    } else if (message.said === 'held' && message.question === question && own) waited.set(message.thread, message);
    answer();
  });
  process.on('SIGUSR2', () => {
    own = held();
    post({ said: 'asked', question: ++question });
    answer();
  });
}

function answerInThread(): void {
  listen((message) => {
    if (message.said !== 'asked') return;
    const { question } = message;
    post({ said: 'held', question, thread: threadId, ...held() });
  });
  post({ said: 'here', thread: threadId });
}

if (isMainThread) answerInMain();
else answerInThread();
