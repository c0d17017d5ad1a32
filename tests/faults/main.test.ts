import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { projectRoot } from '../support/server.ts';

it('a fault that there is not is answered with those that there are, and nothing else', () => {
  const args = [join(projectRoot, 'scripts/faults.mjs'), 'nonsense'];
  const { status, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  expect(status).toBe(2);
  expect(stderr).toMatch(/^no fault named nonsense; there are .*\n$/);
});
