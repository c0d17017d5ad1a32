/** `npm run bench [-- NAME …]`: prints the measured figures as ratios taken in one run. */
import { ensureEditorBuilt, ensureInstalled, run } from './setup.mjs';

ensureInstalled();
ensureEditorBuilt();
run(['tests/bench/main.ts', ...process.argv.slice(2)], 'a bench did not finish; see the lines above.');
