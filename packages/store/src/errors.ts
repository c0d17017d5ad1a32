/** What can go wrong with the data folder, for programs. */
export type StoreErrorCode =
  | 'store/disk-full'
  | 'store/not-writable'
  | 'store/io'
  | 'store/locked'
  | 'store/newer-format'
  | 'store/not-a-store'
  | 'store/damaged'
  | 'store/unsupported-value'
  | 'store/unknown-run';

/** The store could not do what it was asked; the message is fit for a user and holds no path. */
export class StoreError extends Error {
  override readonly name = 'StoreError';
  readonly code: StoreErrorCode;
  /** What to do next. */
  readonly hint: string | undefined;

  constructor(code: StoreErrorCode, message: string, options: { hint?: string; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.hint = options.hint;
  }
}

/** Translates an error of the file system; `doing` continues "while …", for example `writing a result`. */
export function diskError(error: unknown, doing: string): StoreError {
  if (error instanceof StoreError) return error;
  const errno = errnoOf(error);
  if (errno === 'ENOSPC' || errno === 'EDQUOT' || errno === 'SQLITE_FULL') {
    return new StoreError('store/disk-full', `The disk is full; it happened while ${doing}.`, {
      hint: 'Free some space on the disk that holds the data folder and run again; finished steps are kept.',
      cause: error,
    });
  }
  if (errno === 'EACCES' || errno === 'EPERM' || errno === 'EROFS' || errno === 'SQLITE_READONLY') {
    return new StoreError(
      'store/not-writable',
      `The data folder cannot be written; it happened while ${doing}.`,
      {
        hint: 'Check the permissions of the data folder, or choose another.',
        cause: error,
      },
    );
  }
  return new StoreError('store/io', `The disk answered ${errno ?? 'an error'} while ${doing}.`, {
    cause: error,
  });
}

/** Code of a system or SQLite error, when there is one. */
export function errnoOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}
