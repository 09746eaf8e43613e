/** The same tasks on the calling thread, for amounts of work that starting a thread would cost more than. */
import { handle } from './handlers.ts';
import type { Runner, TaskName, Tasks } from './protocol.ts';

export class InlineRunner implements Runner {
  readonly size = 1;

  idlest(): number {
    return 0;
  }

  async run<K extends TaskName>(_worker: number, name: K, input: Tasks[K]['in']): Promise<Tasks[K]['out']> {
    return handle(name, input).value as Tasks[K]['out'];
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}
