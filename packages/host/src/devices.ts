/** Device that inference with a model runs on, and so the lane it has: the processor, for which sessions are opened. */
export function deviceOf(_modelName: string): string {
  return 'cpu';
}
