/** The machine's own Chromium for tests and screenshots: nothing kept, nothing fetched, nobody reached but this machine. */
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { type Browser, chromium } from 'playwright-core';

const FLAGS = [
  // Chromium refuses its sandbox to root; it is shown our own hub only.
  ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  // Whatever a page asks for beyond this machine is not there, so that a test notices and nobody else does.
  '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost',
];

function findChromium(): string {
  const places = (process.env.PATH ?? '').split(delimiter).filter(Boolean);
  const found = places.map((place) => join(place, 'chromium')).find(isProgram);
  if (found === undefined) throw new Error('no chromium in PATH: `apt-get install chromium`, as .ci/run does');
  return found;
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Headless, with a new and empty profile. */
export const launchChromium = (): Promise<Browser> =>
  chromium.launch({ executablePath: findChromium(), args: FLAGS, timeout: 60_000 });
