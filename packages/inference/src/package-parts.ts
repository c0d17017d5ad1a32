/** What a package is made of, for people: its parts with their sizes and licences, told without opening anything. */
import { commercialUseOf, type PartLicence } from './licences.ts';
import type { ModelIndex } from './model-config.ts';
import { listPackageFiles } from './package-digest.ts';

/** A component of a package: a folder of it, or a graph that lies in the package itself. */
export interface PackagePart extends PartLicence {
  readonly byteLength: number;
  readonly files: number;
}

/** `transformer` of `transformer/model.onnx` and of `transformer.onnx.data`; undefined for what is no part: pictures, texts. */
function partOf(file: string): string | undefined {
  const [first = '', ...below] = file.split('/');
  if (below.length > 0) return first;
  return /^([^.]+)\.onnx(?:\.|$)/.exec(first)?.[1];
}

/** A folder of a part has a graph or a config in it, not only below. */
const tellsPart = /^[^/]+\/[^/]+\.(?:onnx|json)$|^[^/]+\.onnx$/;

/** Parts in the order of their names. */
export async function partsOf(
  folder: string,
  index: Pick<ModelIndex, 'reelgraph'> | undefined,
): Promise<PackagePart[]> {
  const sizes = new Map<string, { byteLength: number; files: number }>();
  const files = await listPackageFiles(folder).catch(() => []);
  const parts = new Set(files.flatMap(({ name }) => (tellsPart.test(name) ? [partOf(name)] : [])));
  for (const { name, byteLength } of files) {
    const part = partOf(name);
    if (part === undefined || !parts.has(part)) continue;
    const before = sizes.get(part) ?? { byteLength: 0, files: 0 };
    sizes.set(part, { byteLength: before.byteLength + byteLength, files: before.files + 1 });
  }
  return [...sizes].map(([part, size]) => {
    const licence = licenceOf(part, index);
    return { part, ...size, licence, commercialUse: commercialUseOf(licence) };
  });
}

function licenceOf(part: string, index: Pick<ModelIndex, 'reelgraph'> | undefined): string {
  const own = index?.reelgraph?.licences ?? {};
  return (Object.hasOwn(own, part) ? own[part] : undefined) ?? index?.reelgraph?.licence ?? 'unknown';
}
