/** When a run would be over: its nodes in their lanes, as the engine would begin them. */

export interface ScheduledNode {
  readonly durationMs: number;
  readonly lane: string;
  /** Indices of nodes that must be over first, each smaller than the node's own. */
  readonly after: readonly number[];
}

export interface Schedule {
  readonly durationMs: number;
  /** Nodes that the end waits for, each begun when the one before was over. */
  readonly critical: readonly number[];
}

/**
 * List scheduling: what is ready begins in the order in which it became ready, as soon as its lane has room.
 * O(n log n) but for lanes with many nodes waiting.
 *
 * @param roomOf how many nodes of a lane run at once
 */
export function scheduleLanes(nodes: readonly ScheduledNode[], roomOf: (lane: string) => number): Schedule {
  const waitingFor = nodes.map(({ after }) => after.length);
  const dependents = nodes.map((): number[] => []);
  for (const [index, { after }] of nodes.entries()) for (const from of after) dependents[from]?.push(index);
  const endOf = nodes.map(() => 0);
  /** What a node began behind: a node it needs, or the one that gave it its place. */
  const behind: (number | undefined)[] = nodes.map(() => undefined);
  const waiting = new Map<string, number[]>();
  const busy = new Map<string, number>();
  /** Running nodes, latest end first. */
  const running: number[] = [];

  const begin = (index: number, now: number, cause: number | undefined): void => {
    const { lane, durationMs } = nodes[index] ?? { lane: '', durationMs: 0 };
    busy.set(lane, (busy.get(lane) ?? 0) + 1);
    behind[index] = cause;
    const end = now + durationMs;
    endOf[index] = end;
    let at = running.length;
    while (at > 0 && (endOf[running[at - 1] ?? 0] ?? 0) < end) at -= 1;
    running.splice(at, 0, index);
  };
  const ready = (index: number, now: number, cause: number | undefined): void => {
    const lane = nodes[index]?.lane ?? '';
    if ((busy.get(lane) ?? 0) < roomOf(lane)) begin(index, now, cause);
    else waiting.set(lane, [...(waiting.get(lane) ?? []), index]);
  };

  for (const [index, count] of waitingFor.entries()) if (count === 0) ready(index, 0, undefined);
  let last: number | undefined;
  for (let index = running.pop(); index !== undefined; index = running.pop()) {
    const now = endOf[index] ?? 0;
    last = index;
    const lane = nodes[index]?.lane ?? '';
    busy.set(lane, (busy.get(lane) ?? 1) - 1);
    const next = waiting.get(lane)?.shift();
    if (next !== undefined) begin(next, now, index);
    for (const dependent of dependents[index] ?? []) {
      waitingFor[dependent] = (waitingFor[dependent] ?? 1) - 1;
      if (waitingFor[dependent] === 0) ready(dependent, now, index);
    }
  }
  const critical: number[] = [];
  for (let at = last; at !== undefined; at = behind[at]) critical.push(at);
  return { durationMs: last === undefined ? 0 : (endOf[last] ?? 0), critical: critical.reverse() };
}
