/** Does nothing but measure how long its own event loop was held up, by the machine alone; prints it on `end`. */
import { monitorEventLoopDelay } from 'node:perf_hooks';

const resolution = 10;
const histogram = monitorEventLoopDelay({ resolution });
histogram.enable();
process.stdin.on('data', () => {
  console.log(JSON.stringify({ maxMs: histogram.max / 1e6 - resolution }));
  process.exit(0);
});
