/** `conflicts resolve --current|--target|--value V`: exactly one of them. */
import type { Choice } from '../core/conflict.ts';
import { PlaitError } from '../core/errors.ts';

export function choiceOf(flags: { current?: boolean; target?: boolean; value?: string }): Choice {
  const choices: Choice[] = [
    ...(flags.current ? [{ choice: 'current' } as const] : []),
    ...(flags.target ? [{ choice: 'target' } as const] : []),
    ...(flags.value === undefined ? [] : [{ choice: 'value', value: flags.value } as const]),
  ];
  if (choices.length === 1) return choices[0];
  throw new PlaitError('usage', choices.length === 0 ? 'nothing was chosen' : 'one choice at a time', {
    hint: 'give one of --current, --target and --value TEXT',
  });
}
