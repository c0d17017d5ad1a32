/** Says a reading in one line, for people who look for what went wrong. */
import type { Reading } from './reading.ts';

/** What was read, for example "circle red>blue small moves right (fit 0.02) on navy, flat". */
export function describeReading({ objects, background, style, wall }: Reading): string {
  const shapes = objects.map(({ shape, colours, size, path, halves, unexplained, track }) => {
    const names = colours.map(({ colour }) => colour ?? '?').join('>');
    const motion = path.motion ?? (halves === undefined ? 'no motion' : halves.join(', then '));
    const seen = track.filter((point) => point !== undefined).length;
    return `${size ?? '?'} ${names} ${shape ?? 'no shape'} ${motion} (unexplained ${unexplained.toFixed(3)}, in ${seen} frames)`;
  });
  const behind = wall === undefined ? '' : ', wall';
  return `${shapes.join(' + ') || 'nothing'} on ${background ?? 'nothing known'}, ${style ?? 'no style'}${behind}`;
}
