export { writeFileAtomically } from './atomic-file.ts';
export { type DataFolder, dataFolderAt } from './data-folder.ts';
export { createInputFiles, type InputRoot, type LocatedInputFiles, type OpenInput } from './input-files.ts';
