// What happens before plait itself is loaded. An old Node must be able to read this file and run.js: no syntax here
// that is newer than import statements.
import { join } from 'node:path';

// zlib's zstd takes dictionaries from this version on.
export const MINIMUM = [24, 6];

/** `v24.6.0` -> whether it is at least MINIMUM. */
export function isRecentEnough(version) {
  const numbers = /^v?(\d+)\.(\d+)/.exec(version);
  if (numbers === null) return false;
  const major = Number(numbers[1]);
  return major > MINIMUM[0] || (major === MINIMUM[0] && Number(numbers[2]) >= MINIMUM[1]);
}

/** What to do under this Node: 'run' plait in it, 'relaunch' with the project's own Node, or 'refuse'. */
export function planLaunch(version, execPath, ownNode, ownNodeExists) {
  if (isRecentEnough(version)) return 'run';
  return ownNodeExists && execPath !== ownNode ? 'relaunch' : 'refuse';
}

export function refusal(version) {
  return `plait needs Node ${MINIMUM.join('.')} or newer, this is ${version}: install one from nodejs.org`;
}

/**
 * Folder for V8's compile cache: below the user's own cache folder, never a shared temporary folder, where another
 * user could leave code for us to run. undefined when there is no such folder.
 */
export function cacheFolder(env) {
  if (env.NODE_COMPILE_CACHE) return env.NODE_COMPILE_CACHE;
  if (env.XDG_CACHE_HOME) return join(env.XDG_CACHE_HOME, 'plait', 'compile');
  return env.HOME ? join(env.HOME, '.cache', 'plait', 'compile') : undefined;
}

async function relaunch(node, script) {
  const { spawn } = await import('node:child_process');
  const child = spawn(node, [script].concat(process.argv.slice(2)), { stdio: 'inherit' });
  ['SIGINT', 'SIGTERM', 'SIGHUP'].forEach((signal) => {
    // A terminal sends its signals to both of us: the child decides, we only pass on what was sent to us alone.
    process.on(signal, () => {
      if (signal !== 'SIGINT' || !process.stdin.isTTY) child.kill(signal);
    });
  });
  child.on('error', (error) => {
    console.error(`error: cannot start ${node}: ${error.message}`);
    process.exit(1);
  });
  child.on('exit', (code, signal) => {
    process.exit(signal === null ? code : signal === 'SIGINT' ? 130 : signal === 'SIGTERM' ? 143 : 1);
  });
}

/** Another Node than this one, which is too old, or a refusal. */
async function launchElsewhere(scriptUrl) {
  // Not imported above: each import costs a run under the right Node as well.
  const { existsSync } = await import('node:fs');
  const { fileURLToPath } = await import('node:url');
  const script = fileURLToPath(scriptUrl);
  const ownNode = join(script, '..', '..', 'node_modules', 'node', 'bin', 'node');
  if (planLaunch(process.version, process.execPath, ownNode, existsSync(ownNode)) === 'relaunch') {
    return relaunch(ownNode, script);
  }
  console.error(`error: ${refusal(process.version)}`);
  process.exitCode = 1;
}

/** Nodes near the floor call node:sqlite experimental at each start, which no user can do anything about. */
function withoutSqliteWarning() {
  const emit = process.emitWarning;
  process.emitWarning = function (warning) {
    if (String(warning).indexOf('SQLite is an experimental feature') < 0) emit.apply(process, arguments);
  };
}

/** Calls `load` under a Node that is recent enough, in this process; otherwise runs the script in another one. */
export function launch(scriptUrl, load) {
  if (!isRecentEnough(process.version)) return launchElsewhere(scriptUrl);
  withoutSqliteWarning();
  const cache = cacheFolder(process.env);
  if (cache !== undefined) process.getBuiltinModule('module').enableCompileCache(cache);
  return load();
}
