/** What is asked of the check worker, and what it answers. */
import type { GraphIssue, Workflow } from '@reelgraph/graph';
import type { Catalogue } from '@reelgraph/host';
import { z } from 'zod';

/** Where models, input files and further node types lie. */
export const checkPlacesSchema = z.object({
  modelRoots: z.array(z.string()),
  inputRoots: z.array(z.object({ folder: z.string(), prefix: z.string().optional() })),
  nodeModules: z.array(z.string()),
});
export type CheckPlaces = z.infer<typeof checkPlacesSchema>;

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
