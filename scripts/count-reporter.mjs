/**
 * A vitest reporter that counts tests and says why one was skipped, which the stock reporters leave out.
 * Writes its counts as JSON to the file that REELGRAPH_TEST_COUNTS names.
 */
import { writeFileSync } from 'node:fs';
import { relative } from 'node:path';

export default class CountReporter {
  onTestRunEnd(modules, unhandledErrors) {
    const counts = {
      passed: 0,
      failed: unhandledErrors.length,
      skipped: 0,
      failures: unhandledErrors.map((error) => `outside any test: ${error.message}`),
    };
    for (const module of modules) {
      const file = relative(process.cwd(), module.moduleId);
      // A file that cannot be loaded has no tests to count.
      if (module.errors().length > 0) {
        counts.failed += 1;
        counts.failures.push(`${file}: could not be loaded`);
      }
      for (const test of module.children.allTests()) {
        const result = test.result();
        if (result.state === 'passed') counts.passed += 1;
        else if (result.state === 'failed') {
          counts.failed += 1;
          counts.failures.push(`${file}: ${test.fullName}`);
        } else {
          counts.skipped += 1;
          console.log(`skipped: ${file}: ${test.fullName}: ${result.note ?? 'no reason given'}`);
        }
      }
    }
    writeFileSync(process.env.REELGRAPH_TEST_COUNTS, JSON.stringify(counts));
  }
}
