/** Arithmetic of number fields: steps, bounds and reading what was typed. */
export interface NumberRange {
  readonly min: number;
  readonly max: number;
  readonly step: number;
  readonly integer: boolean;
}

export function numberRange(info: {
  readonly kind: 'integer' | 'number';
  readonly min: number;
  readonly max: number;
  readonly step?: number | undefined;
}): NumberRange {
  const integer = info.kind === 'integer';
  return {
    min: info.min,
    max: info.max,
    integer,
    step: info.step ?? (integer ? 1 : niceStep(info.max - info.min)),
  };
}

/** About a hundredth of the span, as 1, 2 or 5 times a power of ten. */
function niceStep(span: number): number {
  if (!(span > 0) || !Number.isFinite(span)) return 0.1;
  const raw = span / 100;
  const power = 10 ** Math.floor(Math.log10(raw));
  const lead = raw / power;
  return Math.min(1, (lead < 1.5 ? 1 : lead < 3.5 ? 2 : 5) * power);
}

/** The nearest allowed value: on the grid of steps that starts at `min`, inside the bounds. */
export function snapNumber(value: number, range: NumberRange): number {
  const steps = Math.round((value - range.min) / range.step);
  const snapped = Math.min(range.max, Math.max(range.min, range.min + steps * range.step));
  // 0.1 + 0.2: no digits finer than the step.
  const digits = Math.min(10, Math.max(0, Math.ceil(-Math.log10(range.step)) + 1));
  return range.integer ? Math.round(snapped) : Number(snapped.toFixed(digits));
}

/** What was typed, held to the bounds but not to the grid: a person may want exactly that. */
export function readNumber(text: string, range: NumberRange): number | undefined {
  const value = Number(text.trim().replace(',', '.'));
  if (text.trim() === '' || !Number.isFinite(value)) return undefined;
  const bounded = Math.min(range.max, Math.max(range.min, value));
  return range.integer ? Math.round(bounded) : bounded;
}

/** Share of the range below the value, 0..1; undefined for a range too wide to show as a bar. */
export function shareOfRange(value: number, range: NumberRange): number | undefined {
  const span = range.max - range.min;
  if (!(span > 0) || span / range.step > 2000) return undefined;
  return Math.min(1, Math.max(0, (value - range.min) / span));
}
