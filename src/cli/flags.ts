/** Flags of more than one command: the global ones, and types of value that oclif does not have. */
import * as Flags from '@oclif/core/flags';
import { PlaitError } from '../core/errors.ts';
import { parseDuration, parsePercent, parseSample, parseSize, type Sample } from './units.ts';

/** Milliseconds, from `30s 5m 24h 90d`. */
export const duration = Flags.custom<number>({ parse: async (text) => parseDuration(text), helpValue: 'DURATION' });
/** Some time, so that something can be done in it. */
export const someTime = Flags.custom<number>({
  parse: async (text) => {
    const ms = parseDuration(text);
    if (ms > 0) return ms;
    throw new PlaitError('usage', `no time at all: ${text}`, { hint: 'write it like 10m, or leave it out' });
  },
  helpValue: 'DURATION',
});
/** Bytes, from `64K 20G`. */
export const size = Flags.custom<number>({ parse: async (text) => parseSize(text), helpValue: 'SIZE' });
/** 0 to 1, from `5%`. */
export const percent = Flags.custom<number>({ parse: async (text) => parsePercent(text), helpValue: 'PERCENT' });
export const sample = Flags.custom<Sample>({ parse: async (text) => parseSample(text), helpValue: 'PERCENT|SIZE' });

export const PROGRESS_MODES = ['auto', 'plain', 'json', 'none'] as const;

export const globalFlags = {
  // Short only in the documentation; oclif needs a name, and --C is what it makes of this one.
  C: Flags.string({
    char: 'C',
    helpLabel: '-C',
    helpGroup: 'GLOBAL',
    helpValue: 'DIR',
    summary: 'work as if started in DIR',
  }),
  store: Flags.string({ helpGroup: 'GLOBAL', helpValue: 'DIR', summary: 'use the store in DIR' }),
  json: Flags.boolean({ helpGroup: 'GLOBAL', summary: 'print one JSON document on stdout and nothing else' }),
  quiet: Flags.boolean({ helpGroup: 'GLOBAL', summary: 'no progress and no notes' }),
  progress: Flags.option({ options: PROGRESS_MODES })({
    helpGroup: 'GLOBAL',
    summary: 'how progress is shown on stderr; auto shows it on a terminal only',
  }),
  'lock-wait': duration({
    helpGroup: 'GLOBAL',
    helpValue: '60s',
    summary: 'how long to wait for another process on the same store',
  }),
  deadline: someTime({
    helpGroup: 'GLOBAL',
    summary: 'end in good order after this time, exit 13; the same command again goes on',
  }),
};
