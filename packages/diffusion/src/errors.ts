export type DiffusionErrorCode =
  | 'diffusion/bad-guidance'
  | 'diffusion/bad-steps'
  | 'diffusion/bad-shift'
  | 'diffusion/bad-sigmas'
  | 'diffusion/bad-skipping'
  | 'diffusion/bad-state'
  | 'diffusion/bad-strength'
  | 'diffusion/bad-extension'
  | 'diffusion/bad-setting'
  | 'diffusion/bad-statistics'
  | 'diffusion/bad-patch'
  | 'diffusion/no-answer'
  | 'diffusion/no-noise'
  | 'diffusion/not-finite'
  | 'diffusion/unknown-config'
  | 'diffusion/unknown-sampler';

/** Arithmetic asked to work on values it has no answer for. */
export class DiffusionError extends Error {
  override readonly name = 'DiffusionError';
  readonly code: DiffusionErrorCode;

  constructor(code: DiffusionErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
