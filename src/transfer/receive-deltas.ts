/** Deltas of a stream on their way through the receiver: names to ids, decoded there, what it lacks is told. */
import { setImmediate } from 'node:timers/promises';
import type { ObjectRef } from '../blob/contract.ts';
import type { Manifest } from '../blob/manifest/contract.ts';
import { decodeDeltas } from './delta-format.ts';
import { resolveDeltas } from './delta-resolve.ts';
import { bad } from './diff-format.ts';
import type { Intake } from './intake.ts';
import type { Receiving } from './shared-receiver.ts';

export interface DeltaIntakeOptions {
  receiver: Receiving;
  manifest: Manifest;
  intake: Intake;
  onLacking: (refs: ObjectRef[]) => void;
  onDecoded?: ((targets: number) => void) | undefined;
  /** Objects that the deltas of the stream may name; frames are small, what they decode to is not. */
  maxTargets: number;
}

/** Resolved between two looks at the rest of the world. */
const SLICE = 8;

export class DeltaIntake {
  readonly #options: DeltaIntakeOptions;
  #targets = 0;

  constructor(options: DeltaIntakeOptions) {
    this.#options = options;
  }

  /** One entry. Its frames are decoded side by side; the next entry may build on what they bring. */
  async add(bytes: Uint8Array): Promise<void> {
    const { receiver, manifest, intake, onLacking, onDecoded } = this.#options;
    const entry = decodeDeltas(bytes);
    await intake.drain();
    let count = 0;
    for (const resolved of resolveDeltas(entry, { manifest, nodes: receiver.nodes })) {
      if (++count % SLICE === 0) await setImmediate();
      // Nobody knows which chunks these are: the marker will not find them, and its sender learns of that.
      if ('unknown' in resolved) continue;
      if ('lacking' in resolved) {
        this.#count(resolved.lacking.length);
        onLacking(resolved.lacking);
        continue;
      }
      const { delta } = resolved;
      this.#count(delta.targets.length);
      const raw = delta.targets.reduce((sum, { length }) => sum + length, delta.frame.byteLength);
      await intake.add(raw, async () => {
        const lacking = await receiver.addDelta(delta);
        onDecoded?.(delta.targets.length - lacking.length);
        if (lacking.length > 0) onLacking(lacking);
      });
    }
  }

  #count(targets: number): void {
    this.#targets += targets;
    if (this.#targets > this.#options.maxTargets) throw bad('its deltas name too many objects');
  }
}
