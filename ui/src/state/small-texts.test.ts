import { describe, expect, it } from 'vitest';
import { fileStem } from '../actions/file-stem.ts';
import { keyLabel, keyName } from '../app/key-names.ts';
import { continuedText, formatAgo, formatDuration, formatProgress, progressFraction } from './durations.ts';
import { factsInFull, factsLabel } from './facts-label.ts';
import { messageOnNode } from './issue-text.ts';

describe('times', () => {
  it('are short', () => {
    expect([340, 1234, 12_345, 59_960, 125_000, 4_800_000].map(formatDuration)).toEqual([
      '340 ms',
      '1.2 s',
      '12 s',
      '1 min 00 s',
      '2 min 05 s',
      '1 h 20 min',
    ]);
  });

  it('of progress leave out what is not known', () => {
    expect(formatProgress({ step: 12, totalSteps: 20, secondsPerStep: 0.3, etaSeconds: 2.4 })).toBe(
      '12/20 · 0.3 s/it · 2.4 s left',
    );
    expect(formatProgress({ step: 1, totalSteps: 20, secondsPerStep: 0.02 })).toBe('1/20 · 50 it/s');
    expect(continuedText({ continuedFrom: 7 })).toBe('Continued from step 7 of an interrupted run.');
    expect(continuedText({})).toBeUndefined();
    expect(formatProgress({ step: 19, totalSteps: 20, etaSeconds: 0.301 })).toBe('19/20 · < 1 s left');
    expect(formatProgress({ message: 'loading model' })).toBe('loading model');
    expect(formatProgress({})).toBe('');
    expect(progressFraction({ step: 5, totalSteps: 20 })).toBe(0.25);
    expect(progressFraction({})).toBeUndefined();
  });

  it('of the past are coarse', () => {
    expect(formatAgo(0, 30_000)).toBe('just now');
    expect(formatAgo(0, 5 * 60_000)).toBe('5 min ago');
    expect(formatAgo(0, 3 * 3_600_000)).toBe('3 h ago');
  });
});

it('facts fit on a wire', () => {
  const latent = { frameCount: 81, widthPx: 832, heightPx: 480, channels: 16, family: 'wan' };
  expect(factsLabel(latent)).toBe('81f · 832×480 · 16ch');
  expect(factsInFull(latent)).toBe('81 frames · 832×480 · 16 channels');
  const frames = { frameCount: 17, widthPx: 64, heightPx: 64, fps: 8, durationSeconds: 2.125 };
  expect(factsLabel(frames)).toBe('17f · 64×64 · 8 fps');
  expect(factsInFull(frames)).toBe('17 frames · 64×64 · 8 fps · 2.13 s');
  expect(factsInFull({ frameCount: 1 })).toBe('1 frame');
  expect(factsLabel({ steps: 20 })).toBe('20 steps');
  expect(factsLabel({ frameCount: 17, steps: 20, stepsDone: 6 })).toBe('17f · 6 of 20 steps');
  expect(factsLabel({ frameCount: 17, steps: 20, stepsDone: 20 })).toBe('17f');
  expect(factsLabel({ value: 9 })).toBe('9');
});

it('facts are told only where they are known', () => {
  expect([factsLabel({}), factsInFull({})]).toEqual(['', '']);
  expect(factsLabel({ family: 'toybox', channels: 16 })).toBe('');
  expect(factsLabel({ widthPx: 64 })).toBe('');
});

it('conditioning says that it holds frames, and in what clip', () => {
  const placed = { hasKnownFrames: true, frameCount: 17, widthPx: 64, heightPx: 64 };
  expect(factsLabel(placed)).toBe('frames given');
  expect(factsInFull(placed)).toBe('frames given in a clip of 17 frames · 64×64');
});

describe('keys', () => {
  const press = (key: string, held: { ctrlKey?: boolean; shiftKey?: boolean; metaKey?: boolean } = {}) =>
    keyName({ key, ctrlKey: false, metaKey: false, shiftKey: false, altKey: false, ...held });

  it('have one name on every keyboard', () => {
    expect(press('z', { ctrlKey: true, shiftKey: true })).toBe('Mod+Shift+Z');
    expect(press('Z', { metaKey: true, shiftKey: true })).toBe('Mod+Shift+Z');
    expect(press('?', { shiftKey: true })).toBe('?');
    expect(press('+', { shiftKey: true })).toBe('+');
    expect(press('Backspace')).toBe('Delete');
    expect(press('Enter', { ctrlKey: true })).toBe('Mod+Enter');
  });

  it('are written as the keyboard has them', () => {
    expect(keyLabel('Mod+Shift+Z', false)).toBe('Ctrl Shift Z');
    expect(keyLabel('Mod+Shift+Z', true)).toBe('⌘ ⇧ Z');
    expect(keyLabel('+', false)).toBe('+');
  });
});

it('names of workflows become names of files', () => {
  expect(fileStem('Text to video!')).toBe('text-to-video');
  expect(fileStem('Überblick – 2')).toBe('uberblick-2');
  expect(fileStem('  ')).toBe('workflow');
});

it('a message seen on its node does not name the node again', () => {
  const issue = { code: 'graph/missing-input', severity: 'error' as const, nodeId: 'x' };
  expect(messageOnNode({ ...issue, message: 'Node "x" (Thing): input "Image" is not connected.' })).toBe(
    'Input "Image" is not connected.',
  );
  expect(messageOnNode({ ...issue, message: 'Thing ("x"): input "Image" is not connected.' })).toBe(
    'Input "Image" is not connected.',
  );
  expect(messageOnNode({ ...issue, message: 'Something else: here' })).toBe('Something else: here');
  expect(messageOnNode({ ...issue, message: 'Node "x" is alone.' })).toBe('Node "x" is alone.');
});
