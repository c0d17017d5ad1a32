/** `npm start`: sets up what is missing, then runs the server until it is stopped. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { ensureEditorBuilt, ensureInstalled, pinnedEnvironment, pinnedNode, root } from './setup.mjs';

ensureInstalled();
ensureEditorBuilt();

const server = spawn(pinnedNode(), [join(root, 'server', 'src', 'main.ts'), ...process.argv.slice(2)], {
  cwd: root,
  stdio: 'inherit',
  env: pinnedEnvironment(),
});
// The terminal sends Ctrl-C to both; a supervisor's SIGTERM reaches only this process.
process.on('SIGINT', () => {});
process.on('SIGTERM', () => server.kill('SIGTERM'));
server.on('exit', (code, signal) =>
  process.exit(code ?? (signal === 'SIGTERM' || signal === 'SIGINT' ? 0 : 1)),
);
