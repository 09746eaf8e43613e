/** How the events of `sync --follow` read to people: a line each, and one line for all that is followed. */
import { showText } from '../../core/paths.ts';
import type { FollowEvent } from '../../sync/follow/events.ts';
import { formatBytes, formatCount, formatDuration, plural, shortId } from '../format.ts';

type StatusEvent = Extract<FollowEvent, { event: 'status' }>;
type BranchEvent = Extract<FollowEvent, { event: 'branch' }>;
type DataEvent = Extract<FollowEvent, { event: 'data' }>;
type ProblemEvent = Exclude<FollowEvent, StatusEvent | BranchEvent | DataEvent>;

/**
 * all: for a log. news: beside a status line, which tells what this leaves out: what is in sync, and how much moved.
 * problems: --quiet.
 */
export type Detail = 'all' | 'news' | 'problems';

/** One remote, and with --all-volsets one volset of it. */
interface Followed {
  status: StatusEvent;
  /** Milliseconds since the epoch: when it came. */
  at: number;
  lastChange: number | undefined;
  /** Why the remote as a whole goes on later or not at all; a status that follows takes its place. */
  trouble?: string;
}

/** What is known of all that is followed. No clock and no stream: the same for every output. */
export class FollowBoard {
  readonly #followed = new Map<string, Followed>();
  readonly #tried = new Set<string>();
  readonly #detail: Detail;
  /** Whether the name of the volset says something. */
  readonly #allVolsets: boolean;

  constructor(detail: Detail, allVolsets: boolean) {
    this.#detail = detail;
    this.#allVolsets = allVolsets;
  }

