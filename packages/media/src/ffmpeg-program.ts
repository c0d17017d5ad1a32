/** Which ffmpeg runs: the one named by FFMPEG_PATH, else the system's, else the one that came with npm. */
import { accessSync, constants } from 'node:fs';
import { delimiter, join, resolve } from 'node:path';
import installer from '@ffmpeg-installer/ffmpeg';
import { NodeError } from '@reelgraph/node-api';

function canRun(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/**
 * Path of the ffmpeg to use.
 *
 * @param environment as `process.env`
 * @throws NodeError 'media/no-ffmpeg'
 */
export function findFfmpeg(environment: NodeJS.ProcessEnv = process.env): string {
  const named = environment.FFMPEG_PATH;
  if (named !== undefined && named !== '') {
    if (canRun(named)) return named;
    throw new NodeError('media/no-ffmpeg', 'FFMPEG_PATH names a file that is not there or may not be run.', {
      hint: 'Set FFMPEG_PATH to an ffmpeg program, or unset it to use the one on this machine.',
    });
  }
  const program = process.platform === 'win32' ? 'ffmpeg.exe' : 'ffmpeg';
  for (const folder of (environment.PATH ?? '').split(delimiter)) {
    if (folder !== '' && canRun(join(folder, program))) return join(folder, program);
  }
  if (canRun(installer.path)) return installer.path;
  throw new NodeError('media/no-ffmpeg', 'No ffmpeg was found to make the video with.', {
    hint: 'Install ffmpeg, or set FFMPEG_PATH to one.',
  });
}

/** Whether this is the old build that came with npm; it cuts long tags short. */
export function isBundledFfmpeg(path: string): boolean {
  return resolve(path) === resolve(installer.path);
}
