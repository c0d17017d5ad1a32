/** An error of a node or a service it uses, as a user should read it. */
export class NodeError extends Error {
  override readonly name = 'NodeError';
  /** Stable, `<area>/<what>`: `model/not-found`, `media/not-an-image`. */
  readonly code: string;
  /** What to do next. */
  readonly hint: string | undefined;

  constructor(code: string, message: string, options: { hint?: string; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.hint = options.hint;
  }
}
