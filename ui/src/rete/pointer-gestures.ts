/**
 * What the pointer does where there is no node: pan (middle button, or space held, or one finger), select by
 * rectangle (left button), pick or cut a wire. Nodes and sockets are rete's.
 */
/** A rectangle in px of the page. */
export interface ClientRect {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

export interface GestureHost {
  readonly container: HTMLElement;
  panBy(dx: number, dy: number): void;
  /** Alt and a press on bare canvas; true when a wire was cut. */
  cutWire(event: PointerEvent): boolean;
  marquee(rect: ClientRect | undefined, event: PointerEvent): void;
  clickEmpty(event: PointerEvent): void;
}

/** Px the pointer may tremble in a click. */
const clickSlack = 4;

export function listenToGestures(host: GestureHost): () => void {
  const { container } = host;
  let spaceHeld = false;

  const isBare = (event: Event): boolean =>
    event.target instanceof Element && event.target.closest('.node-place, .over-canvas') === null;

  const follow = (
    event: PointerEvent,
    move: (event: PointerEvent) => void,
    end: (event: PointerEvent) => void,
  ): void => {
    const stop = (last: PointerEvent): void => {
      if (last.pointerId !== event.pointerId) return;
      window.removeEventListener('pointermove', step);
      window.removeEventListener('pointerup', stop);
      window.removeEventListener('pointercancel', stop);
      end(last);
    };
    const step = (next: PointerEvent): void => {
      if (next.pointerId === event.pointerId) move(next);
    };
    window.addEventListener('pointermove', step);
    window.addEventListener('pointerup', stop);
    window.addEventListener('pointercancel', stop);
  };

  const pan = (event: PointerEvent): void => {
    event.preventDefault();
    event.stopPropagation();
    container.classList.add('panning');
    let last = event;
    follow(
      event,
      (next) => {
        host.panBy(next.clientX - last.clientX, next.clientY - last.clientY);
        last = next;
      },
      () => container.classList.remove('panning'),
    );
  };

  const selectByRectangle = (event: PointerEvent): void => {
    let moved = false;
    const rectTo = (next: PointerEvent) => ({
      left: Math.min(event.clientX, next.clientX),
      top: Math.min(event.clientY, next.clientY),
      right: Math.max(event.clientX, next.clientX),
      bottom: Math.max(event.clientY, next.clientY),
    });
    follow(
      event,
      (next) => {
        moved ||= Math.hypot(next.clientX - event.clientX, next.clientY - event.clientY) > clickSlack;
        if (moved) host.marquee(rectTo(next), event);
      },
      (last) => {
        if (moved) host.marquee(undefined, last);
        else host.clickEmpty(last);
      },
    );
  };

  const onDown = (event: PointerEvent): void => {
    if (event.target instanceof Element && event.target.closest('.over-canvas')) return;
    if (event.button === 1 || (event.button === 0 && spaceHeld)) {
      pan(event);
      return;
    }
    if (!isBare(event)) return;
    container.focus({ preventScroll: true });
    if (event.button !== 0) return;
    if (event.pointerType === 'touch') {
      // Rete's own handler pans with one finger and zooms with two.
      return;
    }
    if (event.altKey && host.cutWire(event)) return;
    selectByRectangle(event);
  };

  const isTyping = (target: EventTarget | null): boolean =>
    target instanceof HTMLElement &&
    target.matches('input, textarea, select, button, [contenteditable="true"], [role="spinbutton"]');

  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.code !== 'Space' || isTyping(event.target)) return;
    if (document.activeElement === container || document.activeElement === document.body)
      event.preventDefault();
    spaceHeld = true;
    container.classList.add('space-held');
  };
  const onKeyUp = (event: KeyboardEvent): void => {
    if (event.code !== 'Space') return;
    spaceHeld = false;
    container.classList.remove('space-held');
  };
  const onBlur = (): void => {
    spaceHeld = false;
    container.classList.remove('space-held');
  };

  container.addEventListener('pointerdown', onDown, { capture: true });
  window.addEventListener('keydown', onKeyDown);
  window.addEventListener('keyup', onKeyUp);
  window.addEventListener('blur', onBlur);
  return () => {
    container.removeEventListener('pointerdown', onDown, { capture: true });
    window.removeEventListener('keydown', onKeyDown);
    window.removeEventListener('keyup', onKeyUp);
    window.removeEventListener('blur', onBlur);
  };
}
