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
const report = join(scratch, 'report.json');
let passed = 0;
let failed = 0;
let skipped = 0;

function step(name, args) {
  console.log(`\n== ${name}`);
  const result = spawnSync(pinnedNode(), args, { cwd: root, stdio: 'inherit', env: pinnedEnvironment() });
  return result.status === 0;
}

function count(ok) {
  if (ok) passed += 1;
  else failed += 1;
}

if (only.length === 0) {
  count(step('types', ['node_modules/typescript/bin/tsc', '-p', '.']));
  count(step('lint', ['node_modules/@biomejs/biome/bin/biome', 'check', '.']));
}
const ran = step('tests', [
  'node_modules/vitest/vitest.mjs',
  'run',
  '--reporter=default',
  '--reporter=json',
  `--outputFile.json=${report}`,
  ...only,
]);
if (existsSync(report)) {
  const results = JSON.parse(readFileSync(report, 'utf8'));
  passed += results.numPassedTests;
  failed += results.numFailedTests;
  for (const file of results.testResults) {
    // A file that fails to load has no tests to count.
    if (file.status === 'failed' && file.assertionResults.every((test) => test.status !== 'failed')) {
      failed += 1;
      console.log(`failed to load or tear down: ${file.name.replace(`${root}/`, '')}\n  ${file.message}`);
    }
    for (const test of file.assertionResults) {
      if (test.status === 'passed' || test.status === 'failed') continue;
      skipped += 1;
      console.log(`skipped: ${test.fullName}`);
    }
  }
} else failed += 1;
if (!ran && failed === 0) failed += 1;
rmSync(scratch, { recursive: true, force: true });

if (process.env.REELGRAPH_TEST_ALL === '1' && skipped > 0) {
  console.log(`REELGRAPH_TEST_ALL is set: ${skipped} skipped count as failed.`);
  failed += skipped;
  skipped = 0;
}
console.log(`\n${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`);
process.exit(failed === 0 ? 0 : 1);
