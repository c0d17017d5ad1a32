/** Whether the person asked the system for less movement; then nothing plays before it is asked to. */
export function prefersReducedMotion(): boolean {
  return window.matchMedia('(prefers-reduced-motion: reduce)').matches;
}
