import type { Editor } from '../app/editor.ts';
import { explain } from './explain.ts';

const usable = {
  image: 'PNG, JPEG and WebP',
  video: 'MP4 and WebM',
  audio: 'WAV',
  latent: 'Files that “Save latent” made',
} as const;

/** Browsers know no media type for a latent; what it is the server sees in its bytes. */
const mediaTypeOf = (file: File, kind: keyof typeof usable): string | undefined => {
  if (kind === 'latent') return /\.safetensors$/i.test(file.name) ? 'application/octet-stream' : undefined;
  return file.type.startsWith(`${kind}/`) ? file.type : undefined;
};

/** Uploads a file of that kind and gives the name that a `file` param stores; says why when it cannot. */
export async function uploadFile(
  editor: Editor,
  file: File,
  kind: keyof typeof usable,
): Promise<string | undefined> {
  const mediaType = mediaTypeOf(file, kind);
  if (mediaType === undefined) {
    refuse(editor, file, kind);
    return undefined;
  }
  try {
    const { file: stored, mediaType: found } = await editor.client.uploadFile(file, mediaType);
    // A name may lie: a picture that is called a video is one all the same.
    if (kind !== 'latent' && !found.startsWith(`${kind}/`)) {
      refuse(editor, file, kind);
      return undefined;
    }
    editor.fileNames.keep(stored, file.name);
    editor.notices.settle('upload');
    return stored;
  } catch (error) {
    editor.notices.add({
      tone: 'bad',
      about: 'upload',
      ...explain(error, `${file.name} could not be uploaded.`),
    });
    return undefined;
  }
}

function refuse(editor: Editor, file: File, kind: keyof typeof usable): void {
  editor.notices.add({
    tone: 'bad',
    about: 'upload',
    text: `${file.name} is no ${kind}.`,
    hint: `${usable[kind]} can be used.`,
  });
}
