/**
 * What is wrong with a node, in words, hung under it: the node itself keeps its height. One line of each is shown,
 * all of it while the node is selected or pointed at, so that the node below is not covered for long.
 */
import type { GraphIssue, NodeRunState } from '@reelgraph/graph';
import { applyFix } from '../actions/fixes.ts';
import { useEditor } from '../app/editor-context.ts';
import { Icon } from '../controls/icon.tsx';
import { messageOnNode } from '../state/issue-text.ts';

interface NodeTroubleProps {
  readonly id: string;
  readonly run: NodeRunState | undefined;
  readonly issues: readonly GraphIssue[];
  readonly known: boolean;
  readonly type: string;
}

export function NodeTrouble({ id, run, issues, known, type }: NodeTroubleProps) {
  const editor = useEditor();
  const failure = run?.status === 'failed' ? run.error : undefined;
  const shown = issues.slice(0, 2);
  if (!failure && shown.length === 0 && known) return null;
  return (
    <div className="trouble" data-testid={`trouble-${id}`} onPointerDown={(event) => event.stopPropagation()}>
      {failure && (
        <p className="error" role="alert">
          <Icon name="alert" size={13} />
          <span>
            {failure.message}
            {failure.cause && ` (${failure.cause})`}
            {failure.hint && <em>{failure.hint}</em>}
          </span>
        </p>
      )}
      {!known && shown.length === 0 && (
        <p className="error">
          <Icon name="alert" size={13} />
          <span>The node type “{type}” is not installed here.</span>
        </p>
      )}
      {shown.map((issue) => {
        const { fix } = issue;
        return (
          <p key={`${issue.code} ${issue.port ?? ''} ${issue.param ?? ''}`} className={issue.severity}>
            <Icon name="alert" size={13} />
            {fix && (
              <button type="button" className="fix" title={fix.label} onClick={() => applyFix(editor, fix)}>
                {fix.label}
              </button>
            )}
            <span>{messageOnNode(issue)}</span>
          </p>
        );
      })}
      {issues.length > shown.length && (
        <button
          type="button"
          className="fix"
          onClick={() => editor.panel.set({ open: true, tab: 'problems' })}
        >
          {issues.length - shown.length} more
        </button>
      )}
    </div>
  );
}
