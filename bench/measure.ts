/** Runs one command to its end and says what it cost. Output is thrown away unless it failed. */
import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { performance } from 'node:perf_hooks';

export interface Command {
  argv: string[];
  cwd?: string;
  env?: Record<string, string>;
  /** Exit codes that count as success; 0 only, unless given. */
  okExits?: number[];
}

export interface Cost {
  seconds: number;
  /** Highest resident set of the process itself in bytes, as the kernel counted it. */
  peakRss: number;
  /** Seconds of user and system time, of its children that have ended as well. */
  cpu: number;
  stdout: string;
}

/** The kernel keeps the high-water mark, so sampling it now and then loses at most what the last instants added. */
export function highWater(pid: number): number {
  try {
    const match = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
    return match ? Number(match[1]) * 1024 : 0;
  } catch {
    return 0;
  }
}

/** Lets the kernel count the high-water mark from now on. */
export function resetHighWater(pid: number): void {
  writeFileSync(`/proc/${pid}/clear_refs`, '5');
}

/** Clock ticks a second that /proc counts in: 100 wherever Linux runs. */
const TICKS = 100;

/** Seconds of processor time so far; like the high-water mark, sampling it loses at most the last instants. */
export function cpuSeconds(pid: number): number {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // Behind the name, which may hold anything: utime, stime, cutime, cstime are fields 14 to 17.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks), 0) / TICKS;
  } catch {
    return 0;
  }
}

export function run(command: Command): Promise<Cost> {
  const [file, ...args] = command.argv;
  return new Promise((resolve, reject) => {
    const started = performance.now();
    const child = spawn(file, args, {
      cwd: command.cwd,
      env: { ...process.env, ...command.env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let peakRss = 0;
    let cpu = 0;
    const sample = setInterval(() => {
      peakRss = Math.max(peakRss, highWater(child.pid ?? 0));
      cpu = Math.max(cpu, cpuSeconds(child.pid ?? 0));
    }, 10);
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    child.stdout.on('data', (piece: Buffer) => out.push(piece));
    child.stderr.on('data', (piece: Buffer) => err.push(piece));
    child.on('error', reject);
    child.on('close', (code) => {
      clearInterval(sample);
      const seconds = (performance.now() - started) / 1000;
      const stdout = Buffer.concat(out).toString();
      if ((command.okExits ?? [0]).includes(code ?? -1)) resolve({ seconds, peakRss, cpu, stdout });
      else reject(new Error(`${command.argv.join(' ')} exited ${code}\n${Buffer.concat(err)}${stdout}`.slice(0, 4000)));
    });
  });
}

/** Writes back what earlier runs left in the page cache, so that nobody pays for another's writes. */
export const flush = (): Promise<Cost> => run({ argv: ['sync'] });

export function median(values: number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** Bytes that a directory or file occupies, hard links once. */
export async function diskBytes(path: string): Promise<number> {
  const { stdout } = await run({ argv: ['du', '-s', '--block-size=1', path] });
  return Number(stdout.split('\t')[0]);
}

export const installed = async (tool: string): Promise<boolean> =>
  run({ argv: ['sh', '-c', `command -v ${tool}`] }).then(
    () => true,
    () => false,
  );
