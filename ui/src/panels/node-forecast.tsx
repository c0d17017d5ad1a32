/** What a node is expected to take in the next run. */
import { bytesText, type Expected, expectedText, type NodeForecast } from '@reelgraph/graph';
import { useEditor } from '../app/editor-context.ts';
import { formatDuration } from '../state/durations.ts';
import { useSelected } from '../state/observable.ts';

export function NodeForecastSection({ id }: { id: string }) {
  const forecast = useSelected(useEditor().forecast, (answer) => answer?.forecast?.nodes[id]);
  if (forecast === undefined) return null;
  return (
    <section data-testid="node-forecast">
      <h3>In the next run</h3>
      <dl className="facts">
        <Facts forecast={forecast} />
      </dl>
    </section>
  );
}

function Facts({ forecast }: { forecast: NodeForecast }) {
  const { state, timeMs, peakBytes, resultBytes, samples, loadsModel, isFarOutside } = forecast;
  if (state === 'cached') return <Fact label="Result" text="from cache" />;
  if (state === 'not-needed') return <Fact label="Result" text="not needed: what it leads to is cached" />;
  if (timeMs === undefined) return <Fact label="Time" text="no data yet" />;
  const text = (expected: Expected, textOf: (amount: number) => string) => expectedText(expected, textOf);
  return (
    <>
      <Fact label="Time" text={text(timeMs, formatDuration)} />
      {loadsModel && <Fact label="With it" text="loading its model" />}
      {peakBytes && <Fact label="Peak memory" text={text(peakBytes, bytesText)} />}
      {resultBytes && resultBytes.likely >= 1 && <Fact label="Keeps" text={bytesText(resultBytes.likely)} />}
      <Fact label="Learnt from" text={`${samples} ${samples === 1 ? 'run' : 'runs'}`} />
      {isFarOutside && <Fact label="A guess" text="far outside of what was measured" />}
    </>
  );
}

function Fact({ label, text }: { label: string; text: string }) {
  return (
    <>
      <dt>{label}</dt>
      <dd>{text}</dd>
    </>
  );
}
