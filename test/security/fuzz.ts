/**
 * `npm run fuzz -- --minutes N`: all decoders, for so long, in a heap of 256 MB, with bytes made by other seeds each round:
 * sound ones that are cut, flipped, spliced with those of other decoders and blown up. Ends with 1 at the first call that
 * ends in anything but a value or a PlaitError, or takes longer than a few seconds, and tells seed and bytes.
 */
import { spawn } from 'node:child_process';
import { parseArgs } from 'node:util';
import { PlaitError } from '../../src/core/errors.ts';
import { Random } from '../support/seed.ts';
import { type Decoder, decoders, variants } from './decoder-list.ts';

const { values } = parseArgs({ options: { minutes: { type: 'string', default: '10' }, seed: { type: 'string' } } });
const minutes = Number(values.minutes);
if (!(minutes > 0)) throw new Error('--minutes wants a number above 0');

const LONGEST_MS = 10_000;

if (!process.execArgv.some((arg) => arg.startsWith('--max-old-space-size')))
  spawn(process.execPath, ['--max-old-space-size=256', import.meta.filename, ...process.argv.slice(2)], {
    stdio: 'inherit',
  }).on('exit', (code, signal) => process.exit(signal ? 1 : (code ?? 1)));
else await fuzz();

/** What the decoders' own variants do not do: pieces of others, doubled and moved pieces. */
function* spliced({ sound }: Decoder, others: Decoder[], random: Random): Generator<Uint8Array> {
  for (let n = 0; n < 50; n++) {
    const other = random.pick(others).sound;
    const from = random.below(other.length);
    const piece = other.subarray(from, from + 1 + random.below(Math.min(4096, other.length - from)));
    const at = random.below(sound.length);
    const gap = random.chance(0.5) ? piece.length : 0;
    yield Buffer.concat([sound.subarray(0, at), piece, sound.subarray(at + gap)]);
    const [a, b] = [random.below(sound.length), random.below(sound.length)].sort((x, y) => x - y);
    yield Buffer.concat([sound.subarray(0, b), sound.subarray(a)]);
    yield Buffer.concat([sound.subarray(b), sound.subarray(a, b), sound.subarray(0, a)]);
  }
}

async function fuzz(): Promise<void> {
  const end = Date.now() + minutes * 60_000;
  const all = await decoders();
  let calls = 0;
  let seed = values.seed === undefined ? Date.now() % 2 ** 31 : Number(values.seed);
  for (; Date.now() < end; seed++) {
    const random = new Random(seed);
    for (const decoder of all) {
      // Huge ones are the same each time: once is enough.
      const { huge: _, ...small } = decoder;
      for (const bytes of [...variants({ ...small, rounds: 10 }, random), ...spliced(decoder, all, random)]) {
        await one(decoder, bytes, seed);
        calls++;
      }
    }
  }
  process.stdout.write(`${calls} calls of ${all.length} decoders, up to seed ${seed - 1}: values and errors only\n`);
}

async function one({ name, decode }: Decoder, bytes: Uint8Array, seed: number): Promise<void> {
  const begun = Date.now();
  try {
    await decode(bytes);
  } catch (error) {
    if (!(error instanceof PlaitError)) fail(name, bytes, seed, error);
  }
  if (Date.now() - begun > LONGEST_MS) fail(name, bytes, seed, new Error('it took too long'));
}

function fail(name: string, bytes: Uint8Array, seed: number, error: unknown): never {
  const given = Buffer.from(bytes);
  const shown =
    given.length > 4096 ? `${given.subarray(0, 4096).toString('hex')}… (${given.length})` : given.toString('hex');
  process.stderr.write(`${name}, seed ${seed}: ${(error as Error).stack ?? String(error)}\n${shown}\n`);
  process.exit(1);
}
