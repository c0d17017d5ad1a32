/** Why a message or a call could not be understood. */
export type ProtocolErrorCode =
  | 'protocol/not-json'
  | 'protocol/invalid-message'
  | 'protocol/version-mismatch'
  | 'protocol/missing-path-param';

/** A message that does not fit its schema; `place` says where in it. */
export class ProtocolError extends Error {
  override readonly name = 'ProtocolError';
  readonly code: ProtocolErrorCode;
  readonly place: readonly (string | number)[];

  constructor(
    code: ProtocolErrorCode,
    message: string,
    place: readonly (string | number)[] = [],
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.code = code;
    this.place = place;
  }
}
