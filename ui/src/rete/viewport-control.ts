/** Where the view stands over the graph, and the ways to move it. Distances on screen are in px of the page. */
import type { AreaPlugin } from 'rete-area-plugin';
import type { Rect } from '../layout/geometry.ts';
import type { Point } from '../state/edits.ts';
import type { Scheme, SocketSignal } from './scheme.ts';
import { zoomLimits } from './wheel-zoom.ts';

/** Px left free around what is framed: wires that go back bow out beyond the last node. */
const framePad = 36;

export class ViewportControl {
  readonly #area: AreaPlugin<Scheme, SocketSignal>;
  #box = { left: 0, top: 0, width: 0, height: 0 };

  constructor(area: AreaPlugin<Scheme, SocketSignal>) {
    this.#area = area;
  }

  /** Reads where the canvas is on the page. Called when its size changes and at each press, not per frame. */
  measure(): void {
    const { left, top, width, height } = this.#area.container.getBoundingClientRect();
    this.#box = { left, top, width, height };
  }

  /** Where the canvas is on the page. */
  get box(): Readonly<{ left: number; top: number; width: number; height: number }> {
    return this.#box;
  }

  get zoom(): number {
    return this.#area.area.transform.k;
  }

  /** The part of the graph in sight. */
  visible(): Rect {
    const { x, y, k } = this.#area.area.transform;
    return { x: -x / k, y: -y / k, width: this.#box.width / k, height: this.#box.height / k };
  }

  toGraph(clientX: number, clientY: number): [number, number] {
    const { x, y, k } = this.#area.area.transform;
    return [(clientX - this.#box.left - x) / k, (clientY - this.#box.top - y) / k];
  }

  toScreen([x, y]: Point): { x: number; y: number } {
    const transform = this.#area.area.transform;
    return {
      x: x * transform.k + transform.x + this.#box.left,
      y: y * transform.k + transform.y + this.#box.top,
    };
  }

  /** Middle of what is seen, in the graph. */
  centre(): [number, number] {
    const view = this.visible();
    return [view.x + view.width / 2, view.y + view.height / 2];
  }

  panBy(dx: number, dy: number): void {
    const { x, y } = this.#area.area.transform;
    void this.#area.area.translate(x + dx, y + dy);
  }

  /** Zooms around the middle of the view. */
  zoomBy(factor: number): void {
    const { x, y, k } = this.#area.area.transform;
    const zoom = limited(k * factor);
    const shift = 1 - zoom / k;
    void this.#area.area.zoom(zoom, (this.#box.width / 2 - x) * shift, (this.#box.height / 2 - y) * shift);
  }

  /** Puts the middle of the view on a point of the graph, at a zoom or at the present one. */
  lookAt(x: number, y: number, zoom = this.zoom): void {
    if (zoom !== this.zoom) void this.#area.area.zoom(zoom, 0, 0);
    void this.#area.area.translate(this.#box.width / 2 - x * zoom, this.#box.height / 2 - y * zoom);
  }

  /**
   * Shows a part of the graph as large as fits, not larger than life. Where it would be smaller than `floor.zoom`,
   * its `floor.beginning` is shown at that zoom instead, at the left.
   */
  frame(part: Rect, floor?: { readonly zoom: number; readonly beginning: Rect }): void {
    this.measure();
    const { width, height } = this.#box;
    if (width === 0) return;
    const zoom = limited(
      Math.min(1, (width - 2 * framePad) / part.width, (height - 2 * framePad) / part.height),
    );
    if (floor && zoom < floor.zoom) {
      const { beginning } = floor;
      const seen = {
        width: (width - 2 * framePad) / floor.zoom,
        height: (height - 2 * framePad) / floor.zoom,
      };
      // Not further down than the part reaches.
      const top = Math.max(
        part.y,
        Math.min(beginning.y + (beginning.height - seen.height) / 2, part.y + part.height - seen.height),
      );
      this.lookAt(
        beginning.x + Math.min(part.width, seen.width) / 2,
        top + Math.min(part.height, seen.height) / 2,
        floor.zoom,
      );
      return;
    }
    this.lookAt(part.x + part.width / 2, part.y + part.height / 2, zoom);
  }
}

function limited(zoom: number): number {
  return Math.min(zoomLimits.max, Math.max(zoomLimits.min, zoom));
}
