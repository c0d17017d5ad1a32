/** A score as people read it: a table of what was looked at, one line per point. */
import { z } from 'zod';

export const scoreTableSchema = z.strictObject({
  /** One line, for example `9 of 10 right`. */
  summary: z.string().max(400),
  rows: z
    .array(
      z.strictObject({
        name: z.string().max(80),
        /** As it is shown, with its unit. */
        value: z.string().max(400),
        /** Absent for what is only measured. */
        isRight: z.boolean().optional(),
      }),
    )
    .max(64),
});

/** What a value of the port type `score` is. */
export type ScoreTable = z.infer<typeof scoreTableSchema>;
