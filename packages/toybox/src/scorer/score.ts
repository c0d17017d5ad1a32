/** Scores one clip: a table of what it shows against what was said of it. */
import { captionOf } from '../world/captions.ts';
import type { Clip } from '../world/clip.ts';
import { parseCaption, type Said } from '../world/parse-caption.ts';
import type { Scene } from '../world/scene.ts';
import { type AttributeName, attributeNames, compareWithSaid } from './compare.ts';
import { describeReading } from './describe.ts';
import { ScorerError } from './errors.ts';
import { absenceOf, fitFall, isWorldFall, loopRatio, momentumError } from './measures.ts';
import { type Reading, readClip } from './reading.ts';

/** A row about one attribute. */
export interface AttributeScore {
  readonly name: AttributeName;
  readonly isRight: boolean;
}

/** A row about a measured quantity; `isRight` where the world says what it must be. */
export interface MeasureScore {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  readonly isRight?: boolean;
}

/** The score of a clip, as JSON. */
export interface ClipScore {
  /** The canonical caption that the clip was held against. */
  readonly caption: string;
  /** What the clip shows, in words. */
  readonly seen: string;
  /** Share of the attributes that are right, 0-1. */
  readonly rate: number;
  readonly attributes: readonly AttributeScore[];
  readonly measures: readonly MeasureScore[];
}

function measuresOf(clip: Clip, reading: Reading, said: Said): MeasureScore[] {
  const measures: MeasureScore[] = [];
  const [first, second] = reading.objects;
  const points = first?.track.filter((point) => point !== undefined) ?? [];
  if (said.objects.length === 1 && said.objects[0]?.motion === 'bounces') {
    const fall = fitFall(points);
    if (fall !== undefined) {
      const right = isWorldFall(fall);
      measures.push({ name: 'gravity', value: fall.gravity, unit: 'heights/frame²', isRight: right.gravity });
      measures.push({ name: 'restitution', value: fall.restitution, unit: '', isRight: right.restitution });
    }
  }
  if (said.kind === 'collide' && first !== undefined && second !== undefined) {
    const error = momentumError(first, second);
    if (error !== undefined)
      measures.push({ name: 'momentum lost', value: error, unit: '', isRight: error <= 0.25 });
  }
  const absence = first === undefined ? undefined : absenceOf(first);
  if (absence !== undefined) {
    measures.push({
      name: 'hidden, then back the same',
      value: absence.frames,
      unit: 'frames',
      isRight: absence.isBack,
    });
  }
  if (reading.camera !== undefined && said.camera !== 'still') {
    measures.push({
      name: 'camera path error',
      value: reading.camera.pathError,
      unit: 'frame widths',
      isRight: reading.camera.pathError <= 0.05,
    });
  }
  if (clip.frameCount > 1)
    measures.push({ name: 'last to first frame ÷ median change', value: loopRatio(clip), unit: '' });
  return measures;
}

/** Scores a clip against a canonical caption, or against the scene that it should show. */
export function scoreClip(clip: Clip, expected: string | Scene): ClipScore {
  const caption = typeof expected === 'string' ? expected : captionOf(expected);
  const said = parseCaption(caption);
  if (said === undefined) {
    throw new ScorerError(
      'scorer/not-a-caption',
      `Expected a canonical caption of the Toybox world, such as "a small red circle moves right on a navy background"; got "${caption}".`,
    );
  }
  const reading = readClip(clip);
  const agreement = compareWithSaid(reading, said);
  const attributes = attributeNames.flatMap((name): AttributeScore[] => {
    const isRight = agreement[name];
    return isRight === undefined ? [] : [{ name, isRight }];
  });
  const parts = attributes.filter(({ name }) => name !== 'all');
  return {
    caption,
    seen: describeReading(reading),
    rate: parts.filter(({ isRight }) => isRight).length / Math.max(1, parts.length),
    attributes,
    measures: measuresOf(clip, reading, said),
  };
}
