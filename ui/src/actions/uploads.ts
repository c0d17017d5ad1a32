import type { Editor } from '../app/editor.ts';
import { explain } from './explain.ts';

/** Uploads a picture and gives the name that a `file` param stores; says why when it cannot. */
export async function uploadPicture(editor: Editor, file: File): Promise<string | undefined> {
  if (!file.type.startsWith('image/')) {
    editor.notices.add({
      tone: 'bad',
      about: 'upload',
      text: `${file.name} is no image.`,
      hint: 'PNG, JPEG and WebP can be used.',
    });
    return undefined;
  }
  try {
    const { file: stored } = await editor.client.uploadImage(file, file.type);
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
