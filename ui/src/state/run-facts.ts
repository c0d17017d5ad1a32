/** What a run has to tell of one node, line by line. */
import { bytesText, type NodeRunState, type NodeTypeInfo } from '@reelgraph/graph';
import { formatDuration } from './durations.ts';
import { factsInFull } from './facts-label.ts';
import { whyItRan } from './why-it-ran.ts';

export interface RunFact {
  readonly label: string;
  readonly text: string;
  /** What the label cannot say. */
  readonly explanation?: string;
}

const ofWholeProcess =
  'Of the whole process that ran it: loaded models, the cache and nodes beside it are in it.';

export function runFacts(run: NodeRunState, info: NodeTypeInfo): RunFact[] {
  const { status, durationMs, waitedMs, lane, peakResidentBytes, source, because, continuedFrom } = run;
  const facts: (RunFact | false)[] = [
    { label: 'State', text: status === 'waiting' ? (run.message ?? status) : status },
    durationMs !== undefined && { label: 'Time', text: formatDuration(durationMs) },
    waitedMs !== undefined && {
      label: 'Waited',
      text: `${formatDuration(waitedMs)} for its turn${lane === undefined ? '' : ` in lane ${lane}`}`,
    },
    peakResidentBytes !== undefined && {
      label: 'Peak memory',
      text: `${bytesText(peakResidentBytes)} of its process`,
      explanation: ofWholeProcess,
    },
    source !== undefined && {
      label: 'Taken from',
      text: `cache ${source === 'disk' ? 'on disk' : 'in memory'}`,
    },
    because !== undefined && { label: 'It ran', text: whyItRan(because, info) },
    continuedFrom !== undefined && {
      label: 'Continued',
      text: `from step ${continuedFrom} of an interrupted run`,
    },
    ...Object.entries(run.outputs ?? {}).map(([port, output]) => ({
      label: info.outputs[port]?.label ?? port,
      text: output.text ?? factsInFull(output.facts),
    })),
  ];
  return facts.filter((fact): fact is RunFact => fact !== false && fact.text !== '');
}
