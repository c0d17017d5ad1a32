export type { ReadBox } from './box.ts';
export { cameraFromObjects, cameraFromViews, type ReadCamera } from './camera.ts';
export {
  type Agreement,
  type AttributeName,
  attributeNames,
  compareWithCaption,
  compareWithSaid,
} from './compare.ts';
export { describeReading } from './describe.ts';
export { ScorerError } from './errors.ts';
export {
  type Absence,
  absenceOf,
  type Fall,
  fitFall,
  frameChange,
  framePsnr,
  isSameCast,
  isWorldFall,
  loopRatio,
  medianFrameChange,
  momentumError,
  radiusDrift,
  seamRatio,
  survivalCurve,
} from './measures.ts';
export type { TrackPoint } from './motion.ts';
export { type Reading, type ReadObject, readClip, sizeOf } from './reading.ts';
export { type AttributeScore, type ClipScore, type MeasureScore, scoreClip } from './score.ts';
export { formatScoreTable, type ScoreRow, tally } from './table.ts';
