import type { FieldProps } from './param-control.tsx';

export function TextField({ fieldId, info, value, problem, onChange, onDone }: FieldProps<'text'>) {
  const shared = {
    id: fieldId,
    value: String(value),
    maxLength: info.maxLength,
    placeholder: info.placeholder ? `for example: ${info.placeholder}` : '',
    spellCheck: false,
    'aria-invalid': problem !== undefined,
    'data-testid': fieldId,
    onBlur: onDone,
  };
  return info.multiline ? (
    <textarea {...shared} rows={3} onChange={(event) => onChange(event.target.value)} />
  ) : (
    <input {...shared} type="text" onChange={(event) => onChange(event.target.value)} />
  );
}
