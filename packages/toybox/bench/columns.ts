/** The columns of the score table that need no model: true renders, mutants, and the floor. */
import { compareWithCaption, type HeldOutPrompt, renderScene } from '../src/index.ts';
import { frozen, mutantsFor } from './mutants.ts';
import { type Judged, judge, type Score, scores } from './scores.ts';

/** So many of so many. */
export interface Share {
  readonly count: number;
  readonly total: number;
}

/** One line of the table; a share without a total was not measured. */
export interface Line {
  readonly score: Score;
  readonly truth: Share;
  /** Mutants that were rejected. */
  readonly mutants: Share;
  readonly frozen: Share;
  readonly random: Share;
}

const shareOf = (values: readonly boolean[]): Share => ({
  count: values.filter(Boolean).length,
  total: values.length,
});

/** Every n-th of a list, at most `most`. */
function spread<T>(values: readonly T[], most: number): T[] {
  const count = Math.min(most, values.length);
  return Array.from({ length: count }, (_, i) => values[Math.floor((i * values.length) / count)]!);
}

/** Which of the scores a clip of one prompt gets right. */
export function shareRight(score: Score, judged: readonly Judged[]): Share {
  return shareOf(judged.filter(({ prompt }) => score.isAbout(prompt)).map((one) => score.isRight(one)));
}

/** Most mutants that one score is tried on, and most frozen clips. */
const mostMutants = 60;
const mostFrozen = 40;

/** Measures the scorer itself on the truth of some prompts. `onProgress` hears what is being done. */
export function measureScorer(
  prompts: readonly HeldOutPrompt[],
  onProgress: (message: string) => void = () => {},
): { lines: Line[]; truth: Judged[] } {
  onProgress(`reading ${prompts.length} true renders`);
  const truth = prompts.map((prompt) => judge(prompt, renderScene(prompt.scene)));
  const stills = new Map<HeldOutPrompt, Judged>();
  const stillOf = (one: Judged): Judged => {
    const known = stills.get(one.prompt) ?? judge(one.prompt, frozen(one.clip));
    stills.set(one.prompt, known);
    return known;
  };
  const lines = scores.map((score): Line => {
    const about = truth.filter(({ prompt }) => score.isAbout(prompt));
    onProgress(score.name);
    return {
      score,
      truth: shareRight(score, about),
      mutants: rejectedMutants(score, about),
      frozen: shareOf(spread(about, mostFrozen).map((one) => score.isRight(stillOf(one)))),
      // A true clip of another prompt, held against this one.
      random: shareOf(
        about.map((one, i) => {
          const another =
            truth[(truth.indexOf(one) + 1 + ((i * 37) % Math.max(1, truth.length - 1))) % truth.length]!;
          const { clip, reading } = another;
          return score.isRight({
            prompt: one.prompt,
            clip,
            reading,
            agreement: compareWithCaption(reading, one.prompt.caption),
          });
        }),
      ),
    };
  });
  return { lines, truth };
}

function rejectedMutants(score: Score, about: readonly Judged[]): Share {
  const { mutants } = score;
  if (mutants === undefined) return { count: 0, total: 0 };
  const all = spread(about, mostMutants).flatMap(({ prompt }) =>
    mutantsFor(mutants, prompt).map((mutant) => ({ prompt, mutant })),
  );
  const rejected = spread(all, mostMutants).map(({ prompt, mutant }) => {
    const isRejected = !score.isRight(judge(prompt, mutant.clip));
    if (!isRejected) passed.push(`${score.name}: "${prompt.caption}", ${mutant.name}`);
    return isRejected;
  });
  return shareOf(rejected);
}

/** Mutants that the scorer let pass, for people who mend it. */
export const passed: string[] = [];

/** A share in percent, with its counts; a dash for none. */
export function formatShare({ count, total }: Share): string {
  return total === 0 ? '–' : `${((100 * count) / total).toFixed(1)} %`;
}
