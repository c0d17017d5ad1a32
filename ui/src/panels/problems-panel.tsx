import type { GraphIssue } from '@reelgraph/graph';
import { useEditor } from '../app/editor-context.ts';
import { typeOfNode } from '../state/catalogue.ts';
import { useObservable } from '../state/observable.ts';
import { IssueList } from './issue-list.tsx';

/** What keeps the workflow from running, what went wrong in the last run, and the way to each node. */
export function ProblemsPanel() {
  const editor = useEditor();
  const { issues } = useObservable(editor.check);
  const run = useObservable(editor.runs.shown);
  const catalogue = useObservable(editor.catalogue);
  const document = useObservable(editor.document);
  const titleOf = (id: string): string =>
    document.nodes[id]?.title ?? typeOfNode(catalogue, document, id).title;
  const failures: GraphIssue[] = Object.entries(run?.nodes ?? {}).flatMap(([nodeId, node]) =>
    node.error
      ? [
          {
            code: node.error.code,
            severity: 'error' as const,
            nodeId,
            message: [node.error.message, node.error.hint].filter(Boolean).join(' '),
          },
        ]
      : [],
  );
  if (run?.error && failures.length === 0) {
    failures.push({
      code: run.error.code,
      severity: 'error',
      message: [run.error.message, run.error.hint].filter(Boolean).join(' '),
    });
  }
  if (failures.length + issues.length === 0 && Object.keys(document.nodes).length === 0)
    return <p className="nothing">The workflow is empty. Add nodes, then run it.</p>;
  if (failures.length + issues.length === 0)
    return <p className="nothing">No problems. The workflow can run.</p>;
  return (
    <>
      {failures.length > 0 && (
        <section>
          <h3>In the last run</h3>
          <IssueList issues={failures} titleOf={titleOf} />
        </section>
      )}
      {issues.length > 0 && (
        <section>
          <h3>In the workflow</h3>
          <IssueList issues={issues} titleOf={titleOf} />
        </section>
      )}
    </>
  );
}
