/**
 * Brings a clone to the state in which it can run: packages installed, editor built, the pinned Node found.
 * Plain JavaScript for any Node from 18 on, because it runs before anything is installed.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** Absolute path of the Node binary that the project pins as an npm package. */
export function pinnedNode() {
  const name = process.platform === 'win32' ? 'node.exe' : 'node';
  const path = join(root, 'node_modules', 'node', 'bin', name);
  if (existsSync(path)) return path;
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > 22 || (major === 22 && minor >= 18)) return process.execPath;
  fail(
    `Reelgraph needs Node 22.18 or newer, found ${process.versions.node}, and the npm package "node" that brings ` +
      'one is not installed for this platform. Install Node 22 and start again.',
  );
}

/** Environment in which `node` means the pinned one, also for child processes. */
export function pinnedEnvironment(extra = {}) {
  const separator = process.platform === 'win32' ? ';' : ':';
  return {
    ...process.env,
    PATH: `${dirname(pinnedNode())}${separator}${join(root, 'node_modules', '.bin')}${separator}${process.env.PATH ?? ''}`,
    // The runtime reports usage over the network unless told not to before it loads.
    ORT_DISABLE_TELEMETRY: '1',
    ...extra,
  };
}

/** Installs packages when those in node_modules are not those of the lock file. */
export function ensureInstalled() {
  const lockText = readFileSync(join(root, 'package-lock.json'));
  const wanted = createHash('sha256').update(lockText).digest('hex');
  const stamp = join(root, 'node_modules', '.reelgraph-installed');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return;
  if (!isInstalled(JSON.parse(lockText))) {
    console.log('Installing packages (first start or changed dependencies) …');
    const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';
    const result = spawnSync(npm, ['ci', '--no-audit', '--no-fund', '--loglevel=error'], {
      cwd: root,
      stdio: 'inherit',
      shell: process.platform === 'win32',
      env: { ...process.env, ONNXRUNTIME_NODE_INSTALL: 'skip' },
    });
    if (result.status !== 0) fail('npm ci failed; see the lines above. Is the npm registry reachable?');
  }
  writeFileSync(stamp, wanted);
}

/** Whether npm, called by hand, has put what the lock file names into node_modules. */
function isInstalled(lock) {
  const hidden = join(root, 'node_modules', '.package-lock.json');
  if (!existsSync(hidden)) return false;
  const present = JSON.parse(readFileSync(hidden, 'utf8')).packages;
  return Object.entries(lock.packages).every(
    ([path, { version, optional, link }]) =>
      !path.startsWith('node_modules/') || optional || link || present[path]?.version === version,
  );
}

/** Builds the editor when one of its sources changed since the last build. */
export function ensureEditorBuilt() {
  const hash = createHash('sha256');
  for (const folder of ['ui', 'packages/graph/src', 'packages/protocol/src', 'packages/client/src']) {
    for (const file of sourceFiles(join(root, folder)))
      hash.update(file).update('\0').update(readFileSync(file));
  }
  hash.update(readFileSync(join(root, 'package-lock.json')));
  const wanted = hash.digest('hex');
  const stamp = join(root, 'ui', 'dist', '.stamp');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return;
  console.log('Building the editor …');
  run(
    ['node_modules/vite/bin/vite.js', 'build', 'ui', '--logLevel', 'warn'],
    'the editor does not build; see the lines above.',
  );
  mkdirSync(dirname(stamp), { recursive: true });
  writeFileSync(stamp, wanted);
}

/** Exit code of a program that was asked for what it does not have. */
const wrongUse = 2;

/** Runs a script with the pinned Node and ends this process with `message` when it fails. */
export function run(args, message, options = {}) {
  const result = spawnSync(pinnedNode(), args, {
    cwd: root,
    stdio: 'inherit',
    env: pinnedEnvironment(options.env),
  });
  // It was asked for what there is not, and has said so.
  if (result.status === wrongUse) process.exit(wrongUse);
  if (result.status !== 0) fail(message);
}

export function fail(message) {
  console.error(message);
  process.exit(1);
}

function* sourceFiles(folder) {
  for (const name of readdirSync(folder).sort()) {
    if (name === 'dist' || name === 'node_modules' || name.includes('.test.')) continue;
    const path = join(folder, name);
    if (statSync(path).isDirectory()) yield* sourceFiles(path);
    else yield path;
  }
}
