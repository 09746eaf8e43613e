import type { Output } from '../io.ts';

export interface ReporterOptions {
  /** Always stderr: stdout is for results. */
  output: Output;
  /** Milliseconds, monotonic. */
  now: () => number;
  color: boolean;
}
