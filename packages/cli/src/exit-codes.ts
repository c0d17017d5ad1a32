/** What the program's exit code means; part of its interface. */
export const exitCodes = {
  ok: 0,
  runFailed: 1,
  usage: 2,
  invalidWorkflow: 3,
  missing: 4,
  partial: 5,
  overBudget: 6,
  cancelled: 130,
} as const;

/** The table as `--help` prints it. */
export const exitCodeHelp = `
Exit codes:
  0    done
  1    the run failed; "cache prune" could not come down to the size
  2    the command was not understood: unknown option, unknown --set name or bad value
  3    the workflow is not valid; the check found it before anything ran, also a picture that is none
  4    a file is missing, or a model missing, damaged or refused by its licence; "cache verify" found damage
  5    some results were delivered, some failed
  6    the run is expected to take more than its budget (--max-time, --max-memory, --max-disk) and was not started
  130  cancelled (Ctrl-C, once or twice)

serve ends with the server's own code, or 128 + n when signal n ended it.`;

/** What the help of a single command says of them. */
export const exitCodeNote = '\nExit codes: 0 when done; the others are listed by "reelgraph --help".';

const missingCodes = new Set([
  'model/not-found',
  'model/damaged',
  'model/licence',
  'model/unknown-family',
  'model/not-yet',
  'file/not-found',
]);

/** Whether an error or issue means that something is not there rather than wrong. */
export function isMissing(code: string): boolean {
  return missingCodes.has(code);
}
