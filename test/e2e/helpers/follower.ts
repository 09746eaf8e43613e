/** A running `plait sync --follow --json`, and what it has told so far. */
import assert from 'node:assert/strict';
import type { Document, Lab } from './lab.ts';
import { type Ended, type Running, startPlait } from './plait.ts';

type Wanted = Document | ((event: Document) => boolean);

export class Follower {
  readonly events: Document[] = [];
  readonly running: Running;
  readonly #waiting = new Set<() => void>();
  #rest = '';
  /** Events before this one were asked for already. */
  #seen = 0;

  constructor(running: Running) {
    this.running = running;
    running.child.stdout?.on('data', (chunk: Buffer) => {
      const lines = (this.#rest + String(chunk)).split('\n');
      this.#rest = lines.pop() ?? '';
      // A line that is no document fails the test here.
      this.events.push(...lines.map((line) => JSON.parse(line)));
      for (const look of this.#waiting) look();
    });
  }

  static start(lab: Lab, dir: string, flags: string[] = [], env: Record<string, string> = {}): Follower {
    return new Follower(startPlait(['-C', lab.path(dir), 'sync', '--follow', '--json', ...flags], { env, timeout: 0 }));
  }

  /** The next event that has these fields; events up to it count as seen. Fails when the run ends before it comes. */
  next(wanted: Wanted): Promise<Document> {
    const matches = typeof wanted === 'function' ? wanted : (event: Document) => hasFields(event, wanted);
    return new Promise((resolve, reject) => {
      const look = (): void => {
        const at = this.events.findIndex((event, i) => i >= this.#seen && matches(event));
        if (at < 0) return;
        this.#seen = at + 1;
        this.#waiting.delete(look);
        resolve(this.events[at]);
      };
      this.#waiting.add(look);
      look();
      const failure = (end: unknown): Error =>
        new Error(
          `no event ${typeof wanted === 'function' ? wanted : JSON.stringify(wanted)}: ${JSON.stringify({ end, events: this.events })}`,
        );
      void this.running.ended.then((end) => reject(failure(end)), reject);
    });
  }

  inSync(fields: Document = {}): Promise<Document> {
    return this.next({ event: 'status', status: 'in-sync', ...fields });
  }

  stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<Ended> {
    this.running.child.kill(signal);
    return this.running.ended;
  }
}

const hasFields = (event: Document, fields: Document): boolean =>
  Object.entries(fields).every(([name, value]) => event[name] === value);

/** Fields of docs/json-output.md, "Events of sync --follow"; `?` where a field may be missing. */
const FIELDS: Record<string, [types: RegExp, fields: string]> = {
  status: [/^status$/, 'status reason? retryInMs?'],
  branch: [/^(new|updated|deleted)$/, 'object name side from to'],
  data: [/^updated$/, 'pushed pulled'],
  volume: [/^(updated|problem)$/, 'object path message?'],
  problem: [/^problem$/, 'object code? message hint?'],
  conflict: [/^problem$/, 'object code? message hint?'],
  diverged: [/^problem$/, 'object code? message hint?'],
};

/** Each event is as the documentation says. */
export function assertDocumented(events: readonly Document[]): void {
  for (const event of events) {
    const [types, own] =
      FIELDS[event.event] ?? assert.fail(`an event that is not documented: ${JSON.stringify(event)}`);
    const what = JSON.stringify(event);
    assert.match(event.type, types, what);
    const fields = ['remote', 'volset', 'volsetId', 'rev', 'event', 'type', ...own.split(' ')];
    const names = fields.map((field) => field.replace('?', ''));
    assert.deepEqual(
      Object.keys(event).filter((name) => !names.includes(name)),
      [],
      what,
    );
    for (const field of fields) if (!field.endsWith('?')) assert.ok(field in event, `${field} in ${what}`);
    assert.equal(typeof event.remote, 'string', what);
    assert.match(String(event.volsetId), /^([0-9a-f]{32}|null)$/, what);
    assert.ok(event.rev === null || Number.isSafeInteger(event.rev), what);
    if (event.event === 'status') assert.match(event.status, /^(waiting|resync|in-sync)$/, what);
  }
}
