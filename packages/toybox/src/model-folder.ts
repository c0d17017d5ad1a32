import { fileURLToPath } from 'node:url';

/** Path of the folder that holds the trained model, in the layout of a diffusers pipeline. */
export const modelFolder: string = fileURLToPath(new URL('../model', import.meta.url));
