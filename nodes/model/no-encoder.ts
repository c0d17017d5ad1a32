/** A model that makes clips and cannot read any: one wording for every node that would give it pictures. */
import type { InferContext, InferIssue, PortFacts } from '@reelgraph/node-api';

export function noEncoderIssues(model: PortFacts | undefined, context: InferContext): InferIssue[] {
  const facts = context.models.get(model?.model ?? '');
  if (facts?.readsFrames !== false) return [];
  return [
    {
      code: 'model/no-encoder',
      severity: 'error',
      message: `${facts.name} makes clips of text only: its package has no encoder for pictures. Choose another model, or leave this node out.`,
      port: 'model',
    },
  ];
}
