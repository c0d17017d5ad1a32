/** How long `npm start` on an installed clone takes until it answers HTTP. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { projectRoot, temporaryFolder } from '../support/server.ts';
import { type BenchSection, median } from './section.ts';

const rounds = 5;

async function startOnce(dataFolder: string): Promise<number> {
  const began = performance.now();
  const child = spawn('npm', ['start', '--silent', '--', '--port', '0', '--data', dataFolder], {
    cwd: projectRoot,
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: true,
  });
  try {
    for await (const line of createInterface({ input: child.stdout })) {
      const address = /http:\/\/127\.0\.0\.1:\d+/.exec(line)?.[0];
      if (!address) continue;
      const answer = await fetch(address);
      if (!answer.ok) throw new Error(`${address} answers ${answer.status}`);
      await answer.arrayBuffer();
      return performance.now() - began;
    }
    throw new Error('npm start ended before it printed an address');
  } finally {
    // The group: npm, the start script and the server.
    if (child.pid !== undefined) process.kill(-child.pid, 'SIGTERM');
  }
}

const start: BenchSection = async (report) => {
  const scratch = await temporaryFolder();
  try {
    const times: number[] = [];
    for (let round = 0; round <= rounds; round++) {
      const ms = await startOnce(join(scratch.path, `data-${round}`));
      if (round > 0) times.push(ms);
    }
    const middle = median(times);
    report({
      name: `npm start on an installed clone to the first HTTP answer, median of ${rounds} (min ${Math.min(...times).toFixed(0)}, max ${Math.max(...times).toFixed(0)} ms)`,
      value: `${(middle / 1000).toFixed(2)} s`,
      wanted: '≤ 2 s',
      met: middle <= 2000,
    });
  } finally {
    await scratch.dispose();
  }
};
export default start;
