/** A value of one model met by another: one wording and one way to mend it for every node that has both. */
import type { InferFix, InferIssue, PortFacts } from '@reelgraph/node-api';

/** The issue of a value at `port` that belongs to another model than the one at `model`; none where they agree. */
export function wrongModelIssues(
  code: string,
  port: string,
  value: PortFacts | undefined,
  model: PortFacts | undefined,
  sentence: (of: string, here: string) => string,
  firstFixes: readonly InferFix[] = [],
): InferIssue[] {
  const [of, here] = [value?.model, model?.model];
  const isOther = of !== undefined && here !== undefined && of !== here;
  const hasOtherChannels =
    !isOther &&
    value?.channels !== undefined &&
    model?.channels !== undefined &&
    value.channels !== model.channels;
  if (!isOther && !hasOtherChannels) return [];
  const [fix, ...otherFixes] = [
    ...firstFixes,
    makerWith(port, here),
    ...(of === undefined ? [] : [modelOf(of)]),
  ];
  return [
    {
      code: isOther ? code : code.replace('wrong-model', 'wrong-channels'),
      severity: 'error',
      message: isOther
        ? sentence(of, here)
        : `The value at "${port}" has ${value?.channels} channels, and the model ${here ?? ''} works on ${model?.channels}. Connect one model to both.`,
      port,
      ...(fix === undefined ? {} : { fix, otherFixes }),
    },
  ];
}

/** The model that made the value, connected here. */
export function modelOf(name: string, variant?: string): InferFix {
  return {
    kind: 'connect',
    label: `Connect the model ${name}${variant === undefined ? '' : ` (${variant})`}`,
    port: 'model',
    facts: { model: name, ...(variant === undefined ? {} : { variant }) },
    orAdd: { type: 'load-model', params: { model: name, ...(variant === undefined ? {} : { variant }) } },
  };
}

/** The model of this node, connected to what makes the value. */
function makerWith(port: string, name: string | undefined): InferFix {
  return {
    kind: 'same-source',
    label: `Make it with the model ${name ?? 'connected here'}`,
    port,
    type: 'model',
    from: 'model',
  };
}

/** A latent of another model, unpacked by that one and packed by this one. */
export function encodedAnew(port: string, from: string): InferFix {
  return {
    kind: 'convert',
    label: 'Decode and encode again',
    port,
    through: [
      { type: 'vae-decode', inputs: { model: { model: from } } },
      { type: 'vae-encode', inputs: { model: 'model' } },
    ],
  };
}
