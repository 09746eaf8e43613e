/** The audit log of a served store, as a file: lines are written behind the requests, and again when the disk was full. */
import type { FileHandle } from 'node:fs/promises';
import { appendTo, openAppending } from '../disk/files.ts';
import type { Audit, AuditEntry } from '../hub/audit.ts';

/** Lines that wait for the disk; more are lost, and that is a fault. */
const MAX_WAITING = 20_000;

export class AuditFile implements Audit {
  readonly #path: string;
  readonly #onFailure: (message: string) => void;
  #handle: FileHandle | undefined;
  #waiting: string[] = [];
  #lost = 0;
  #fault: string | undefined;
  #work: Promise<void> | undefined;
  #again = false;

  /** Throws where it cannot be opened. */
  static async open(path: string, onFailure: (message: string) => void): Promise<AuditFile> {
    const file = new AuditFile(path, onFailure);
    file.#handle = await openAppending(path);
    return file;
  }

  private constructor(path: string, onFailure: (message: string) => void) {
    this.#path = path;
    this.#onFailure = onFailure;
  }

  write(entry: AuditEntry): void {
    if (this.#waiting.length >= MAX_WAITING) this.#lost++;
    else this.#waiting.push(`${JSON.stringify(entry)}\n`);
    this.#start();
  }

  reopen(): void {
    this.#again = true;
    this.#start();
  }

  fault(): string | undefined {
    // Whoever asks about health gives it another try.
    if (this.#fault !== undefined) this.#start();
    return this.#fault;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#work;
    // What an earlier try could not write.
    await this.#drain();
    await this.#handle?.close();
    this.#handle = undefined;
  }

  #start(): void {
    this.#work ??= this.#drain().finally(() => {
      this.#work = undefined;
    });
  }

  async #drain(): Promise<void> {
    while (this.#again || this.#waiting.length > 0 || this.#lost > 0) {
      const lines = this.#waiting.splice(0);
      try {
        await this.#append(lines);
        this.#fault = undefined;
      } catch (error) {
        this.#waiting = [...lines, ...this.#waiting];
        this.#fail(error instanceof Error ? error.message : String(error));
        return;
      }
    }
  }

  async #append(lines: string[]): Promise<void> {
    if (this.#again) {
      await this.#handle?.close();
      this.#handle = undefined;
      this.#again = false;
    }
    this.#handle ??= await openAppending(this.#path);
    const lost = this.#lost;
    const more =
      lost > 0 ? [`${JSON.stringify({ time: new Date().toISOString(), action: 'lost', lines: lost })}\n`] : [];
    await appendTo(this.#handle, [...lines, ...more].join(''));
    this.#lost -= lost;
  }

  #fail(message: string): void {
    if (this.#fault === undefined) this.#onFailure(message);
    this.#fault = message;
  }
}
