/** `node hunt.ts FLAVOUR FIRST LAST STEPS`: plays seeds until one fails; prints `SEED<tab>what was wrong` or `-`. */
import { simulate } from './run.ts';

const [flavour, first, last, steps] = process.argv.slice(2);
let found = '-';
for (let seed = Number(first); seed <= Number(last) && found === '-'; seed++) {
  try {
    await simulate(seed, flavour, Number(steps));
  } catch (error) {
    const cause = error instanceof Error ? error.cause : error;
    found = `${seed}\t${String(cause instanceof Error ? cause.message : cause).replaceAll(/\s+/g, ' ')}`;
  }
}
process.stdout.write(`${found}\n`);
