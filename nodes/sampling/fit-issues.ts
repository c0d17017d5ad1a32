/** Whether what a denoising node is given was made for one model and one clip, as far as it is known. */
import type { InferFix, InferIssue, PortFacts } from '@reelgraph/node-api';
import { encodedAnew, modelOf, wrongModelIssues } from '../model/wrong-model.ts';
import { differ, sizeFacts } from '../video/frames-facts.ts';

export interface DenoiseFacts {
  readonly model?: PortFacts | undefined;
  readonly positive?: PortFacts | undefined;
  readonly negative?: PortFacts | undefined;
  readonly noise?: PortFacts | undefined;
  readonly latent?: PortFacts | undefined;
}

const valuePorts = ['positive', 'negative', 'noise', 'latent'] as const;
const clipSize = ['frameCount', 'widthPx', 'heightPx'] as const;

const sameLatent: InferFix = {
  kind: 'same-source',
  label: 'Draw the noise for this latent',
  port: 'noise',
  type: 'latent',
  from: 'latent',
};

export function fitIssues(inputs: DenoiseFacts): InferIssue[] {
  const { model, latent, noise } = inputs;
  const issues: InferIssue[] = [];
  const models = new Set(valuePorts.flatMap((port) => inputs[port]?.model ?? []));
  const [common] = models;
  for (const port of valuePorts) {
    // Where all else agrees, it is the model here that is the odd one.
    const agreed = models.size === 1 && common !== undefined ? [modelOf(common)] : [];
    const own =
      port === 'noise'
        ? [sameLatent]
        : port === 'latent' && latent?.model !== undefined
          ? [...agreed, encodedAnew('latent', latent.model)]
          : [];
    issues.push(
      ...wrongModelIssues(
        'denoise/wrong-model',
        port,
        inputs[port],
        model,
        (of, here) =>
          `"${port}" was made with the model ${of}, but this node runs ${here}. Connect one model to both.`,
        port === 'latent' ? own : [...agreed, ...own],
      ),
    );
  }
  const odd = clipSize.find((name) => differ(noise, latent, [name]));
  if (odd !== undefined) {
    issues.push({
      code: 'denoise/wrong-size',
      severity: 'error',
      message: `The noise was drawn for another clip size (${noise?.[odd]} instead of ${latent?.[odd]}). Connect the noise to the same latent as this node.`,
      port: 'noise',
      fix: sameLatent,
    });
  }
  for (const port of ['positive', 'negative'] as const) {
    const conditioning = inputs[port];
    if (conditioning?.hasKnownFrames !== true || !differ(conditioning, latent, clipSize)) continue;
    issues.push({
      code: 'denoise/wrong-size',
      severity: 'error',
      message: `The picture at "${port}" was placed into a clip of another size than the latent. Connect both to the same latent.`,
      port,
      fix: {
        kind: 'same-source',
        label: 'Place the picture in this latent',
        port,
        type: 'latent',
        from: 'latent',
      },
      otherFixes: [
        {
          kind: 'connect',
          label: 'Use the latent of the picture',
          port: 'latent',
          facts: sizeFacts(conditioning),
        },
      ],
    });
  }
  return issues;
}
