/** The page's one input for files; what opens a file presses it. */
export const fileInputId = 'open-file';
