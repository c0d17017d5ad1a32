/**
 * Two canvases under the nodes. They lie in graph space, larger than the view, and so move with it for free: while
 * the view is panned nothing is painted again until it leaves what was painted.
 */
import type { Rect } from '../layout/geometry.ts';

/** Share of the view painted beyond each of its edges. */
const margin = 0.4;
/** Zoom may drift this far from the painted one before the picture is painted anew. */
const zoomDrift = 1.3;
/** Distance of the dots in graph px; the canvas starts on a multiple of it so that the dots stand still. */
export const gridStep = 24;

export class CanvasLayer {
  readonly still: HTMLCanvasElement;
  readonly moving: HTMLCanvasElement;
  readonly #still: CanvasRenderingContext2D;
  readonly #moving: CanvasRenderingContext2D;
  #region: Rect = { x: 0, y: 0, width: 0, height: 0 };
  #zoom = 0;
  #scale = 1;
  #movingIsEmpty = true;

  constructor(holder: HTMLElement) {
    this.still = document.createElement('canvas');
    this.moving = document.createElement('canvas');
    this.still.className = 'wires wires-still';
    this.moving.className = 'wires wires-moving';
    this.still.setAttribute('aria-hidden', 'true');
    this.moving.setAttribute('aria-hidden', 'true');
    holder.prepend(this.still, this.moving);
    this.#still = context(this.still);
    this.#moving = context(this.moving);
  }

  /** The painted part of the graph. */
  get region(): Rect {
    return this.#region;
  }

  /** Whether what was painted still fills the view, at about its zoom. */
  covers(view: Rect, zoom: number): boolean {
    const drift = this.#zoom === 0 ? Infinity : Math.max(zoom / this.#zoom, this.#zoom / zoom);
    const region = this.#region;
    return (
      drift < zoomDrift &&
      view.x >= region.x &&
      view.y >= region.y &&
      view.x + view.width <= region.x + region.width &&
      view.y + view.height <= region.y + region.height
    );
  }

  isSharp(zoom: number): boolean {
    return this.#zoom === zoom;
  }

  /** Moves the canvases around the view and clears them. */
  place(view: Rect, zoom: number): void {
    const ratio = Math.min(window.devicePixelRatio || 1, 2);
    const x = Math.floor((view.x - view.width * margin) / gridStep) * gridStep;
    const y = Math.floor((view.y - view.height * margin) / gridStep) * gridStep;
    const width = view.width * (1 + 2 * margin) + gridStep;
    const height = view.height * (1 + 2 * margin) + gridStep;
    this.#region = { x, y, width, height };
    this.#zoom = zoom;
    this.#scale = zoom * ratio;
    for (const canvas of [this.still, this.moving]) {
      const pixelWidth = Math.ceil(width * this.#scale);
      const pixelHeight = Math.ceil(height * this.#scale);
      if (canvas.width !== pixelWidth) canvas.width = pixelWidth;
      if (canvas.height !== pixelHeight) canvas.height = pixelHeight;
      canvas.style.left = `${x}px`;
      canvas.style.top = `${y}px`;
      canvas.style.width = `${width}px`;
      canvas.style.height = `${height}px`;
    }
    this.still.classList.toggle('with-grid', zoom >= 0.4);
    this.#movingIsEmpty = false;
  }

  /** The lower canvas, cleared, in graph px. */
  beginStill(): CanvasRenderingContext2D {
    return this.#begin(this.#still, this.still);
  }

  /** The upper canvas, cleared, in graph px. */
  beginMoving(): CanvasRenderingContext2D {
    this.#movingIsEmpty = false;
    return this.#begin(this.#moving, this.moving);
  }

  clearMoving(): void {
    if (this.#movingIsEmpty) return;
    this.#begin(this.#moving, this.moving);
    this.#movingIsEmpty = true;
  }

  #begin(target: CanvasRenderingContext2D, canvas: HTMLCanvasElement): CanvasRenderingContext2D {
    target.setTransform(1, 0, 0, 1, 0, 0);
    target.clearRect(0, 0, canvas.width, canvas.height);
    target.setTransform(
      this.#scale,
      0,
      0,
      this.#scale,
      -this.#region.x * this.#scale,
      -this.#region.y * this.#scale,
    );
    return target;
  }

  destroy(): void {
    this.still.remove();
    this.moving.remove();
  }
}

function context(canvas: HTMLCanvasElement): CanvasRenderingContext2D {
  const found = canvas.getContext('2d');
  if (!found) throw new Error('This browser gives no 2D canvas, which the editor draws on.');
  return found;
}
