/** What is asked of the check worker, and what it answers. */
import type { GraphIssue, Workflow } from '@reelgraph/graph';
import type { Catalogue } from '@reelgraph/host';

export type CheckRequest =
  | { readonly id: number; readonly kind: 'check'; readonly workflow: Workflow }
  | {
      readonly id: number;
      readonly kind: 'blockers';
      readonly workflow: Workflow;
      readonly targets: readonly string[] | undefined;
    };

export type CheckAnswer =
  | { readonly id: number; readonly kind: 'check'; readonly check: Awaited<ReturnType<Catalogue['check']>> }
  | { readonly id: number; readonly kind: 'blockers'; readonly blockers: readonly GraphIssue[] }
  | { readonly id: number; readonly kind: 'failed'; readonly message: string };
