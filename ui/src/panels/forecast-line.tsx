/** What the next run is expected to take, beside the button that starts it. */
import { bytesText, forecastText, isAllCached, type RunForecast } from '@reelgraph/graph';
import { useEditor } from '../app/editor-context.ts';
import { formatDuration } from '../state/durations.ts';
import { useObservable } from '../state/observable.ts';

export function ForecastLine() {
  const answer = useObservable(useEditor().forecast);
  if (answer?.forecast === undefined) return null;
  const { forecast, refusal } = answer;
  const title = [
    forecastText(forecast),
    ...(refusal === undefined ? [] : [refusal.message, refusal.hint]),
  ].join('\n');
  return (
    <span
      className={refusal === undefined ? 'forecast' : 'forecast over-budget'}
      title={title}
      data-testid="forecast"
    >
      {refusal === undefined ? '' : 'over budget: '}
      {inShort(forecast)}
    </span>
  );
}

/** `≈ 3.1 s · 244.0 MiB`. */
function inShort(forecast: RunForecast): string {
  const { timeMs, peakBytes, unknown, nodes } = forecast;
  if (isAllCached(forecast)) return 'from cache';
  const running = Object.values(nodes).filter(({ state }) => state === 'runs').length;
  if (timeMs === undefined || unknown.length === running) return 'no data yet';
  const time = `${unknown.length > 0 ? '>' : '≈'} ${formatDuration(timeMs.likely)}`;
  return peakBytes === undefined ? time : `${time} · ${bytesText(peakBytes.likely)}`;
}
