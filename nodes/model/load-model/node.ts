import { defineNode, type InferIssue, type ModelFacts } from '@reelgraph/node-api';

/** Names a model package; what follows asks it for everything. */
export const loadModel = defineNode({
  type: 'load-model',
  version: 1,
  title: 'Load model',
  description:
    'Chooses the video model. Connect it to every node that needs one, so that text, noise and pictures all speak the same language.',
  category: 'Model',
  synonyms: ['checkpoint', 'load checkpoint', 'diffusion model', 'unet loader'],
  inputs: {},
  outputs: {
    model: {
      type: 'model',
      label: 'Model',
      description: 'The chosen model: text reader, video maker and picture codec in one.',
    },
  },
  params: {
    model: {
      kind: 'model',
      label: 'Model',
      description: 'One of the installed models. Toybox comes with Reelgraph.',
      default: 'toybox',
    },
    variant: {
      kind: 'choice',
      label: 'Variant',
      description:
        'Fast makes a clip in few steps, where the model comes with such a variant; Base takes more steps and follows the prompt more closely. Keyframes holds pictures at any frame (LTX-Video from 0.9.5 on); Fused attention gives the same clip in less memory.',
      default: 'base',
      options: [
        { value: 'base', label: 'Base' },
        { value: 'fast', label: 'Fast (few steps)' },
        { value: 'keyframes', label: 'Keyframes (pictures at any frame)' },
        { value: 'mha', label: 'Fused attention' },
      ],
    },
    precision: {
      kind: 'choice',
      label: 'Precision',
      description: 'Which numbers the model is stored in. Auto takes what its makers measured to be best.',
      default: 'auto',
      options: [
        { value: 'auto', label: 'Auto' },
        { value: 'fp32', label: 'fp32 (exact)' },
        { value: 'int8', label: 'int8 (small)' },
      ],
    },
  },
  // The engine puts the package's digest, looked up for every run, into the key of a `model` param: a changed
  // file is another key.
  cache: 'memory',
  lane: 'cpu',
  infer({ params, context }) {
    const facts = context.models.get(params.model);
    if (facts !== undefined) {
      return {
        outputs: {
          model: {
            family: facts.family,
            model: facts.name,
            channels: facts.latentChannels,
            frameRule: facts.frameRule,
            sizeMultiple: facts.sizeMultiple,
            ...(params.variant === 'base' ? {} : { variant: params.variant }),
            ...(params.precision === 'auto' ? {} : { precision: params.precision }),
          },
        },
        issues: choiceIssues(params, facts),
      };
    }
    const refused = context.refusedModels?.get(params.model);
    const damaged = refused ?? context.damagedModels?.get(params.model);
    // The output is there, only nothing is known of it: nodes behind it do not complain a second time.
    if (damaged !== undefined) {
      return {
        outputs: { model: {} },
        issues: [
          {
            code: refused === undefined ? 'model/damaged' : 'model/licence',
            severity: 'error',
            message: damaged,
            param: 'model',
            ...useInstalled(params.model, context.models),
          },
        ],
      };
    }
    const names = [...context.models.keys()];
    return {
      outputs: { model: {} },
      issues: [
        {
          code: 'model/not-found',
          severity: 'error',
          message: `No model named "${params.model}" is installed${names.length === 0 ? '' : `; there is ${names.join(', ')}`}. Put its folder into "models" of the data folder; how to make one from a checkpoint is in the README under "Real models".`,
          param: 'model',
          ...useInstalled(params.model, context.models),
        },
      ],
    };
  },
  async run({ params, ctx }) {
    const { variant, precision } = params;
    return { model: await ctx.models.resolve(params.model, ctx.signal, { variant, precision }) };
  },
});

/**
 * The first model of the family that the wanted one is named after, such as `wan` of `wan-14b`; else the first there
 * is, which only a person may choose: it can want other sizes and other steps.
 */
function useInstalled(
  wanted: string,
  models: ReadonlyMap<string, ModelFacts>,
): Required<Pick<InferIssue, 'fix'>> | undefined {
  const installed = [...models.values()];
  const related = installed.find(({ family }) => isNamedAfter(wanted, family));
  const name = (related ?? installed[0])?.name;
  if (name === undefined) return undefined;
  const fix = { label: `Use ${name}`, param: 'model', value: name };
  return { fix: related === undefined ? { ...fix, isChoice: true } : fix };
}

/** `wan2.1-t2v` and `wan-14b` are named after `wan`, `wander` is not. */
function isNamedAfter(name: string, family: string): boolean {
  return name.startsWith(family) && !/[a-z]/i.test(name.charAt(family.length));
}

/** What the package has not that is asked of it. */
function choiceIssues(
  { variant, precision }: { readonly variant: string; readonly precision: string },
  { name, variants = {}, precisions = [] }: ModelFacts,
): InferIssue[] {
  const issues: InferIssue[] = [];
  if (variant !== 'base' && !Object.hasOwn(variants, variant)) {
    issues.push({
      code: 'model/no-variant',
      severity: 'error',
      message: `The model ${name} has no ${variant} variant; it has ${['base', ...Object.keys(variants)].join(', ')}.`,
      param: 'variant',
      fix: { label: 'Use base', param: 'variant', value: 'base' },
    });
  }
  if (precision !== 'auto' && !precisions.includes(precision)) {
    issues.push({
      code: 'model/no-precision',
      severity: 'error',
      message: `The model ${name} has no files in ${precision}${precisions.length === 0 ? '' : `; it has ${precisions.join(', ')}`}.`,
      param: 'precision',
      fix: { label: 'Use auto', param: 'precision', value: 'auto' },
    });
  }
  return issues;
}
