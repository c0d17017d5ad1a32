/** Conditioning that holds frames already, where a node is to put in its own. */
import type { InferIssue, PortFacts } from '@reelgraph/node-api';

export function pictureIssues(code: string, conditioning: PortFacts | undefined): InferIssue[] {
  if (conditioning?.hasKnownFrames !== true) return [];
  return [
    {
      code,
      severity: 'error',
      message: 'The conditioning already has a picture placed in another clip. Connect the prompt directly.',
      port: 'conditioning',
      fix: { kind: 'go-around', label: 'Connect the prompt directly', port: 'conditioning' },
    },
  ];
}
