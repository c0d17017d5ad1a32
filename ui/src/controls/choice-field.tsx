import type { FieldProps } from './param-control.tsx';

export function ChoiceField({ fieldId, info, value, problem, onChange, onDone }: FieldProps<'choice'>) {
  const known = info.options.some((option) => option.value === value);
  return (
    <select
      id={fieldId}
      data-testid={fieldId}
      value={String(value)}
      title={info.options.find((option) => option.value === value)?.label}
      aria-invalid={problem !== undefined || !known}
      onChange={(event) => {
        onChange(event.target.value);
        onDone();
      }}
    >
      {!known && <option value={String(value)}>{String(value)} (not offered)</option>}
      {info.options.map((option) => (
        <option key={option.value} value={option.value}>
          {option.label}
        </option>
      ))}
    </select>
  );
}
