export { captionOf, longCaptionOf } from './captions.ts';
export {
  type Clip,
  type ClipSize,
  defaultClipSize,
  type FrameSize,
  frameCountRange,
} from './clip.ts';
export { type HeldOutPrompt, heldOutCounts, heldOutPrompts, novelSingles } from './held-out.ts';
export { distanceToShape } from './outline.ts';
export { parseCaption, type Said, type SaidEvent, type SaidObject } from './parse-caption.ts';
export {
  bounceContacts,
  bounceHeight,
  colourAt,
  type Pose,
  poseAt,
  timingOf,
  type View,
  viewAt,
  worldPose,
} from './pose.ts';
export { type FixedAttributes, randomScene, type SceneOptions } from './random-scene.ts';
export { renderScene } from './render.ts';
export { type Body, type BodyEvent, type Box, type Scene, sceneSchema } from './scene.ts';
export { type CameraTruth, type ObjectTruth, type Truth, type TruthEvent, truthOf } from './truth.ts';
export {
  type Background,
  backgroundNames,
  type Camera,
  type Colour,
  cameras,
  colourNames,
  colours,
  type Direction,
  directions,
  exists,
  type Floor,
  firstEvaluationSeed,
  floorNames,
  floors,
  framesPerSecond,
  type Gradient,
  gradients,
  gravity,
  isHeldOut,
  kindShares,
  largestRadius,
  type Motion,
  motions,
  period,
  type Relation,
  type Rgb,
  radiusRanges,
  reach,
  relations,
  restitution,
  type SceneKind,
  type Shape,
  type Size,
  type StraightDirection,
  type Style,
  sceneKinds,
  shapes,
  sizes,
  smallestRadius,
  straightDirections,
  styles,
  type Tone,
  toneNames,
  tones,
  wallColour,
} from './words.ts';
