import assert from 'node:assert/strict';
import { parseBoolean, parseDuration, parsePercent, parseSample, parseSize } from '../../src/cli/units.ts';

type Rows = [text: string, value: unknown][];

function table(name: string, parse: (text: string) => unknown, rows: Rows, bad: string[]): void {
  describe(`cli: ${name}`, () => {
    for (const [text, value] of rows)
      it(`${text} -> ${JSON.stringify(value)}`, () => assert.deepEqual(parse(text), value));
    for (const text of bad) {
      it(`${JSON.stringify(text)} is refused with a hint`, () => {
        assert.throws(
          () => parse(text),
          (error: { code?: string; hint?: string }) => error.code === 'usage' && !!error.hint,
        );
      });
    }
  });
}

table(
  'durations',
  parseDuration,
  [
    ['30s', 30_000],
    ['5m', 300_000],
    ['24h', 86_400_000],
    ['90d', 7_776_000_000],
    ['0s', 0],
    ['1.5h', 5_400_000],
  ],
  ['', '5', '5 m', '-5m', '5M', '1e3s', '9999999999d', 's', '5mm'],
);
table(
  'sizes',
  parseSize,
  [
    ['0', 0],
    ['4096', 4096],
    ['64K', 65_536],
    ['20G', 21_474_836_480],
    ['1.5M', 1_572_864],
    ['2t', 2_199_023_255_552],
  ],
  ['', 'K', '-1', '64KB', '1P', '99999999999999999', '0x10', '9999999999999999T'],
);
table(
  'percentages',
  parsePercent,
  [
    ['5%', 0.05],
    ['0%', 0],
    ['100%', 1],
    ['12.5%', 0.125],
  ],
  ['', '5', '101%', '-1%', '%', '5%%'],
);
table(
  'samples',
  parseSample,
  [
    ['5%', { fraction: 0.05 }],
    ['20G', { bytes: 21_474_836_480 }],
  ],
  ['x', '5%5'],
);
table(
  'truth values',
  parseBoolean,
  [
    ['1', true],
    ['TRUE', true],
    ['off', false],
    ['no', false],
  ],
  ['', '2', 'maybe'],
);
