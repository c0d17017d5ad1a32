/** Whether a text is a workflow of ComfyUI: its editor's file (`nodes` and `links`), or its API's (`class_type`). */
export function isComfyWorkflow(text: string): boolean {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return false;
  }
  if (!isRecord(value)) return false;
  if (Array.isArray(value['nodes']) && Array.isArray(value['links'])) return true;
  const entries = Object.values(value);
  return entries.length > 0 && entries.every((entry) => isRecord(entry) && 'class_type' in entry);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
