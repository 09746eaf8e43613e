/**
 * The built hub, followed by many (PLAIT_FOLLOWERS, 500) over connections of their own: how soon each of them hears of a
 * change, and what each costs the hub.
 */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { type ClientRequest, get } from 'node:http';
import { type Hub, Lab } from '../e2e/helpers/lab.ts';
import { Beside } from '../hub/feed-support.ts';
import { type Memory, MemoryProbe, PROBED } from '../hub/hub-memory.ts';

const COUNT = Number(process.env['PLAIT_FOLLOWERS'] ?? 500);
const WARM = 20;
const CHANGES = 50;
const PUSHES = 5;

/** Nothing but the revisions of its marks, so that what is measured is the hub. */
class Listener {
  revision = -1;
  /** When the revision became what it is. */
  at = 0;
  readonly opened: Promise<void>;
  #request: ClientRequest | undefined;

  constructor(hub: Hub, volset: string, heard: () => void) {
    let rest = '';
    this.opened = new Promise((resolve, reject) => {
      const request = get(`${hub.url}/v1/volsets/${volset}/changes`, { agent: false }, (answer) => {
        answer.setEncoding('latin1').on('error', () => {});
        answer.on('data', (text: string) => {
          const lines = (rest + text).split('\n');
          rest = lines.pop() ?? '';
          for (const line of lines) {
            const mark = /^\{"mark":\{"revision":(\d+)/.exec(line);
            if (mark) this.#marked(Number(mark[1]), heard);
          }
          if (this.revision >= 0) resolve();
        });
      });
      this.#request = request.on('error', reject);
    });
  }

  #marked(revision: number, heard: () => void): void {
    if (revision <= this.revision) return;
    this.revision = revision;
    this.at = performance.now();
    heard();
  }

  close(): void {
    this.#request?.destroy();
  }
}

class Crowd {
  readonly all: Listener[] = [];
  #heard = (): void => {};

  async grow(hub: Hub, volset: string, count: number): Promise<void> {
    for (let i = 0; i < count; i++) this.all.push(new Listener(hub, volset, () => this.#heard()));
    await Promise.all(this.all.map(({ opened }) => opened));
  }

  /** When each came to a revision. */
  async reached(revision: number): Promise<number[]> {
    let behind = this.all.filter((one) => one.revision < revision).length;
    while (behind > 0) {
      await new Promise<void>((resolve) => {
        this.#heard = resolve;
      });
      behind = this.all.filter((one) => one.revision < revision).length;
    }
    return this.all.map(({ at }) => at);
  }

  close(): void {
    for (const one of this.all) one.close();
  }
}

describe('soak: a hub that many follow', () => {
  it(`each change reaches all ${COUNT} within a second, and a follower costs less than 100 KB`, async () => {
    await using lab = new Lab();
    const hub = await lab.hubWith(PROBED);
    await lab.volume('work', hub);
    writeFileSync(lab.path('work', 'file'), 'first');
    await lab.in('work', ['snapshot']);
    await lab.in('work', ['push']);
    using beside = new Beside({ dir: hub.store });
    const volset = beside.meta.listVolsets()[0].id;
    using writer = new Beside({ dir: hub.store }, volset);
    const probe = new MemoryProbe(hub);
    const crowd = new Crowd();
    const beAtIt = async (): Promise<{ all: number[]; late: number[]; spread: number[] }> => {
      const late: number[] = [];
      const all: number[] = [];
      for (let n = 0; n < CHANGES; n++) {
        const revision = writer.write();
        const written = performance.now();
        const times = (await crowd.reached(revision)).map((at) => at - written);
        late.push(Math.max(...times));
        all.push(...times);
      }
      // Between the first and the last, of what comes over HTTP.
      const spread: number[] = [];
      for (let n = 0; n < PUSHES; n++) {
        const { revision } = writer;
        await lab.in('work', ['update', '--attr', `n=${writer.revision}`]);
        await lab.in('work', ['push']);
        const times = await crowd.reached(Math.max(revision + 1, writer.revision));
        spread.push(Math.max(...times) - Math.min(...times));
      }
      return { all, late, spread };
    };
    try {
      // The same with few followers first: what the changes cost is there before.
      await crowd.grow(hub, volset, WARM);
      await beAtIt();
      const before = await settled(probe);
      await crowd.grow(hub, volset, COUNT - WARM);
      const { all, late, spread } = await beAtIt();
      const after = await settled(probe);
      const more = (of: keyof Memory): number => Math.round(((after[of] - before[of]) * 1024) / (COUNT - WARM));
      const figures = [
        `beside the hub: median ${ms(median(all))}, of the last follower median ${ms(median(late))}, worst ${ms(Math.max(...late))}`,
        `over HTTP, from the first to the last follower: median ${ms(median(spread))}, worst ${ms(Math.max(...spread))}`,
        `each ${more('resident')} KB resident, ${more('heap')} KB heap, ${more('external')} KB external`,
      ].join('; ');
      console.log(`      ${figures}; ${JSON.stringify({ before, after })}`);
      assert.ok(more('heap') + more('external') < 100, figures);
      // What malloc and the collector keep for later varies by some ten MiB, whoever follows.
      assert.ok(more('resident') < 200, figures);
      assert.ok(Math.max(...late) < 1000 && Math.max(...spread) < 1000, figures);
    } finally {
      crowd.close();
    }
  });
});

/** The least of several looks: what is only waiting to be given back does not count. */
async function settled(probe: MemoryProbe): Promise<Memory> {
  const looks: Memory[] = [];
  for (let n = 0; n < 5; n++) looks.push(await probe.ask());
  const least = (of: keyof Memory): number => Math.min(...looks.map((look) => look[of]));
  return { resident: least('resident'), heap: least('heap'), external: least('external') };
}

const ms = (time: number): string => `${Math.round(time)} ms`;
const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
