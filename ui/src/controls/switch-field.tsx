import type { FieldProps } from './param-control.tsx';

export function SwitchField({ fieldId, value, onChange, onDone }: FieldProps<'boolean'>) {
  return (
    <span className="switch">
      <input
        id={fieldId}
        type="checkbox"
        role="switch"
        data-testid={fieldId}
        checked={value === true}
        aria-checked={value === true}
        onChange={(event) => {
          onChange(event.target.checked);
          onDone();
        }}
      />
    </span>
  );
}
