/** Frames and pixels of a clip. */
export interface ClipSize {
  readonly frameCount: number;
  readonly width: number;
  readonly height: number;
}

/** RGB bytes [T, H, W, 3]. */
export interface Clip extends ClipSize {
  readonly frames: Uint8Array;
}

/** The size Toybox was trained at most. */
export const defaultClipSize: ClipSize = { frameCount: 17, width: 64, height: 64 };

/** Pixels of a frame. */
export type FrameSize = Pick<ClipSize, 'width' | 'height'>;

/** Frame counts that the model makes are 4n + 1, within these bounds. */
export const frameCountRange = { least: 5, most: 65 } as const;
