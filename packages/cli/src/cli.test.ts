/** The command as a user runs it: a process of its own, with the embedded model. */
import { execFileSync, spawn } from 'node:child_process';
import { copyFile, cp, mkdir, mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseWorkflow, runEventSchema, stringifyWorkflow, type Workflow } from '@reelgraph/graph';
import { modelFolder } from '@reelgraph/toybox';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { exitCodes } from './exit-codes.ts';
import { projectRoot } from './places.ts';

const bin = join(projectRoot, 'packages/cli/bin/reelgraph.mjs');
const textToVideo = join(projectRoot, 'workflows/text-to-video.json');
let scratch: string;
let good: Workflow;

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'reelgraph-cli-'));
  const parsed = parseWorkflow(await readFile(textToVideo, 'utf8'));
  if (!parsed.ok) throw new Error('text-to-video.json is broken');
  good = parsed.workflow;
});
afterAll(() => rm(scratch, { recursive: true, force: true }));

function start(args: readonly string[], cwd = scratch) {
  const child = spawn(process.execPath, [bin, ...args], {
    cwd,
    env: { ...process.env, REELGRAPH_DATA: join(scratch, 'data') },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const ended = new Promise<{ code: number | null; stdout: string; stderr: string }>((done, failed) => {
    child.once('error', failed);
    child.once('close', (code) => done({ code, stdout, stderr }));
  });
  return { child, ended };
}
const run = (...args: string[]) => start(args).ended;

async function write(name: string, change: (workflow: Workflow) => void): Promise<string> {
  const copy = structuredClone(good);
  change(copy);
  const path = join(scratch, name);
  await writeFile(path, JSON.stringify(copy));
  return path;
}

/** Few steps: what is tested is the command, not the picture. */
const quick = ['--set', 'steps=2'];

it.skipIf(process.platform === 'win32')('a server that is killed is no success of `serve`', async () => {
  const { child, ended } = start(['serve', '--port', '0', '--data', join(scratch, 'killed')]);
  child.stdout.once('data', () => {
    const children = execFileSync('ps', ['-o', 'pid=,args=', '--ppid', String(child.pid)], {
      encoding: 'utf8',
    });
    const server = children.split('\n').find((line) => line.includes('server/src/main.ts'));
    process.kill(Number.parseInt(server ?? '', 10), 'SIGKILL');
  });
  expect((await ended).code).toBe(137);
});

it('the program runs on the Node that the machine has, and tells its exit codes', async () => {
  const { code, stdout } = await run('--help');
  expect(code).toBe(0);
  for (const value of Object.values(exitCodes)) expect(stdout).toMatch(new RegExp(`^ +${value} `, 'm'));
});

it('the help of a command points to the exit codes and does not repeat them', async () => {
  const { stdout } = await run('check', '--help');
  expect(stdout).toContain('Exit codes: 0 when done; the others are listed by "reelgraph --help".');
  expect(stdout).not.toContain('cache prune');
});

it('a server that does not answer is told by its address, with how to name another', async () => {
  const { code, stderr } = await run('queue', 'list', '--server', 'http://127.0.0.1:1');
  expect(code).toBe(exitCodes.runFailed);
  expect(stderr).toContain('No server answers at http://127.0.0.1:1.');
  expect(stderr).toMatch(/--server <url>[\s\S]*REELGRAPH_URL/);
});

it('the help of a command shows no empty list as what an option is without a value', async () => {
  const { stdout } = await run('run', '--help');
  expect(stdout.replace(/\s+/g, ' ')).toContain('may be repeated (default: none)');
  expect(stdout).not.toContain('[]');
});

describe('run', () => {
  it('in a pipe tells plain lines and saves the video', async () => {
    const out = join(scratch, 'clip.mp4');
    const { code, stdout, stderr } = await run('run', textToVideo, ...quick, '--out', out);
    expect(code, stderr).toBe(0);
    expect(stdout).toMatch(/^denoise: done in /m);
    expect(stdout).toContain(`Saved ${out}\n`);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: that there are none is the point
    expect(stdout).not.toMatch(/[\u0000-\u0009\u000b-\u001f]/);
    expect((await readFile(out)).subarray(4, 8).toString()).toBe('ftyp');
  });

  it('tells once what the check warns of, beside its answer or as data', async () => {
    const drawn = join(projectRoot, 'workflows/ground-truth-scene.json');
    const args = [
      'run',
      drawn,
      '--set',
      'frames=9',
      '--set',
      'mux.fps=60',
      '--out',
      join(scratch, 'fast.mp4'),
    ];
    const told = await run(...args);
    expect(told.code, told.stderr).toBe(exitCodes.ok);
    expect(told.stderr).toMatch(/^ {2}warning {2}mux\.fps: .*\n {9}fix: Use 8 fps\n$/);
    expect(told.stdout).not.toContain('warning');
    const asData = await run(...args, '--json');
    expect(asData.stderr).toBe('');
    const lines: unknown[] = asData.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines[0]).toMatchObject({ type: 'issue', severity: 'warning', nodeId: 'mux', param: 'fps' });
    expect(lines[1]).toMatchObject({ type: 'run.started' });
  });

  it('with another frame rate muxes again and samples nothing', async () => {
    const { code, stdout } = await run(
      'run',
      textToVideo,
      ...quick,
      '--set',
      'fps=12',
      '--out',
      'fps.mp4',
      '--json',
    );
    expect(code).toBe(0);
    const lines: unknown[] = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    const events = lines.slice(0, -1).map((line) => runEventSchema.parse(line));
    expect(events.flatMap((event) => (event.type === 'node.started' ? [event.nodeId] : []))).toEqual([
      'mux',
      'save',
    ]);
    expect(lines.at(-1)).toMatchObject({
      type: 'result',
      status: 'succeeded',
      files: [{ path: join(scratch, 'fps.mp4') }],
    });
  });

  it('takes a video that is larger than what is read whole, keeps it once, and notices another of that name', async () => {
    const film = join(scratch, 'film.mp4');
    const clip = await readFile(join(projectRoot, 'workflows/inputs/red-circle.mp4'));
    /** The clip, and a box behind it that nobody reads. */
    const writeFilm = async (paddingBytes: number): Promise<void> => {
      const padding = Buffer.from('\0\0\0\0free');
      padding.writeUInt32BE(paddingBytes);
      await writeFile(film, [clip, padding]);
      await truncate(film, clip.byteLength + paddingBytes);
    };
    const node = (type: string, params: Record<string, unknown>) => ({ type, version: 1, params });
    const workflow = await write('film.json', (w) => {
      Object.assign(w, {
        inputs: { film: { node: 'video', param: 'file', label: 'Film' } },
        outputs: {},
        nodes: {
          video: node('load-video', { file: 'none.mp4' }),
          fit: node('resize-frames', { width: 32, height: 32 }),
          mux: node('video-mux', {}),
          save: node('save-video', {}),
        },
        edges: [
          { from: ['video', 'frames'], to: ['fit', 'frames'] },
          { from: ['fit', 'frames'], to: ['mux', 'frames'] },
          { from: ['mux', 'video'], to: ['save', 'video'] },
        ],
        layout: { nodes: {} },
      });
    });
    const convert = async (out: string): Promise<string> => {
      const args = ['run', workflow, '--set', 'film=film.mp4', '--out', join(scratch, out)];
      const { code, stdout, stderr } = await run(...args);
      expect(code, stdout + stderr).toBe(0);
      return stdout;
    };
    const inputs = () => readdir(join(scratch, 'data/inputs'));
    await writeFilm(70 * 1024 * 1024);
    const before = (await inputs().catch(() => [])).length;
    expect(await convert('film-1.mp4')).toMatch(/^video: done in /m);
    expect(await convert('film-2.mp4')).toMatch(/^video: .*cache/m);
    expect(await inputs()).toHaveLength(before + 1);
    await writeFilm(71 * 1024 * 1024);
    expect(await convert('film-3.mp4')).toMatch(/^video: done in /m);

    await writeFile(join(scratch, 'film.png'), '\x89PNG');
    await truncate(join(scratch, 'film.png'), 65 * 1024 * 1024);
    const image = join(projectRoot, 'workflows/image-to-video.json');
    const { code, stderr } = await run('run', image, '--set', 'image=film.png');
    expect(code).toBe(exitCodes.usage);
    expect(stderr).toMatch(/film\.png[\s\S]*64 MiB/);
    expect(await inputs()).toHaveLength(before + 2);
  }, 60_000);

  it('without --out saves under the result’s own name and overwrites nothing', async () => {
    const folder = join(scratch, 'here');
    await mkdir(folder);
    for (let times = 0; times < 2; times += 1)
      expect((await start(['run', textToVideo, ...quick], folder).ended).code).toBe(0);
    expect((await readdir(folder)).sort()).toEqual(['clip-2.mp4', 'clip.mp4']);
  });

  it('refuses to save a video under the name of another format, before the work', async () => {
    const result = await run('run', textToVideo, '--out', join(scratch, 'clip.gif'));
    expect(result.code).toBe(2);
    expect(result.stderr).toMatch(/clip\.gif[\s\S]*clip\.mp4/);
  });

  it('takes the workflow out of a video it made', async () => {
    const { code, stdout } = await run('run', join(scratch, 'clip.mp4'), '--out', 'again.mp4');
    expect(code).toBe(0);
    expect(stdout).not.toMatch(/denoise: done/);
    expect(await readFile(join(scratch, 'again.mp4'))).toEqual(await readFile(join(scratch, 'clip.mp4')));
  });

  it('takes a picture from where the person stands', async () => {
    await copyFile(join(projectRoot, 'workflows/inputs/blue-square.png'), join(scratch, 'mine.png'));
    const file = join(projectRoot, 'workflows/image-to-video.json');
    const { code, stdout, stderr } = await run(
      'run',
      file,
      ...quick,
      '--set',
      'image=mine.png',
      '--out',
      'moved.mp4',
    );
    expect(code, stdout + stderr).toBe(0);
    // Other tests leave their videos there.
    const pictures = (await readdir(join(scratch, 'data/inputs'))).filter((name) => !name.endsWith('.mp4'));
    expect(pictures).toEqual([expect.stringMatching(/^[0-9a-f]{64}\.png$/)]);
  });

  it('ends softly on Ctrl-C, with its own exit code and no failure', async () => {
    const { child, ended } = start([
      'run',
      textToVideo,
      '--set',
      'steps=200',
      '--set',
      'seed=5',
      '--out',
      'never.mp4',
    ]);
    child.stdout.on('data', (text: string) => {
      if (text.includes('denoise: step')) child.kill('SIGINT');
    });
    const { code, stdout } = await ended;
    expect(code).toBe(exitCodes.cancelled);
    expect(stdout).toContain('Cancelled');
    expect(stdout).not.toMatch(/failed/);
  });

  it.skipIf(process.platform === 'win32')(
    'ends at once on the second Ctrl-C, as shells know it',
    async () => {
      const args = ['run', textToVideo, '--set', 'steps=200', '--set', 'seed=6', '--out', 'never.mp4'];
      const { child } = start(args);
      const signal = new Promise<string | null>((done) => child.once('exit', (_code, name) => done(name)));
      child.stdout.on('data', (text: string) => {
        if (text.includes('denoise: step') || text.includes('Cancelling')) child.kill('SIGINT');
      });
      // A shell tells 130, the code of a cancelled run, for a process that this signal ended.
      expect([null, 'SIGINT']).toContain(await signal);
    },
  );

  it('refuses before the work a place where nothing can be saved', async () => {
    await writeFile(join(scratch, 'a-file'), '');
    const { code, stdout, stderr } = await run('run', textToVideo, ...quick, '--out', 'a-file/clip.mp4');
    expect(code).toBe(exitCodes.usage);
    expect(stderr).toMatch(/nothing was computed yet/);
    expect(stdout).toBe('');
  });
});

describe('exit codes', () => {
  it.each([
    { what: 'an unknown command', args: ['dance'] },
    { what: 'an unknown option', args: ['run', textToVideo, '--dance'] },
    { what: 'no file', args: ['run'] },
    { what: 'an unknown --set name', args: ['run', textToVideo, '--set', 'promt=x'] },
    { what: 'a --set without a value', args: ['run', textToVideo, '--set', 'prompt'] },
    { what: 'a --set value of the wrong kind', args: ['run', textToVideo, '--set', 'frames=many'] },
  ])('2 for $what', async ({ args }) => {
    const { code, stderr } = await run(...args);
    expect(code, stderr).toBe(exitCodes.usage);
    expect(stderr).not.toMatch(/\bat .+:\d+:\d+/);
  });

  const documents: { what: string; text?: string; change?: (workflow: Workflow) => void }[] = [
    { what: 'a workflow that is no JSON', text: '{' },
    { what: 'bytes that are no text', text: '\ud800' },
    { what: 'a newer format', change: (w) => Object.assign(w, { reelgraph: 2 }) },
    {
      what: 'a cycle',
      change: (w) => {
        w.nodes.a = { type: 'image-conditioning', version: 1, params: {} };
        w.edges.push(
          { from: ['a', 'conditioning'], to: ['a', 'conditioning'] },
          { from: ['a', 'conditioning'], to: ['denoise', 'positive'] },
        );
      },
    },
    { what: 'an unknown node type', change: (w) => Object.assign(w.nodes.decode ?? {}, { type: 'nope' }) },
    {
      what: 'a dangling edge',
      change: (w) => w.edges.push({ from: ['ghost', 'video'], to: ['save', 'video'] }),
    },
    { what: 'deep nesting', text: '['.repeat(100_000) },
    { what: 'an empty prompt', change: (w) => Object.assign(w.nodes.prompt?.params ?? {}, { prompt: '' }) },
    {
      what: 'a size that does not fit',
      change: (w) => Object.assign(w.nodes.latent?.params ?? {}, { width: 70 }),
    },
  ];
  it.each(documents)('3 for $what, from run and check alike', async ({ text, change }) => {
    const file = await write('bad.json', change ?? (() => {}));
    if (text !== undefined) await writeFile(file, text);
    for (const command of ['run', 'check']) {
      const { code, stdout, stderr } = await run(command, file);
      expect(code, stdout + stderr).toBe(exitCodes.invalidWorkflow);
      expect((stdout + stderr).length).toBeGreaterThan(20);
    }
  });

  it('4 for a missing workflow, model or picture', async () => {
    const model = await write('model.json', (w) =>
      Object.assign(w.nodes.model?.params ?? {}, { model: 'sora' }),
    );
    const image = join(projectRoot, 'workflows/image-to-video.json');
    for (const args of [
      ['run', 'nowhere.json'],
      ['check', 'nowhere.json'],
      ['run', model],
      ['check', model],
      ['run', image, '--set', 'image=nowhere.png'],
    ]) {
      const { code, stdout, stderr } = await run(...args);
      expect(code, args.join(' ') + stdout + stderr).toBe(exitCodes.missing);
    }
  });

  it('4 for a damaged model, with the file named', async () => {
    await cp(modelFolder, join(scratch, 'models/toybox'), { recursive: true });
    await truncate(join(scratch, 'models/toybox/vae_decoder/model.onnx'), 1000);
    const { code, stdout, stderr } = await run(
      'run',
      textToVideo,
      ...quick,
      '--models',
      join(scratch, 'models'),
      '--out',
      'x.mp4',
    );
    expect(code, stdout + stderr).toBe(exitCodes.missing);
    expect(stdout + stderr).toMatch(/vae_decoder\/model\.onnx/);
  });

  it('3 for a picture that is none, before anything runs, from run and check alike', async () => {
    await writeFile(join(scratch, 'lie.png'), 'text');
    const image = join(projectRoot, 'workflows/image-to-video.json');
    const ran = await run('run', image, '--set', 'image=lie.png', '--out', 'x.mp4');
    expect(ran.code, ran.stdout).toBe(exitCodes.invalidWorkflow);
    expect(ran.stderr).toContain('[media/not-an-image]');
    expect(ran.stdout).toBe('');

    const document = (await readFile(image, 'utf8')).replace(/"[^"]+\.png"/, '"lie.png"');
    await writeFile(join(scratch, 'lying.json'), document);
    const checked = await run('check', 'lying.json');
    expect(checked.code, checked.stderr).toBe(exitCodes.invalidWorkflow);
    expect(checked.stdout).toContain('[media/not-an-image]');
  });
});

describe('check', () => {
  it('lists every problem of every file with its place and fix', async () => {
    const bad = await write('two-faults.json', (w) => {
      Object.assign(w.nodes.latent?.params ?? {}, { frames: 18 });
      Object.assign(w.nodes.mux?.params ?? {}, { quality: 1000 });
    });
    const { code, stdout } = await run('check', textToVideo, bad);
    expect(code).toBe(exitCodes.invalidWorkflow);
    expect(stdout).toMatch(/text-to-video\.json: ok/);
    expect(stdout).toMatch(/latent\.frames: [\s\S]*fix: /);
    expect(stdout).toMatch(/mux\.quality: /);
  });

  it('mends what can be mended, writes the file as the editor would, and says what it did', async () => {
    const path = await write('to-mend.json', (workflow) => {
      workflow.nodes.latent!.params.frames = 80;
      workflow.edges = workflow.edges.filter(({ to }) => to.join('.') !== 'save.video');
    });
    const { code, stdout } = await run('check', '--fix', path);
    expect(stdout).toContain('2 fixed, ok');
    expect(stdout).toContain('fixed  latent.frames: Use 81 frames [latent/frame-count]');
    expect(stdout).toContain('fixed  save.video: Connect Make video [graph/missing-input]');
    expect(code).toBe(exitCodes.ok);
    const text = await readFile(path, 'utf8');
    const parsed = parseWorkflow(text);
    expect(parsed.ok && stringifyWorkflow(parsed.workflow)).toBe(text);
    expect(parsed.ok && parsed.workflow.nodes.latent?.params.frames).toBe(81);
  });

  it('puts no other model in the place of one that is missing: that is offered and left to a person', async () => {
    const path = await write('no-wan.json', (workflow) => {
      workflow.nodes.model!.params.model = 'wan2.1-t2v';
    });
    const before = await readFile(path, 'utf8');
    const { code, stdout } = await run('check', '--fix', path);
    expect(code).toBe(exitCodes.missing);
    expect(stdout).not.toContain('fixed');
    expect(stdout).toMatch(/model\.model: No model named "wan2\.1-t2v"[\s\S]*yours to choose: Use toybox/);
    expect(await readFile(path, 'utf8')).toBe(before);
  });

  it('answers programs in JSON', async () => {
    const { code, stdout } = await run('check', textToVideo, '--json');
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toEqual([{ file: textToVideo, ok: true, issues: [] }]);
  });
});

it('models list tells what is installed', async () => {
  const { code, stdout } = await run('models', 'list', '--json');
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toEqual([expect.objectContaining({ name: 'toybox', status: 'ready' })]);
});
