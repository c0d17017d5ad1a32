/** `npm run faults [-- NAME …]`: damages the system on purpose and prints what became of it. */
import { ensureInstalled, run } from './setup.mjs';

ensureInstalled();
run(['tests/faults/main.ts', ...process.argv.slice(2)], 'not everything was withstood; see the lines above.');
