/** The models of the server: what they are, what they allow, what is wrong with one and what to do about it. */
import { bytesText } from '@reelgraph/graph';
import type { ModelSummary } from '@reelgraph/protocol';
import { useCallback, useEffect, useState } from 'react';
import { useEditor } from '../app/editor-context.ts';
import { Icon } from '../controls/icon.tsx';
import { useObservable } from '../state/observable.ts';
import { Dialog } from './dialog.tsx';

/** How often progress is asked for while a model is read. */
const lookAgainMs = 400;

export function ModelsDialog() {
  const editor = useEditor();
  const models = useObservable(editor.models);
  const [problem, setProblem] = useState<string>();
  const [runsOn, setRunsOn] = useState<string>();
  const isReading = models.some((model) => model.verification?.isRunning === true);

  const look = useCallback(async (): Promise<void> => {
    try {
      editor.models.set(await editor.client.listModels());
      setProblem(undefined);
    } catch {
      setProblem('The server does not tell its models now.');
    }
  }, [editor]);
  // Packages come and go beside the editor: what is there now is asked for when somebody looks.
  useEffect(() => void look(), [look]);
  useEffect(() => {
    editor.client.getDevices().then(
      ({ device, message }) => setRunsOn(message ?? `Models run on ${device}.`),
      () => undefined,
    );
  }, [editor]);
  useEffect(() => {
    if (!isReading) return undefined;
    const timer = setInterval(() => void look(), lookAgainMs);
    return () => clearInterval(timer);
  }, [isReading, look]);

  const verify = async (name: string): Promise<void> => {
    try {
      await editor.client.verifyModel(name);
      await look();
    } catch (error) {
      setProblem(error instanceof Error ? error.message : 'It could not be begun.');
    }
  };

  return (
    <Dialog title="Models" className="models">
      {problem !== undefined && (
        <p className="model-problem" role="alert">
          {problem}
        </p>
      )}
      <ul>
        {models.map((model) => (
          <li key={model.name} data-testid={`model-${model.name}`}>
            <ModelEntry model={model} isReading={isReading} onVerify={() => void verify(model.name)} />
          </li>
        ))}
      </ul>
      {runsOn !== undefined && (
        <p className="param-help" data-testid="models-device">
          {runsOn}
        </p>
      )}
      <section className="model-help">
        <h3>Another model</h3>
        <p className="param-help">
          A model is a folder of ONNX graphs. Put it into the folder <code>models</code> of the data folder,
          or bring it there with <code>reelgraph models import FOLDER</code>, which copies and verifies it. It
          is found at once.
        </p>
      </section>
    </Dialog>
  );
}

interface EntryProps {
  readonly model: ModelSummary;
  readonly isReading: boolean;
  readonly onVerify: () => void;
}

const statusTexts: Readonly<Record<ModelSummary['status'], string>> = {
  ready: 'Ready',
  damaged: 'Damaged',
  refused: 'Not allowed here',
};

function ModelEntry({ model, isReading, onVerify }: EntryProps) {
  const {
    title,
    name,
    family,
    byteLength,
    status,
    digest,
    problem,
    hint,
    source,
    isEmbedded,
    missing = [],
  } = model;
  return (
    <>
      <header>
        <strong>{title}</strong>
        <span className={`model-status ${status}`}>{statusTexts[status]}</span>
      </header>
      <dl>
        <div>
          <dt>Name</dt>
          <dd>{isEmbedded ? `${name}, comes with Reelgraph` : name}</dd>
        </div>
        <div>
          <dt>Family</dt>
          <dd>{family}</dd>
        </div>
        <div>
          <dt>Size</dt>
          <dd>{bytesText(byteLength)}</dd>
        </div>
        <div>
          <dt>Licence</dt>
          <dd data-testid="model-licence">{licenceText(model)}</dd>
        </div>
        {source !== undefined && (
          <div>
            <dt>From</dt>
            <dd>{source}</dd>
          </div>
        )}
        <div>
          <dt>SHA-256</dt>
          <dd>
            {digest === undefined ? 'Not read yet' : <code title={digest}>{digest.slice(0, 16)}…</code>}
          </dd>
        </div>
      </dl>
      {problem !== undefined && (
        <p className="model-problem">
          <Icon name="alert" size={13} /> {problem}
        </p>
      )}
      {missing.length > 0 && (
        <p className="param-help" data-testid="model-missing">
          Missing: {missing.join(', ')}
        </p>
      )}
      {hint !== undefined && <p className="param-help">{hint}</p>}
      <Parts model={model} />
      <footer>
        <button type="button" disabled={isReading} data-testid="verify-model" onClick={onVerify}>
          <Icon name="check" size={13} /> Verify
        </button>
        <Verdict model={model} />
      </footer>
    </>
  );
}

function Parts({ model: { parts } }: { readonly model: ModelSummary }) {
  return (
    <details>
      <summary>
        {parts.length} {parts.length === 1 ? 'part' : 'parts'}
      </summary>
      <table>
        <tbody>
          {parts.map(({ part, byteLength, licence, commercialUse }) => (
            <tr key={part}>
              <th scope="row">{part}</th>
              <td>{bytesText(byteLength)}</td>
              <td className={commercialUse === 'no' ? 'forbidden' : ''}>{licence}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </details>
  );
}

/** How far the reading is, or what it found. */
function Verdict({ model: { verification } }: { readonly model: ModelSummary }) {
  if (verification === undefined) return null;
  const { isRunning, done, total, problems } = verification;
  if (isRunning)
    return (
      <label>
        <progress max={total === 0 ? undefined : total} value={total === 0 ? undefined : done} />
        {total === 0 ? 'Begins …' : `${bytesText(done)} of ${bytesText(total)}`}
      </label>
    );
  return (
    <span role="status" data-testid="model-verdict">
      {problems.length === 0 ? 'Whole: every byte was read, every graph opens.' : problems.join(' ')}
    </span>
  );
}

const useTexts: Readonly<Record<ModelSummary['parts'][number]['commercialUse'], string>> = {
  yes: 'commercial use allowed',
  conditions: 'commercial use on conditions',
  no: 'not for commercial use',
  unknown: 'commercial use unknown',
};

/** What is least allowed counts for the whole. */
function licenceText({ licence, parts }: ModelSummary): string {
  const names = [...new Set([licence, ...parts.map((part) => part.licence)])].join(', ');
  const uses = parts.map((part) => part.commercialUse);
  const least = (['no', 'unknown', 'conditions'] as const).find((use) => uses.includes(use)) ?? 'yes';
  return `${names} (${useTexts[least]})`;
}