  /** Takes an event in; the line that people are to read, undefined where it is no news to them. */
  take(event: FollowEvent, now: number): string | undefined {
    if (event.event !== 'status' || event.status !== 'waiting' || event.reason) this.#tried.add(event.remote);
    if (event.event === 'status') return this.#takeStatus(event, now);
    const followed = this.#followed.get(this.#key(event)) ?? this.#followed.get(event.remote);
    if (followed && event.type !== 'problem') followed.lastChange = now;
    if (followed && event.event === 'problem' && event.object === null) followed.trouble = event.message;
    if (this.#detail === 'problems' && event.type !== 'problem') return undefined;
    if (this.#detail === 'news' && event.event === 'data') return undefined;
    return changeLine(this.#who(event), event);
  }

  /** Whether it is known what became of the first try with each of them: it answers, is not there, or is given up. */
  hasTried(remotes: readonly string[]): boolean {
    return remotes.every((remote) => this.#tried.has(remote));
  }

  /** For a line that is rewritten, and for the service manager without what changes all the time (`brief`). */
  summary(now: number, brief = false): string {
    const all = [...this.#followed.values()];
    if (all.length === 0) return 'connecting';
    if (all.length > MAX_SINGLY) return this.#counts(all);
    return all.map((one) => `${this.#who(one.status)}: ${brief ? wordOf(one) : state(one, now)}`).join(' · ');
  }

  #takeStatus(event: StatusEvent, now: number): string | undefined {
    const key = this.#key(event);
    const before = this.#followed.get(key);
    this.#followed.set(key, { status: event, at: now, lastChange: before?.lastChange });
    const line = statusLine(before?.status, event);
    if (this.#detail === 'problems' || line === undefined) return undefined;
    if (this.#detail === 'news' && !isNews(before?.status, event)) return undefined;
    return `${this.#who(event)}: ${line}`;
  }

  /** A remote may be followed before it has said which volset it is about. */
  #key({ remote, volsetId }: Pick<FollowEvent, 'remote' | 'volsetId'>): string {
    return this.#allVolsets && volsetId !== null ? `${remote} ${volsetId}` : remote;
  }

  #who({ remote, volset, volsetId }: Pick<FollowEvent, 'remote' | 'volset' | 'volsetId'>): string {
    const name = volset ?? volsetId;
    return this.#allVolsets && name !== null ? `${remote} (${showText(name)})` : remote;
  }

  #counts(all: readonly Followed[]): string {
    const groups = ['in sync', 'catching up', 'waiting', 'problem'].flatMap((word) => {
      const those = all.filter((one) => wordOf(one) === word);
      if (those.length === 0) return [];
      const names = those.slice(0, 2).map((one) => this.#who(one.status));
      const list = [...names, ...(those.length > 2 ? ['…'] : [])].join(', ');
      return [`${those.length} ${word}${word === 'in sync' ? '' : ` (${list})`}`];
    });
    return `${formatCount(all.length)} followed: ${groups.join(', ')}`;
  }
}

const MAX_SINGLY = 3;
const WORD = { waiting: 'waiting', resync: 'catching up', 'in-sync': 'in sync' } as const;

const wordOf = ({ status, trouble }: Followed): string => (trouble === undefined ? WORD[status.status] : 'problem');

function state({ status, at, lastChange, trouble }: Followed, now: number): string {
  if (trouble !== undefined) return `problem: ${showText(trouble)}`;
  const parts: string[] = [WORD[status.status]];
  if (status.status === 'in-sync') parts[0] += ` at ${status.rev}`;
  if (status.status === 'waiting' && status.retryInMs !== undefined) {
    const left = Math.max(0, at + status.retryInMs - now);
    parts.push(left === 0 ? 'trying' : `next try in ${Math.ceil(left / 1000)} s`);
  }
  if (lastChange !== undefined) parts.push(`last change ${clockTime(lastChange)}`);
  if (status.reason !== undefined) parts.push(showText(status.reason.message));
  return parts.join(', ');
}

/** In the zone of the machine. */
function clockTime(epochMs: number): string {
  const date = new Date(epochMs);
  return [date.getHours(), date.getMinutes(), date.getSeconds()].map((part) => String(part).padStart(2, '0')).join(':');
}

/** Undefined where it says what the one before it said: a remote that is down for a night fills no log. */
function statusLine(before: StatusEvent | undefined, event: StatusEvent): string | undefined {
  const { status, rev, reason, retryInMs } = event;
  const same = before?.status === status;
  if (status === 'in-sync') return same && before.rev === rev ? undefined : `in sync at revision ${rev}`;
  if (status === 'resync') {
    if (same) return undefined;
    return before?.status === 'waiting' && before.reason ? 'connected, catching up' : 'catching up';
  }
  if (same && before.reason?.code === reason?.code && before.reason?.message === reason?.message) return undefined;
  if (before === undefined && reason === undefined) return 'connecting';
  const what = before === undefined || same ? 'waiting' : 'connection lost';
  const why = reason === undefined ? '' : `: ${showText(reason.message)}`;
  return `${what}${why}${retryInMs === undefined ? '' : ` (next try in ${formatDuration(retryInMs)})`}`;
}

/** Lost, or there again. */
const isNews = (before: StatusEvent | undefined, { status, reason }: StatusEvent): boolean =>
  status === 'waiting' ? reason !== undefined : before?.status === 'waiting' && before.reason !== undefined;

const short = (snapshot: string | null): string => (snapshot === null ? 'nothing' : shortId(snapshot));

function branchLine(who: string, { type, side, remote, name, from, to }: BranchEvent): string {
  const where = side === 'remote' ? `${remote}/${showText(name)}` : showText(name);
  if (type === 'deleted') return `${who}: ${where} deleted${from === null ? '' : `, was ${short(from)}`}`;
  return type === 'new' ? `${who}: ${where} -> ${short(to)} (new)` : `${who}: ${where} ${short(from)} -> ${short(to)}`;
}

function dataLine(who: string, { pushed, pulled }: DataEvent): string {
  const parts = [
    pushed.snapshots > 0 && `sent ${plural(pushed.snapshots, 'snapshot')}, ${formatBytes(pushed.bytes)}`,
    pulled.snapshots > 0 && `received ${plural(pulled.snapshots, 'snapshot')}, ${formatBytes(pulled.bytes)}`,
  ].filter((part) => part !== false);
  return `${who}: ${parts.join('; ') || 'exchanged data'}`;
}

function changeLine(who: string, event: Exclude<FollowEvent, StatusEvent>): string {
  if (event.event === 'branch') return branchLine(who, event);
  if (event.event === 'data') return dataLine(who, event);
  if (event.type === 'updated') return `${who}: the working directory was taken along`;
  return problemLine(who, event);
}

const MARK: Record<ProblemEvent['event'], string> = {
  problem: 'problem: ',
  conflict: 'C ',
  diverged: '! ',
  volume: '! ',
};

function problemLine(who: string, event: ProblemEvent): string {
  const hint = 'hint' in event && event.hint !== undefined ? ` (${showText(event.hint)})` : '';
  return `${MARK[event.event]}${who}: ${showText(event.message ?? 'the working directory stays where it is')}${hint}`;
}
