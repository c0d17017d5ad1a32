/**
 * `npm test`: types, lint and every test. Arguments are passed on to vitest (`npm test -- packages/graph`).
 *
 * A test that cannot run here (no ffmpeg, no browser) is reported as skipped with its reason. Under
 * REELGRAPH_TEST_ALL=1 a skip is a failure. The last line is `N passed, N failed[, N skipped]`.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensureEditorBuilt, ensureInstalled, pinnedEnvironment, pinnedNode, root } from './setup.mjs';

ensureInstalled();
ensureEditorBuilt();

const only = process.argv.slice(2);
const scratch = mkdtempSync(join(tmpdir(), 'reelgraph-test-'));
const countsFile = join(scratch, 'counts.json');
let passed = 0;
let failed = 0;
let skipped = 0;
const failures = [];

function step(name, args, env = {}) {
  console.log(`\n== ${name}`);
  const result = spawnSync(pinnedNode(), args, { cwd: root, stdio: 'inherit', env: pinnedEnvironment(env) });
  return result.status === 0;
}

function count(name, args) {
  if (step(name, args)) passed += 1;
  else {
    failed += 1;
    failures.push(name);
  }
}

if (only.length === 0) {
  count('types', ['node_modules/typescript/bin/tsc', '-p', '.']);
  count('lint', ['node_modules/@biomejs/biome/bin/biome', 'check', '.']);
}
const ran = step(
  'tests',
  [
    'node_modules/vitest/vitest.mjs',
    'run',
    '--reporter=default',
    '--reporter=./scripts/count-reporter.mjs',
    ...only,
  ],
  { REELGRAPH_TEST_COUNTS: countsFile },
);
if (existsSync(countsFile)) {
  const counts = JSON.parse(readFileSync(countsFile, 'utf8'));
  passed += counts.passed;
  failed += counts.failed;
  skipped += counts.skipped;
  failures.push(...counts.failures);
}
// Ended before it could count, or failed in a way that no test stands for.
if (!ran && failed === 0) failed += 1;
rmSync(scratch, { recursive: true, force: true });

if (process.env.REELGRAPH_TEST_ALL === '1' && skipped > 0) {
  console.log(`REELGRAPH_TEST_ALL is set: ${skipped} skipped count as failed.`);
  failed += skipped;
  skipped = 0;
}
for (const name of failures) console.log(`failed: ${name}`);
console.log(`\n${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`);
process.exit(failed === 0 ? 0 : 1);
