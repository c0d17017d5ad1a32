/** What passes between the server and the thread that reads a model whole. */
import { z } from 'zod';

export const verifyOrderSchema = z.object({
  modelRoots: z.array(z.string()),
  digestFile: z.string(),
  name: z.string(),
});
export type VerifyOrder = z.infer<typeof verifyOrderSchema>;

export type VerifyReport =
  | { readonly kind: 'progress'; readonly done: number; readonly total: number }
  | { readonly kind: 'done'; readonly problems: string[] };
