/** Outlines of the shapes as signed distances, in pixels; negative inside. */
import { reach, type Shape } from './words.ts';

/** Half the side of a square of the same area as the circle of radius 1. */
export const squareHalfSide = 0.886227;
/** Inradius of the triangle of radius 1; its corners lie at twice that. */
export const triangleInradius = 0.65;
/** Inner corners of the star of radius 1; its tips lie at 1.3, the reach. */
export const starInner = 0.62;
/** Middle line of the ring of radius 1, and half its width. */
export const ringMiddle = 0.78;
export const ringHalfWidth = 0.27;

// The normal of the star's first fold, and the outline's one straight edge after both folds.
const foldX = 0.80901699;
const foldY = -0.58778525;
const edgeX = starInner * 0.58778525;
const edgeY = starInner * 0.80901699 - reach;
const edgeLength = Math.hypot(edgeX, edgeY);

/**
 * Signed distance of (x, y) from a shape of radius `r` at the origin, turned by the angle whose cosine and
 * sine are given; y points down.
 */
export function distanceToShape(
  shape: Shape,
  x: number,
  y: number,
  r: number,
  cos: number,
  sin: number,
): number {
  if (shape === 'circle') return Math.sqrt(x * x + y * y) - r;
  if (shape === 'ring') return Math.abs(Math.sqrt(x * x + y * y) - ringMiddle * r) - ringHalfWidth * r;
  let qx = cos * x + sin * y;
  let qy = cos * y - sin * x;
  if (shape === 'square') return Math.max(Math.abs(qx), Math.abs(qy)) - squareHalfSide * r;
  if (shape === 'triangle') {
    return Math.max(0.8660254 * Math.abs(qx) - 0.5 * qy, qy) - triangleInradius * r;
  }
  // A star: the plane is folded into a tenth of the turn, where the outline is one straight edge from the
  // tip (0, -reach r) to the inner corner.
  qx = Math.abs(qx);
  qy = -qy;
  let over = 2 * Math.max(0, foldX * qx + foldY * qy);
  qx -= over * foldX;
  qy -= over * foldY;
  over = 2 * Math.max(0, -foldX * qx + foldY * qy);
  qx += over * foldX;
  qy -= over * foldY;
  qx = Math.abs(qx);
  return (qx * -edgeY + (qy - reach * r) * edgeX) / edgeLength;
}
