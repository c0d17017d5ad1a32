/** Durations and sizes as people read them. What would round up to the next unit is written in that. */

export function durationText(ms: number): string {
  const wholeMs = Math.round(ms);
  if (wholeMs < 100) return `${wholeMs} ms`;
  const tenths = (ms / 1000).toFixed(1);
  if (Number(tenths) < 60) return `${tenths} s`;
  const seconds = Math.round(ms / 1000);
  const rest = seconds % 60;
  return `${Math.floor(seconds / 60)} min${rest === 0 ? '' : ` ${rest} s`}`;
}

export function bytesText(bytes: number): string {
  const whole = Math.round(bytes);
  if (whole < 1024) return `${whole} B`;
  const inUnit = (power: number): string => (bytes / 1024 ** power).toFixed(1);
  if (Number(inUnit(1)) < 1024) return `${inUnit(1)} KiB`;
  if (Number(inUnit(2)) < 1024) return `${inUnit(2)} MiB`;
  return `${inUnit(3)} GiB`;
}
