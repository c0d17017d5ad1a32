/** What is asked of the estimate worker, and what it answers. */
import type { RunBudget, Workflow } from '@reelgraph/graph';
import type { Estimate } from '@reelgraph/host';
import { z } from 'zod';
import { checkPlacesSchema } from '../check/check-requests.ts';

/** Where models, input files and earlier results lie. */
export const estimatePlacesSchema = checkPlacesSchema.extend({ dataFolder: z.string() });
export type EstimatePlaces = z.infer<typeof estimatePlacesSchema>;

export interface EstimateRequest {
  readonly id: number;
  readonly workflow: Workflow;
  readonly targets: readonly string[] | undefined;
  /** The runner, which may have models open. */
  readonly pid: number | undefined;
  /** As if every node had to be computed. */
  readonly nothingKept: boolean | undefined;
  readonly budget: RunBudget;
}

export type EstimateAnswer =
  | { readonly id: number; readonly kind: 'estimate'; readonly estimate: Estimate }
  | { readonly id: number; readonly kind: 'failed'; readonly message: string };
