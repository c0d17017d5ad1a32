/**
 * The control that fits a param, the same on the node and in the inspector. Every control writes through one edit;
 * what is typed or dragged in one go is one step of undo.
 */
import type { GraphIssue, ParamInfo, ParamValue } from '@reelgraph/graph';
import { memo } from 'react';
import { useEditor } from '../app/editor-context.ts';
import { setParam } from '../state/edits.ts';
import { messageOnNode } from '../state/issue-text.ts';
import { ChoiceField } from './choice-field.tsx';
import { FileField } from './file-field.tsx';
import { ModelField } from './model-field.tsx';
import { NumberField } from './number-field.tsx';
import { SeedField } from './seed-field.tsx';
import { SwitchField } from './switch-field.tsx';
import { TextField } from './text-field.tsx';

export interface FieldProps<T extends ParamInfo['kind']> {
  /** Unique on the page; ties label and field together. */
  readonly fieldId: string;
  readonly info: Extract<ParamInfo, { kind: T }>;
  readonly value: ParamValue;
  readonly problem: string | undefined;
  onChange(value: ParamValue): void;
  /** Ends the step of undo. */
  onDone(): void;
}

export interface ParamControlProps {
  readonly nodeId: string;
  readonly param: string;
  readonly info: ParamInfo;
  readonly value: ParamValue;
  readonly problem: GraphIssue | undefined;
  /** On the node: one line, explained by a tooltip. In the inspector: with its description. */
  readonly compact: boolean;
}

export const ParamControl = memo(function ParamControl(props: ParamControlProps) {
  const { nodeId, param, info, value, compact } = props;
  const told = props.problem && messageOnNode(props.problem);
  // A warning does not make the value a wrong one.
  const problem = props.problem?.severity === 'error' ? told : undefined;
  const mark = problem !== undefined ? 'has-problem' : told !== undefined ? 'has-caution' : '';
  const editor = useEditor();
  const fieldId = `${compact ? 'node' : 'inspector'}-${nodeId}-${param}`;
  const field = {
    fieldId,
    value,
    problem,
    onChange: (next: ParamValue): void => {
      const mergeKey = `param ${nodeId} ${param}`;
      editor.document.edit(
        `Change ${info.label.toLowerCase()}`,
        (draft) => {
          setParam(draft, nodeId, param, next);
        },
        { mergeKey },
      );
    },
    onDone: (): void => editor.document.seal(),
  };
  const tall = (info.kind === 'text' && info.multiline) || info.kind === 'file';
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: only keeps presses from reaching the canvas
    <div
      className={`param ${tall ? 'tall' : ''} ${mark} kind-${info.kind}`}
      title={compact ? `${info.description}${told ? `\n⚠ ${told}` : ''}` : undefined}
      // A press in a control is for the control and must not drag the node.
      onPointerDown={compact ? (event) => event.stopPropagation() : undefined}
      onDoubleClick={(event) => event.stopPropagation()}
    >
      <label htmlFor={fieldId}>{info.label}</label>
      {fieldFor(info, field, `${nodeId}.${param}`)}
      {!compact && <p className="param-help">{info.description}</p>}
      {!compact && told && <p className={problem ? 'param-problem' : 'param-caution'}>{told}</p>}
    </div>
  );
});

function fieldFor(info: ParamInfo, field: Omit<FieldProps<ParamInfo['kind']>, 'info'>, address: string) {
  switch (info.kind) {
    case 'text':
      return <TextField {...field} info={info} />;
    case 'integer':
    case 'number':
      return <NumberField {...field} info={info} />;
    case 'seed':
      return <SeedField {...field} info={info} address={address} />;
    case 'choice':
      return <ChoiceField {...field} info={info} />;
    case 'boolean':
      return <SwitchField {...field} info={info} />;
    case 'model':
      return <ModelField {...field} info={info} />;
    case 'file':
      return <FileField {...field} info={info} />;
  }
}
