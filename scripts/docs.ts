/** Writes docs/cli.md from the commands themselves. With --check it only tells whether the file is current. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type CatalogCommand, type CatalogFlag, loadCatalog } from '../src/cli/catalog.ts';

export const DOCS_FILE = join(import.meta.dirname, '..', 'docs', 'cli.md');

const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ');

function spelling({ char, name, takesValue, valueName, multiple }: CatalogFlag): string {
  const names = [char ? `-${char}` : '', name.length > 1 ? `--${name}` : ''].filter((text) => text !== '').join(', ');
  return `${names}${takesValue ? ` ${valueName}` : ''}${multiple ? ' …' : ''}`;
}

function table(flags: readonly CatalogFlag[]): string[] {
  if (flags.length === 0) return [];
  const rows = flags.map((flag) => `| \`${cell(spelling(flag))}\` | ${cell(flag.summary)} |`);
  return ['| flag | |', '|---|---|', ...rows, ''];
}

function usage({ name, args, flags }: CatalogCommand): string {
  const words = args.map((arg) => {
    const word = `${arg.name.toUpperCase()}${arg.multiple ? '…' : ''}`;
    return arg.required ? word : `[${word}]`;
  });
  const options = flags.some((flag) => !flag.global) ? ['[flags]'] : [];
  return ['plait', name, ...words, ...options].join(' ');
}

function section(command: CatalogCommand): string[] {
  const own = command.flags.filter((flag) => !flag.global);
  const about = command.description ? [command.description, ''] : [];
  const args = command.args
    .filter((arg) => arg.summary)
    .map((arg) => `* \`${arg.name.toUpperCase()}\`: ${arg.summary}`);
  return [
    `### plait ${command.name}`,
    '',
    command.summary,
    '',
    '```',
    usage(command),
    '```',
    '',
    ...about,
    ...args,
    ...(args.length > 0 ? [''] : []),
    ...table(own),
  ];
}

const REFERENCES = [
  '## References',
  '',
  'REF is a branch, `REMOTE/BRANCH` (as that remote last told it), the name of a snapshot, or the first 7 or more digits of',
  'its id, each with `~N` for N snapshots before it; looked up in this order. Two hits of one kind are ambiguous: exit 2',
  'with the candidates. `branch:X` and `snapshot:X` say which kind is meant.',
  '',
  'OBJECT is the volume set where nothing is given; `branch:NAME`, `snapshot:REF`, or `volset:NAME` in a store of several.',
  'Names of branches and volume sets have no spaces, control characters or `~ : @`, begin with neither `-` nor `.`, and are',
  'not 7 or more hex digits.',
  '',
];

const EXIT_CODES = [
  '## Exit codes',
  '',
  '0 done · 1 unexpected (a bug) · 2 usage, also an ambiguous reference · 3 incomplete, some items were skipped · 4 nothing',
  'to do (`--fail-if-unchanged`) · 5 conflicts were recorded in this run · 6 a branch has diverged, in every run while it',
  'lasts · 7 differences (`--exit-code`) · 8 unsaved changes in the way · 9 stopped by a guard · 10 not found · 11 busy after',
  '`--lock-wait` · 12 not authorised · 13 network, worth trying again · 14 damaged data · 15 no space or quota · 16 another',
  'store, or an older state of it · 17 protocol or format not understood · 130, 143 interrupted. Of several: the first of',
  '130/143, 1, 14, 16, 17, 15, 12, 13, 11, 10, 9, 8, 6, 5, 3, 7, 4.',
  '',
];

export function renderDocs(commands: readonly CatalogCommand[]): string {
  const global = commands[0].flags.filter((flag) => flag.global);
  const lines = [
    '# plait: commands',
    '',
    'Made by `npm run docs` from the commands themselves; `plait COMMAND --help` shows the same.',
    '',
    '## Global flags',
    '',
    'They stand before or after the verb. No flag has an optional value. Durations are written `30s 5m 24h 90d`, sizes',
    '`64K 20G` (powers of 1024), percentages `5%`.',
    '',
    ...table(global),
    'Every flag can also come from the environment and from the configuration of the store: flag, then environment, then',
    'configuration, then default. `--lock-wait` is `PLAIT_LOCK_WAIT` and the key `lock-wait`; `push --max-delete` is',
    '`PLAIT_PUSH_MAX_DELETE` and `push.max-delete`; `remote add --ca` is `PLAIT_REMOTE_ADD_CA` and `remote-add.ca`. `-C` is',
    '`PLAIT_DIR`, `--store` is `PLAIT_STORE`, and neither can stand in the configuration. Values of a repeatable flag are',
    'separated by commas there. `PLAIT_EPHEMERAL=1` makes every store that `init` or `clone` makes one for a single job.',
    '',
    ...REFERENCES,
    ...EXIT_CODES,
    '## Commands',
    '',
    ...commands.flatMap(section),
  ];
  return `${lines.join('\n').trimEnd()}\n`;
}

if (import.meta.main) {
  const text = renderDocs(await loadCatalog());
  if (!process.argv.includes('--check')) writeFileSync(DOCS_FILE, text);
  else if (readFileSync(DOCS_FILE, 'utf8') !== text) {
    console.error('docs/cli.md is not current: run `npm run docs`');
    process.exitCode = 1;
  }
}
