/** Zoom by wheel and pinch. Unlike rete's: no zoom on double-click, and a text field under the pointer scrolls. */
import { Zoom } from 'rete-area-plugin';

export const zoomLimits = { min: 0.08, max: 2.5 } as const;

export class WheelZoom extends Zoom {
  constructor(onPan: (dx: number, dy: number) => void) {
    super(0.1);
    const zoomBy = this.wheel;
    this.wheel = (event) => {
      if (!event.ctrlKey && scrollsUnder(event)) return;
      // Sideways movement comes from a trackpad (or Shift+wheel): that pans, as everywhere else.
      if (!event.ctrlKey && event.deltaX !== 0) {
        event.preventDefault();
        onPan(-event.deltaX, -event.deltaY);
        return;
      }
      zoomBy(event);
    };
    this.dblclick = () => {};
  }
}

/** Whether a focused or overflowing field under the pointer would take the wheel itself. */
function scrollsUnder(event: WheelEvent): boolean {
  const field = event.target instanceof Element ? event.target.closest('textarea, [data-scrolls]') : null;
  return field instanceof HTMLElement && field.scrollHeight > field.clientHeight + 1;
}
