/** Completion scripts, made from the commands themselves: words, flags and the values of flags that have a fixed list. */
import { PlaitError } from '../core/errors.ts';
import { type CatalogCommand, type CatalogFlag, loadCatalog } from './catalog.ts';

export const SHELLS = ['bash', 'zsh'] as const;

export async function completionScript(shell: string): Promise<string> {
  const commands = await loadCatalog();
  if (shell === 'bash') return bashScript(commands);
  if (shell === 'zsh') return zshScript(commands);
  throw new PlaitError('usage', `no completion for ${shell}`, { hint: `one of: ${SHELLS.join(', ')}` });
}

/** First words, and the second words of those that are topics. */
function wordsOf(commands: readonly CatalogCommand[]): Map<string, string[]> {
  const words = new Map<string, string[]>();
  for (const { name } of commands) {
    const [first, second] = name.split(' ');
    words.set(first, [...(words.get(first) ?? []), ...(second === undefined ? [] : [second])]);
  }
  return words;
}

const spellings = (flag: CatalogFlag): string[] => [
  ...(flag.char ? [`-${flag.char}`] : []),
  // A global flag without a long form of its own is named by its letter.
  ...(flag.name.length > 1 ? [`--${flag.name}`] : []),
];

export function bashScript(commands: readonly CatalogCommand[]): string {
  const words = wordsOf(commands);
  const topics = [...words].filter(([, seconds]) => seconds.length > 0);
  const lines = [
    '# bash completion for plait, made by `plait completion bash`',
    '_plait() {',
    '  local cur prev word command flags values i topic',
    '  cur="$' + '{COMP_WORDS[COMP_CWORD]}"',
    '  prev="$' + '{COMP_WORDS[COMP_CWORD-1]}"',
    '  command=""',
    '  topic=""',
    '  for ((i = 1; i < COMP_CWORD; i++)); do',
    '    word="$' + '{COMP_WORDS[i]}"',
    `    case "$word" in ${valueFlags(commands).join('|')}) ((i++)); continue ;; -*) continue ;; esac`,
    '    if [[ -z $command ]]; then command="$word"; topic="$word"; continue; fi',
    `    case "$topic" in ${topics.map(([first]) => first).join('|') || '""'}) command="$command $word" ;; esac`,
    '    break',
    '  done',
    '  values=""',
    '  flags=""',
    '  case "$command" in',
    `    "") values="${[...words.keys()].join(' ')}" ;;`,
    ...topics.map(([first, seconds]) => `    "${first}") values="${seconds.join(' ')}" ;;`),
    ...commands.flatMap((command) => bashCommand(command)),
    '  esac',
    '  case "$prev" in',
    ...fixedValues(commands).map(([names, values]) => `    ${names.join('|')}) values="${values.join(' ')}" ;;`),
    `    -C|--store) COMPREPLY=($(compgen -d -- "$cur")); return ;;`,
    '  esac',
    '  if [[ $cur == -* ]]; then values="$flags"; fi',
    '  if [[ -n $values ]]; then COMPREPLY=($(compgen -W "$values" -- "$cur")); fi',
    '  if [[ $' + '{#COMPREPLY[@]} -eq 0 && $cur != -* ]]; then COMPREPLY=($(compgen -f -- "$cur")); fi',
    '}',
    'complete -o filenames -F _plait plait',
  ];
  return `${lines.join('\n')}\n`;
}

function bashCommand({ name, flags, args }: CatalogCommand): string[] {
  const values = args.flatMap((arg) => arg.values ?? []);
  const set = values.length > 0 ? `values="${values.join(' ')}"; ` : '';
  return [`    "${name}") ${set}flags="${flags.flatMap(spellings).join(' ')}" ;;`];
}

/** Flags that take a value, in any command; none of them is a switch in another. */
function valueFlags(commands: readonly CatalogCommand[]): string[] {
  const all = commands.flatMap((command) => command.flags.filter((flag) => flag.takesValue).flatMap(spellings));
  return [...new Set(all)].sort();
}

function fixedValues(commands: readonly CatalogCommand[]): [string[], readonly string[]][] {
  const byName = new Map<string, [string[], readonly string[]]>();
  for (const flag of commands.flatMap((command) => command.flags)) {
    if (flag.values) byName.set(flag.name, [spellings(flag), flag.values]);
  }
  return [...byName.values()];
}

/** zsh's own quoting: inside single quotes, with the characters that _arguments reads escaped. */
const zsh = (text: string): string => text.replace(/[\\[\]:]/g, '\\$&').replaceAll("'", "'\\''");

export function zshScript(commands: readonly CatalogCommand[]): string {
  const words = wordsOf(commands);
  const lines = [
    '#compdef plait',
    '# zsh completion for plait, made by `plait completion zsh`',
    '_plait() {',
    '  local -a verbs',
    '  local context state state_descr line',
    '  typeset -A opt_args',
    `  _arguments -C '-C[work as if started in DIR]:dir:_files -/' '--store[use the store in DIR]:dir:_files -/' '1:command:->verb' '*::arg:->rest'`,
    '  case $state in',
    '    verb)',
    `      verbs=(${[...words.keys()].map((word) => `'${word}:${zsh(summaryOf(commands, word))}'`).join(' ')})`,
    '      _describe command verbs ;;',
    '    rest)',
    '      case $words[1] in',
    ...[...words].map(([first, seconds]) => zshVerb(commands, first, seconds)),
    '      esac ;;',
    '  esac',
    '}',
    // Autoloaded from fpath the file is the function's body; sourced, it has to be registered.
    'if [ "$funcstack[1]" = "_plait" ]; then _plait "$@"; else compdef _plait plait; fi',
  ];
  return `${lines.join('\n')}\n`;
}

const summaryOf = (commands: readonly CatalogCommand[], word: string): string =>
  commands.find((command) => command.name === word)?.summary ?? `${word} commands`;

function zshVerb(commands: readonly CatalogCommand[], first: string, seconds: readonly string[]): string {
  const find = (name: string): CatalogCommand | undefined => commands.find((command) => command.name === name);
  const own = find(first);
  if (own) return `        ${first}) ${zshArguments(own)} ;;`;
  const inner = seconds.map((second) => {
    const command = find(`${first} ${second}`);
    return command ? `          ${second}) shift words; ((CURRENT--)); ${zshArguments(command)} ;;` : '';
  });
  return [
    `        ${first})`,
    `          if ((CURRENT == 2)); then compadd ${seconds.join(' ')}; return; fi`,
    '          case $words[2] in',
    ...inner,
    '          esac ;;',
  ].join('\n');
}

function zshArguments({ flags, args }: CatalogCommand): string {
  const parts = flags.flatMap((flag) => {
    const value = flag.takesValue ? `:${zsh(flag.valueName ?? 'value')}:${zshValues(flag.values)}` : '';
    return spellings(flag).map((name) => `'${flag.multiple ? '*' : ''}${name}[${zsh(flag.summary)}]${value}'`);
  });
  const rest = args.map((arg) => `'${arg.multiple ? '*' : ''}:${zsh(arg.name)}:${zshValues(arg.values)}'`);
  return `_arguments ${[...parts, ...rest].join(' ')}`;
}

const zshValues = (values: readonly string[] | undefined): string => (values ? `(${values.join(' ')})` : '_files');
