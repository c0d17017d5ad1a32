import { describe, expect, it } from 'vitest';
import { captionOf, longCaptionOf } from './captions.ts';
import { parseCaption } from './parse-caption.ts';
import { randomScene } from './random-scene.ts';
import type { Body } from './scene.ts';
import { sceneKinds } from './words.ts';

describe('captionOf', () => {
  it('reads like a sentence', () => {
    const fixed = {
      shape: 'circle',
      colour: 'orange',
      size: 'small',
      motion: 'moves right',
      background: 'navy',
    } as const;
    const scene = randomScene(1, { kind: 'single', fixed, isStyled: false });
    expect(captionOf(scene)).toBe('a small orange circle moves right on a navy background');
    const growing = randomScene(1, { kind: 'single', fixed: { ...fixed, motion: 'grows' }, isStyled: false });
    expect(captionOf(growing), 'what grows has no size').toBe('an orange circle grows on a navy background');
  });

  it('says everything again in several sentences', () => {
    const scene = randomScene(11, { kind: 'camera', fixed: { background: 'sand checkerboard' } });
    expect(longCaptionOf({ ...scene, camera: 'zooms in' })).toMatch(
      /^There is a .*\. Behind it is a sand checkerboard floor\. The camera zooms in\.$/,
    );
  });
});

const saidMotion = (body: Body, kind: string) =>
  kind === 'trio' || kind === 'camera' || kind === 'events' ? undefined : body.motion;

describe('parseCaption', () => {
  it.each(sceneKinds)('reads back what a caption of the kind %s says', (kind) => {
    for (let seed = 0; seed < 60; seed++) {
      const scene = randomScene(seed, { kind });
      const caption = captionOf(scene);
      const areBothStill = scene.objects.every((body) => body.motion === 'stays still');
      expect(parseCaption(caption), caption).toEqual({
        kind,
        objects: scene.objects.map((body) => ({
          shape: body.shape,
          colour: body.colour,
          size: body.size ?? undefined,
          motion: kind === 'pair' && areBothStill ? undefined : saidMotion(body, kind),
          events: (body.events ?? []).map((event) =>
            event.what === 'turn'
              ? { what: 'turn', colour: event.colour }
              : { what: 'move', direction: event.direction },
          ),
          isBitten: body.bite !== undefined,
          paint: body.paint,
        })),
        relation: scene.relation ?? undefined,
        box: scene.box?.colour,
        hasWall: scene.wall !== null,
        background: scene.style === 'pencil' ? undefined : scene.background,
        style: scene.style,
        camera: scene.camera,
      });
    }
  });

  it('does not mind case, outer space or a full stop', () => {
    expect(parseCaption('  A small red ring orbits on a sand to navy gradient. ')).toMatchObject({
      objects: [{ shape: 'ring', motion: 'orbits' }],
      background: 'sand to navy',
    });
  });

  it.each([
    '',
    'a cat plays the piano',
    'a small red circle moves right',
    'a small red circle moves right on a navy floor',
    'a small red circle on a navy background',
    'a small red circle moves right on the left and a large blue square spins at the bottom on a navy background',
    'a small red circle turns blue on a navy background',
    'a small red circle, a small blue square and a small white star in a row on a navy background',
  ])('reads nothing out of "%s"', (caption) => {
    expect(parseCaption(caption)).toBeUndefined();
  });
});
