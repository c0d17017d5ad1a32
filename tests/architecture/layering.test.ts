/**
 * Who may import whom. npm hoists every package, so a forbidden import would work; this test is what holds
 * the map of the README.
 */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = resolve(import.meta.dirname, '../..');

/** package folder -> Reelgraph packages its shipped code may import */
const mayImport: Record<string, readonly string[]> = {
  'packages/tensor': [],
  'packages/diffusion': ['tensor'],
  'packages/graph': [],
  'packages/node-api': ['graph', 'tensor'],
  'packages/store': ['tensor'],
  'packages/engine': ['graph', 'node-api', 'store', 'tensor'],
  'packages/inference': ['tensor', 'diffusion', 'node-api'],
  'packages/media': ['tensor', 'node-api'],
  'packages/protocol': ['graph'],
  'packages/client': ['protocol', 'graph'],
  'packages/toybox': ['tensor'],
  'packages/host': [
    'graph',
    'node-api',
    'engine',
    'store',
    'inference',
    'media',
    'nodes',
    'toybox',
    'tensor',
  ],
  'packages/cli': [
    'graph',
    'node-api',
    'engine',
    'store',
    'inference',
    'media',
    'host',
    'nodes',
    'toybox',
    'client',
    'protocol',
    'tensor',
    'diffusion',
  ],
  nodes: ['node-api', 'diffusion', 'tensor', 'toybox'],
  server: [
    'graph',
    'node-api',
    'engine',
    'store',
    'inference',
    'media',
    'host',
    'nodes',
    'toybox',
    'protocol',
    'tensor',
  ],
  ui: ['graph', 'protocol', 'client'],
};

/** Libraries that only one package may touch, and why. */
const ownedLibraries: Record<string, { owner: string; because: string }> = {
  'onnxruntime-node': {
    owner: 'packages/inference',
    because: 'it is the only package that knows the runtime',
  },
  'fluent-ffmpeg': { owner: 'packages/media', because: 'it is the only package that spawns ffmpeg' },
  'better-sqlite3': { owner: 'packages/store', because: 'the journal has one owner' },
  express: { owner: 'server', because: 'HTTP lives in the server' },
  react: { owner: 'ui', because: 'nothing else draws' },
};

interface Import {
  readonly file: string;
  readonly specifier: string;
}

function* sourceFiles(folder: string): Generator<string> {
  for (const name of readdirSync(folder)) {
    if (['node_modules', 'dist', 'model', 'training', 'fixtures'].includes(name)) continue;
    const path = join(folder, name);
    if (statSync(path).isDirectory()) yield* sourceFiles(path);
    else if (/\.(ts|tsx|mjs)$/.test(name)) yield path;
  }
}

function importsOf(file: string): Import[] {
  const text = readFileSync(file, 'utf8');
  const specifiers = [
    ...text.matchAll(/^\s*(?:import|export)\b[^'"`;]*?\bfrom\s*['"]([^'"]+)['"]/gm),
    ...text.matchAll(/^\s*import\s*['"]([^'"]+)['"]/gm),
    ...text.matchAll(/\bimport\(\s*['"]([^'"]+)['"]\s*\)/g),
  ];
  return specifiers.map((match) => ({ file: relative(root, file), specifier: match[1] ?? '' }));
}

/** Tests and benches may reach further than the code they try. */
const isShipped = (file: string) => !/\.test\.tsx?$/.test(file) && !file.split(sep).includes('bench');

const folders = Object.keys(mayImport);
const allImports = folders.flatMap((folder) =>
  [...sourceFiles(join(root, folder))].flatMap((file) =>
    importsOf(file).map((found) => ({ folder, ...found })),
  ),
);

describe('layering', () => {
  it('sees the imports of every package', () => {
    const seen = new Set(allImports.map((found) => found.folder));
    expect([...seen].sort()).toEqual([...folders].sort());
  });

  it('knows every package folder', () => {
    // `packages/export` is Python and imports none of the others.
    const present = readdirSync(join(root, 'packages'))
      .map((name) => `packages/${name}`)
      .filter((folder) => existsSync(join(root, folder, 'package.json')));
    expect(present.filter((folder) => !(folder in mayImport))).toEqual([]);
  });

  it('has every import of a sibling package allowed by the map', () => {
    const forbidden = allImports
      .filter((found) => isShipped(found.file))
      .filter((found) => {
        const name = /^@reelgraph\/([^/]+)/.exec(found.specifier)?.[1];
        return name !== undefined && !mayImport[found.folder]?.includes(name);
      })
      .map((found) => `${found.file} imports ${found.specifier}`);
    expect(forbidden).toEqual([]);
  });

  it('has no relative import that leaves its package', () => {
    const escaping = allImports
      .filter((found) => found.specifier.startsWith('.'))
      .filter((found) => {
        const target = relative(root, resolve(root, dirname(found.file), found.specifier));
        return !target.startsWith(`${found.folder}${sep}`);
      })
      .map((found) => `${found.file} imports ${found.specifier}`);
    expect(escaping).toEqual([]);
  });

  it.each(Object.entries(ownedLibraries))('has %s imported by its owner alone', (library, { owner }) => {
    const others = allImports
      .filter((found) => isShipped(found.file) && found.folder !== owner)
      .filter((found) => found.specifier === library || found.specifier.startsWith(`${library}/`))
      .map((found) => found.file);
    expect(others).toEqual([]);
  });

  it('has every imported package declared by the package that imports it', () => {
    const undeclared = new Set<string>();
    for (const folder of folders) {
      const manifest: { dependencies?: object; devDependencies?: object } = JSON.parse(
        readFileSync(join(root, folder, 'package.json'), 'utf8'),
      );
      const declared = new Set(Object.keys({ ...manifest.dependencies, ...manifest.devDependencies }));
      for (const found of allImports.filter(
        (candidate) => candidate.folder === folder && isShipped(candidate.file),
      )) {
        if (/^(\.|node:)/.test(found.specifier)) continue;
        const name = found.specifier
          .split('/')
          .slice(0, found.specifier.startsWith('@') ? 2 : 1)
          .join('/');
        if (!declared.has(name)) undeclared.add(`${folder} imports ${name}`);
      }
    }
    expect([...undeclared]).toEqual([]);
  });
});
