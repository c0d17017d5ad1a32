/** Why a node ran, or did not have to, in words: one wording for command line and editor. */
import type { RanBecause, RunState } from './run-events.ts';

/** What params and inputs are called where people read; names stand where a label is missing. */
export interface ReasonLabels {
  param?(name: string): string | undefined;
  input?(name: string): string | undefined;
}

/** The end of a sentence that begins with "It ran": `because Seed changed from 7 to 8`. */
export function reasonText(because: RanBecause, labels: ReasonLabels = {}): string {
  const { code, name } = because;
  switch (code) {
    case 'never-computed':
      return 'for the first time';
    case 'param-changed': {
      const label = name === undefined ? 'a setting' : (labels.param?.(name) ?? name);
      return `because ${label} changed${change(because)}`;
    }
    case 'input-changed': {
      const label = name === undefined ? 'its inputs' : (labels.input?.(name) ?? name);
      return `because what comes in at ${label} changed`;
    }
    case 'workflow-changed':
      return 'because the workflow saved inside the video changed';
    case 'model-changed':
      return `because the model changed${change(because)}`;
    case 'node-changed':
      return 'because this kind of node computes differently than when it last ran';
    case 'evicted':
      return 'because its kept result had made room for others';
    case 'memory-only':
      return 'because its result was kept in memory only, and the program has been started anew';
    case 'lost':
      return 'because its kept result is no longer there';
    case 'damaged':
      return 'because its kept result was damaged';
    case 'not-cacheable':
      return 'because its result is never kept';
  }
}

function change({ from, to }: RanBecause): string {
  return from === undefined || to === undefined ? '' : ` from ${from} to ${to}`;
}

/**
 * What a run had to do, in a line: `3 ran (because Seed changed from 7 to 8), 2 from the cache`. Empty while
 * no node has ended.
 */
export function runSummary(
  { nodes }: Pick<RunState, 'nodes'>,
  labelsOf: (nodeId: string) => ReasonLabels | undefined = () => undefined,
): string {
  const states = Object.entries(nodes);
  const ran = states.filter(([, { status }]) => status === 'finished' || status === 'failed');
  const cached = states.filter(([, { status }]) => status === 'cached').length;
  const [cause] = ran
    .flatMap(([id, { because }]) => (because === undefined ? [] : [{ id, because }]))
    .sort((a, b) => rankOf(a.because) - rankOf(b.because));
  const parts: string[] = [];
  if (ran.length > 0)
    parts.push(
      `${ran.length} ran${cause === undefined ? '' : ` (${reasonText(cause.because, labelsOf(cause.id))})`}`,
    );
  if (cached > 0) parts.push(`${cached} from the cache`);
  return parts.join(', ');
}

/** What says most first: what the person changed, what follows from it, then what became of kept results. */
const ranks: readonly RanBecause['code'][] = [
  'param-changed',
  'model-changed',
  'node-changed',
  'never-computed',
  'input-changed',
  'workflow-changed',
  'damaged',
  'evicted',
  'lost',
  'memory-only',
  'not-cacheable',
];

function rankOf({ code }: RanBecause): number {
  return ranks.indexOf(code);
}
