/** What the scorer refuses. */
export type ScorerErrorCode = 'scorer/not-a-caption';

/** Thrown when a clip cannot be scored for a reason that its caller can mend. */
export class ScorerError extends Error {
  override readonly name = 'ScorerError';
  readonly code: ScorerErrorCode;

  constructor(code: ScorerErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}
