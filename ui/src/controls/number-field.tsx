/**
 * A number: drag sideways to change it, arrows to step, click or type to enter it. It is plain text until then, so
 * a screen full of numbers stays cheap.
 */
import { type KeyboardEvent, type PointerEvent, useRef, useState } from 'react';
import { trimNumber } from '../state/facts-label.ts';
import { numberRange, readNumber, shareOfRange, snapNumber } from './number-value.ts';
import type { FieldProps } from './param-control.tsx';

/** Px of pointer travel per step, and before a press counts as a drag. */
const pxPerStep = 6;
const dragSlack = 3;

export function NumberField({
  fieldId,
  info,
  value,
  problem,
  onChange,
  onDone,
}: FieldProps<'integer' | 'number'>) {
  const range = numberRange(info);
  const number = typeof value === 'number' ? value : Number(value);
  const [typed, setTyped] = useState<string | undefined>(undefined);
  const drag = useRef<{ x: number; from: number; moved: boolean } | undefined>(undefined);

  const change = (next: number): void => {
    if (next !== number) onChange(next);
  };
  const commit = (text: string): void => {
    setTyped(undefined);
    const next = readNumber(text, range);
    if (next !== undefined) change(next);
    onDone();
  };

  if (typed !== undefined) {
    return (
      <input
        id={fieldId}
        className="number-input"
        data-testid={fieldId}
        inputMode="decimal"
        value={typed}
        // biome-ignore lint/a11y/noAutofocus: the person just asked to type here
        autoFocus
        onFocus={(event) => event.target.select()}
        onChange={(event) => setTyped(event.target.value)}
        onBlur={(event) => commit(event.target.value)}
        onKeyDown={(event) => {
          event.stopPropagation();
          if (event.key === 'Enter') commit(event.currentTarget.value);
          if (event.key === 'Escape') setTyped(undefined);
        }}
      />
    );
  }

  const onPointerDown = (event: PointerEvent<HTMLElement>): void => {
    if (event.button !== 0) return;
    event.currentTarget.setPointerCapture(event.pointerId);
    drag.current = { x: event.clientX, from: number, moved: false };
  };
  const onPointerMove = (event: PointerEvent<HTMLElement>): void => {
    const start = drag.current;
    if (!start) return;
    const travel = event.clientX - start.x;
    if (!start.moved && Math.abs(travel) < dragSlack) return;
    start.moved = true;
    const fine = event.shiftKey ? 0.2 : 1;
    const span = (range.max - range.min) / range.step;
    // A wide range moves faster, so that its ends can be reached in one drag.
    const perStep = Math.max(0.5, Math.min(pxPerStep, 600 / span));
    change(snapNumber(start.from + (travel / perStep) * fine * range.step, range));
  };
  const onPointerUp = (): void => {
    const start = drag.current;
    drag.current = undefined;
    if (start && !start.moved) setTyped(String(number));
    else onDone();
  };
  const onKeyDown = (event: KeyboardEvent<HTMLElement>): void => {
    const steps: Record<string, number> = {
      ArrowUp: 1,
      ArrowRight: 1,
      ArrowDown: -1,
      ArrowLeft: -1,
      PageUp: 10,
      PageDown: -10,
    };
    const by = steps[event.key];
    if (by !== undefined) {
      event.preventDefault();
      event.stopPropagation();
      change(snapNumber(number + by * (event.shiftKey ? 10 : 1) * range.step, range));
    } else if (event.key === 'Home' || event.key === 'End') {
      event.preventDefault();
      event.stopPropagation();
      change(event.key === 'Home' ? range.min : range.max);
    } else if (event.key === 'Enter' || /^[0-9.,-]$/.test(event.key)) {
      event.preventDefault();
      event.stopPropagation();
      setTyped(event.key === 'Enter' ? String(number) : event.key);
    }
  };
  const share = shareOfRange(number, range);
  // Shown as a word, 0 needs no unit.
  const word = number === 0 ? info.zeroLabel : undefined;
  return (
    <div
      id={fieldId}
      className="number"
      role="spinbutton"
      tabIndex={0}
      aria-label={info.label}
      aria-valuenow={number}
      aria-valuemin={info.min}
      aria-valuemax={info.max}
      aria-valuetext={word ?? (info.unit ? `${number} ${info.unit}` : String(number))}
      aria-invalid={problem !== undefined}
      data-testid={fieldId}
      onPointerDown={onPointerDown}
      onPointerMove={onPointerMove}
      onPointerUp={onPointerUp}
      onPointerCancel={onPointerUp}
      onKeyDown={onKeyDown}
      onBlur={onDone}
    >
      {share !== undefined && <span className="number-bar" style={{ transform: `scaleX(${share})` }} />}
      <span className="number-text">
        {word ?? (Number.isFinite(number) ? trimNumber(number) : '–')}
        {info.unit && word === undefined && <small>{info.unit}</small>}
      </span>
    </div>
  );
}
