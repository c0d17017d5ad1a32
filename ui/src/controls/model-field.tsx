import { useEditor } from '../app/editor-context.ts';
import { useObservable } from '../state/observable.ts';
import type { FieldProps } from './param-control.tsx';

/** Picks one of the installed models; a model that is not here stays chosen and is said to be missing. */
export function ModelField({ fieldId, value, problem, onChange, onDone }: FieldProps<'model'>) {
  const models = useObservable(useEditor().models);
  const known = models.some((model) => model.name === value);
  return (
    <select
      id={fieldId}
      data-testid={fieldId}
      value={String(value)}
      aria-invalid={problem !== undefined || (models.length > 0 && !known)}
      onChange={(event) => {
        onChange(event.target.value);
        onDone();
      }}
    >
      {!known && (
        <option value={String(value)}>
          {value === '' ? 'Choose a model' : `${value}${models.length > 0 ? ' (not installed)' : ''}`}
        </option>
      )}
      {models.map((model) => (
        <option key={model.name} value={model.name} disabled={model.status !== 'ready'}>
          {model.title}
          {model.status === 'damaged' ? ' (damaged)' : ''}
          {model.status === 'refused' ? ' (not allowed by its licence)' : ''}
        </option>
      ))}
    </select>
  );
}
