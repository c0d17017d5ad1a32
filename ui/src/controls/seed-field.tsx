/** A seed: type it, throw the dice, or have it thrown before each run. */
import { useState } from 'react';
import { useEditor } from '../app/editor-context.ts';
import { useSelected } from '../state/observable.ts';
import { parseSeed, randomSeed } from '../state/seeds.ts';
import { Icon } from './icon.tsx';
import type { FieldProps } from './param-control.tsx';

export function SeedField({
  fieldId,
  value,
  problem,
  onChange,
  onDone,
  address,
}: FieldProps<'seed'> & { readonly address: string }) {
  const editor = useEditor();
  const rolling = useSelected(editor.rollingSeeds, (seeds) => seeds.has(address));
  const [typed, setTyped] = useState<string | undefined>(undefined);
  const commit = (): void => {
    const seed = typed === undefined ? undefined : parseSeed(typed);
    if (seed !== undefined) onChange(seed);
    setTyped(undefined);
    onDone();
  };
  return (
    <span className="seed">
      <input
        id={fieldId}
        type="text"
        inputMode="numeric"
        autoComplete="off"
        data-testid={fieldId}
        value={typed ?? String(value)}
        aria-invalid={problem !== undefined || (typed !== undefined && parseSeed(typed) === undefined)}
        onChange={(event) => setTyped(event.target.value)}
        onBlur={commit}
        onKeyDown={(event) => {
          if (event.key === 'Enter') commit();
          if (event.key === 'Escape') setTyped(undefined);
        }}
      />
      <button
        type="button"
        className="icon-button"
        title="New random seed"
        aria-label="New random seed"
        onClick={() => {
          onChange(randomSeed());
          onDone();
        }}
      >
        <Icon name="dice" size={14} />
      </button>
      <button
        type="button"
        className={`icon-button ${rolling ? 'on' : ''}`}
        aria-pressed={rolling}
        title={rolling ? 'A new seed for each run: on' : 'A new seed for each run: off'}
        aria-label="A new seed for each run"
        onClick={() =>
          editor.rollingSeeds.update((seeds) => {
            const next = new Set(seeds);
            if (!next.delete(address)) next.add(address);
            return next;
          })
        }
      >
        <Icon name="repeat" size={14} />
      </button>
    </span>
  );
}
