/** Says a reading in one line, for people who look for what went wrong. */
import type { Reading } from './reading.ts';

/** What was read, for example "circle red>blue small moves right (fit 0.02) on navy, flat". */
export function describeReading({ objects, background, style, wall, box, camera }: Reading): string {
  const shapes = objects.map(({ shape, colours, size, path, halves, unexplained, track, bite, paint }) => {
    const names = colours.map(({ colour }) => colour ?? '?').join('>');
    const motion = path.motion ?? (halves === undefined ? 'no motion' : halves.join(', then '));
    const seen = track.filter((point) => point !== undefined).length;
    const changes = [
      ...(bite === undefined ? [] : [`bite from ${bite.from}, kept ${bite.kept.toFixed(2)}`]),
      ...(paint === undefined ? [] : [`${paint.colour} line, kept ${paint.kept.toFixed(2)}`]),
    ];
    return `${size ?? '?'} ${names} ${shape ?? 'no shape'} ${motion} (unexplained ${unexplained.toFixed(3)}, in ${seen} frames${changes.map((change) => `, ${change}`).join('')})`;
  });
  if (box !== undefined)
    shapes.push(`${box.colour} box, camera ${box.camera ?? '?'} (unexplained ${box.unexplained.toFixed(3)})`);
  const eye = camera === undefined ? '' : `, camera ${camera.move}`;
  const behind = wall === undefined ? '' : ', wall';
  return `${shapes.join(' + ') || 'nothing'} on ${background ?? 'nothing known'}, ${style ?? 'no style'}${behind}${eye}`;
}
