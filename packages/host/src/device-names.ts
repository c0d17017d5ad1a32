/** Names that mean a device on Windows, with any ending: a folder that is copied there could not hold them. */
const deviceNames = /^(con|prn|aux|nul|com\d|lpt\d)(\.|$)/i;

/** Whether no file can have this name on Windows. */
export function isDeviceName(fileName: string): boolean {
  return deviceNames.test(fileName);
}
