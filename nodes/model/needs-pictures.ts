/** Models that make clips of pictures only: one wording for every node that meets them. */
import type { InferContext, InferIssue, ModelFacts, PortFacts } from '@reelgraph/node-api';

type Place = 'first' | 'last';

/** Where no picture, or not every one that it needs, was placed. */
export function missingPictureIssues(
  facts: ModelFacts | undefined,
  conditioning: PortFacts | undefined,
): InferIssue[] {
  const need = facts?.needsPictures;
  if (facts === undefined || need === undefined || conditioning === undefined) return [];
  const placed = conditioning.pictureFrames ?? [];
  const wanted: readonly Place[] = need === 'both' ? ['first', 'last'] : ['first'];
  const missing = wanted.filter((place) => !placed.includes(place));
  if (missing.length === 0) return [];
  return [
    {
      code: 'denoise/no-picture',
      severity: 'error',
      message: `${facts.name} makes clips of pictures: it needs one as the ${missing.join(' and one as the ')} frame. Place it with "Image to clip" between the prompt and this node.`,
      port: 'positive',
    },
  ];
}

/** Where a picture would stand at a frame that the model takes none at. */
export function pictureFrameIssues(
  facts: ModelFacts | undefined,
  place: Place | 'between' | 'not-first',
): InferIssue[] {
  const need = facts?.needsPictures;
  if (facts === undefined || need === undefined) return [];
  if (place === 'first' || (place !== 'between' && need !== 'first')) return [];
  return [
    {
      code: 'image-conditioning/first-only',
      severity: 'error',
      message: `${facts.name} takes a picture as its first ${need === 'first' ? '' : 'or last '}frame only.`,
      param: 'frame',
      fix: { label: 'Use the first frame', param: 'frame', value: 'first' },
      ...(need === 'first'
        ? {}
        : { otherFixes: [{ label: 'Use the last frame', param: 'frame', value: 'last' }] }),
    },
  ];
}

/** Where frames of a clip would be held, which such a model has no place for. */
export function onlyPicturesIssues(model: PortFacts | undefined, context: InferContext): InferIssue[] {
  const facts = context.models.get(model?.model ?? '');
  if (facts?.needsPictures === undefined) return [];
  return [
    {
      code: 'model/only-pictures',
      severity: 'error',
      message: `${facts.name} makes clips of pictures: it holds no frames of another clip. Choose another model, or give it a picture with "Image to clip".`,
      port: 'model',
    },
  ];
}
