/** How many steps of sampling were done twice, from the file in which every step is noted as it is done. */

/**
 * The most steps that one interruption cost: those that were done before it, and again after it.
 *
 * @param log lines `runId nodeId step pid`, in the order in which they were written; one process is one attempt
 */
export function mostStepsRedone(log: string): {
  readonly steps: number;
  readonly most: number;
  readonly redone: number;
} {
  const last = new Map<string, { readonly pid: string; readonly step: number }>();
  let [steps, most, redone] = [0, 0, 0];
  for (const line of log.split('\n')) {
    const [runId, nodeId, stepText, pid] = line.split(' ');
    // A process that is killed may leave half a line.
    if (runId === undefined || nodeId === undefined || stepText === undefined || pid === undefined) continue;
    const node = `${runId} ${nodeId}`;
    const step = Number(stepText);
    const before = last.get(node);
    last.set(node, { pid, step });
    steps += 1;
    if (before === undefined || before.pid === pid || step > before.step) continue;
    most = Math.max(most, before.step - step + 1);
    redone += before.step - step + 1;
  }
  return { steps, most, redone };
}
