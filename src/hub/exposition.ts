/** The Prometheus text format. Labels hold route patterns, codes and ids of fixed form: nothing that needs escapes. */

export type Kind = 'counter' | 'gauge' | 'histogram';

const head = (name: string, type: Kind, help: string): string[] => [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`];

/** `values`: by labels, as they stand between the braces. */
export const family = (name: string, type: Kind, help: string, values: Iterable<[string, number]>): string[] => [
  ...head(name, type, help),
  ...Array.from(values, ([labels, value]) => `${name}{${labels}} ${value}`),
];

export const single = (name: string, type: Kind, help: string, value: number): string[] => [
  ...head(name, type, help),
  `${name} ${value}`,
];

const BOUNDS = [0.005, 0.025, 0.1, 0.5, 2.5, 10] as const;

/** Seconds that something took. */
export class Histogram {
  readonly #counts: number[] = BOUNDS.map(() => 0);
  #count = 0;
  #sum = 0;

  add(seconds: number): void {
    this.#count++;
    this.#sum += seconds;
    for (const [i, bound] of BOUNDS.entries()) if (seconds <= bound) this.#counts[i]++;
  }

  lines(name: string, labels: string): string[] {
    return [
      ...BOUNDS.map((bound, i) => `${name}_bucket{${labels},le="${bound}"} ${this.#counts[i]}`),
      `${name}_bucket{${labels},le="+Inf"} ${this.#count}`,
      `${name}_sum{${labels}} ${this.#sum}`,
      `${name}_count{${labels}} ${this.#count}`,
    ];
  }
}

export const histograms = (name: string, help: string, all: Iterable<[string, Histogram]>): string[] => [
  ...head(name, 'histogram', help),
  ...Array.from(all).flatMap(([labels, histogram]) => histogram.lines(name, labels)),
];
