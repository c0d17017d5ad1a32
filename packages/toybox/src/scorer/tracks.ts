/** Links the patches of successive frames into tracks, also across frames in which nothing is seen. */
import type { Clip } from '../world/clip.ts';
import type { Patch } from './foreground.ts';

/** One thing followed through a clip: its patch in each frame, undefined where it is not seen. */
export interface PatchTrack {
  readonly patches: readonly (Patch | undefined)[];
}

interface OpenTrack {
  patches: (Patch | undefined)[];
  last: Patch;
  /** Pixels per frame. */
  vx: number;
  vy: number;
}

/** Farthest a centre may jump from where it was expected, in shorter sides; a falling shape gains 0.13 a frame. */
const gate = 0.24;
/** What a change of colour counts as, in shorter sides: less than the gate, since shapes may turn another colour. */
const colourPenalty = 0.12;

function isOtherColour(a: Patch, b: Patch): boolean {
  return a.colour !== undefined && b.colour !== undefined && a.colour !== b.colour;
}

/** Which sides of a patch frame or wall may cut off. */
export interface Cuts {
  readonly left: boolean;
  readonly right: boolean;
}

/** Tracks of at least a few frames, in order of their first frame. */
export function linkPatches(
  clip: Clip,
  patches: readonly (readonly Patch[])[],
  cutsOf: (patch: Patch) => Cuts,
): PatchTrack[] {
  const short = Math.min(clip.width, clip.height);
  const tracks: OpenTrack[] = [];
  /** Travel in pixels by a side of it that is not cut off: the middle of what is cut off seems to stop. */
  const travel = (from: Patch, to: Patch) => {
    const [a, b] = [cutsOf(from), cutsOf(to)];
    if (a.right || b.right) return to.x0 - from.x0;
    return a.left || b.left ? to.x1 - from.x1 : to.x - from.x;
  };
  patches.forEach((here, f) => {
    const pairs: { track: OpenTrack; patch: Patch; cost: number }[] = [];
    for (const track of tracks) {
      const gap = f - track.last.frame;
      for (const patch of here) {
        const ahead = Math.hypot(
          patch.x - track.last.x - track.vx * gap,
          patch.y - track.last.y - track.vy * gap,
        );
        const back = Math.hypot(patch.x - track.last.x, patch.y - track.last.y);
        const jump = Math.min(ahead, back) / short;
        if (jump > gate + 0.06 * (gap - 1)) continue;
        // A sliver and a whole shape are hardly the same thing, unless one comes out of hiding.
        const ratio =
          Math.min(patch.pixels.length, track.last.pixels.length) /
          Math.max(patch.pixels.length, track.last.pixels.length);
        const sizePenalty = ratio < 0.3 ? 0.06 : 0;
        pairs.push({
          track,
          patch,
          cost:
            jump + sizePenalty + (isOtherColour(patch, track.last) ? colourPenalty : 0) + 0.002 * (gap - 1),
        });
      }
    }
    pairs.sort((a, b) => a.cost - b.cost);
    const usedTracks = new Set<OpenTrack>();
    const usedPatches = new Set<Patch>();
    for (const { track, patch, cost } of pairs) {
      if (usedTracks.has(track) || usedPatches.has(patch) || cost > gate + 0.06 * (f - track.last.frame))
        continue;
      usedTracks.add(track);
      usedPatches.add(patch);
      const earlier =
        track.patches.slice(Math.max(0, f - 5), f).find((other) => other !== undefined) ?? track.last;
      track.vx = travel(earlier, patch) / (f - earlier.frame);
      track.vy = (patch.y - earlier.y) / (f - earlier.frame);
      track.last = patch;
      track.patches[f] = patch;
    }
    for (const patch of here) {
      if (usedPatches.has(patch)) continue;
      const own: (Patch | undefined)[] = Array.from({ length: patches.length }, () => undefined);
      own[f] = patch;
      tracks.push({ patches: own, last: patch, vx: 0, vy: 0 });
    }
  });
  return joinHandovers(tracks, short);
}

/** Most frames in which a shape may fall apart into its old and its new colour while it turns. */
const mostTurning = 3;

/** Joins a track that ends to one that begins in its place, as when a shape falls apart while it turns another colour. */
function joinHandovers(tracks: readonly PatchTrack[], short: number): PatchTrack[] {
  const joined: (Patch | undefined)[][] = tracks.map(({ patches }) => [...patches]);
  const framesOf = (patches: readonly (Patch | undefined)[]) =>
    patches.flatMap((patch, f) => (patch === undefined ? [] : [f]));
  for (let i = 0; i < joined.length; i++) {
    for (let k = 0; k < joined.length; k++) {
      if (i === k) continue;
      const [a, b] = [joined[i]!, joined[k]!];
      const [framesA, framesB] = [framesOf(a), framesOf(b)];
      const [endA, startB] = [framesA.at(-1), framesB[0]];
      if (endA === undefined || startB === undefined || framesA[0]! >= startB || endA >= framesB.at(-1)!)
        continue;
      const overlap = endA - startB + 1;
      if (overlap > mostTurning || overlap < 0) continue;
      const [last, first] = [a[Math.min(endA, startB)] ?? a[endA]!, b[Math.max(startB, endA)] ?? b[startB]!];
      if (Math.hypot(last.x - first.x, last.y - first.y) > 0.12 * short) continue;
      for (const f of framesB) {
        const [before, after] = [a[f], b[f]!];
        a[f] = before === undefined ? after : before.pixels.length > after.pixels.length ? before : after;
        b[f] = undefined;
      }
    }
  }
  return joined.filter((patches) => patches.some(Boolean)).map((patches) => ({ patches }));
}
