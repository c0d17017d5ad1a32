/**
 * A thread beside the runner's own, which may be at something that never ends: when the server is gone, it ends the
 * process. The channel to the server tells of its end as well, but only a thread that listens.
 */
import { endGroupNow } from './process-group.ts';

const lookEveryMs = 500;
const parent = process.ppid;
setInterval(() => {
  if (process.ppid !== parent) endGroupNow();
}, lookEveryMs);
