import type { GraphIssue } from '@reelgraph/graph';
import { applyFix } from '../actions/fixes.ts';
import { jumpToNode } from '../actions/graph-actions.ts';
import { useEditor } from '../app/editor-context.ts';
import { Icon } from '../controls/icon.tsx';
import { messageOnNode } from '../state/issue-text.ts';

interface IssueListProps {
  readonly issues: readonly GraphIssue[];
  /** Offers to go to the node of each. */
  readonly titleOf?: (nodeId: string) => string;
}

/** Problems with what repairs them. */
export function IssueList({ issues, titleOf }: IssueListProps) {
  const editor = useEditor();
  return (
    <ul className="issues">
      {issues.map((issue) => {
        const { fix, nodeId } = issue;
        return (
          <li
            key={`${issue.code} ${nodeId ?? ''} ${issue.port ?? ''} ${issue.param ?? ''} ${issue.message}`}
            className={issue.severity}
            data-testid="issue"
          >
            <Icon name="alert" size={14} />
            <div>
              {titleOf && nodeId !== undefined && (
                <button type="button" className="link" onClick={() => jumpToNode(editor, nodeId)}>
                  {titleOf(nodeId)}
                </button>
              )}
              <p>{messageOnNode(issue)}</p>
              {fix && (
                <button type="button" className="fix" onClick={() => applyFix(editor, fix)}>
                  {fix.label}
                </button>
              )}
            </div>
          </li>
        );
      })}
    </ul>
  );
}
