import { defineNode, type InferIssue, type ModelRef, NodeError, type PortFacts } from '@reelgraph/node-api';
import { modelOf } from '../../model/wrong-model.ts';
import { isDraft, sampleClip } from '../sample-clip.ts';
import { samplingWork } from '../sampling-work.ts';

/** Takes the steps that a draft has left. */
export const continueDenoise = defineNode({
  type: 'continue-denoise',
  version: 1,
  title: 'Continue',
  description:
    'Finishes a draft: it takes the steps that were left, with the prompt, plan and grain the draft was begun with, and gives the very clip that would have come without the stop.',
  category: 'Sampling',
  synonyms: ['finish', 'resume', 'ksampler advanced', 'leftover noise', 'start at step', 'refine', 'draft'],
  inputs: {
    model: { type: 'model', label: 'Model', description: 'The model that made the draft.' },
    latent: { type: 'latent', label: 'Draft', description: 'A clip whose steps were stopped on the way.' },
  },
  outputs: {
    latent: {
      type: 'latent',
      label: 'Latent',
      description:
        "The finished clip in the model's compressed form; a later draft where it is stopped again.",
    },
  },
  params: {
    stopAfter: {
      kind: 'integer',
      label: 'Stop after',
      description:
        'Stops once more after this many steps, counted from the first of the draft. 0 goes to the end.',
      zeroLabel: 'all steps',
      default: 0,
      min: 0,
      max: 200,
    },
  },
  preview: 'progress',
  cache: 'disk',
  lane: 'inference',
  infer({ inputs, params }) {
    const { model = {}, latent = {} } = inputs;
    const issues: InferIssue[] = [...modelIssues(model, latent)];
    const { steps, stepsDone } = latent;
    if (steps !== undefined && stepsDone !== undefined) {
      if (!isDraft(latent)) {
        issues.push({
          code: 'continue/finished',
          severity: 'error',
          message: `This clip has taken all of its ${steps} steps; nothing is left to do. Set "Stop after" where its steps are planned, or leave this node out.`,
          port: 'latent',
          fix: { kind: 'bypass', label: 'Leave this node out' },
        });
      } else if (params.stopAfter > 0 && params.stopAfter <= stepsDone) {
        issues.push({
          code: 'continue/behind',
          severity: 'error',
          message: `The draft has taken ${stepsDone} of ${steps} steps already, so it cannot stop after ${params.stopAfter}.`,
          param: 'stopAfter',
          fix: { label: 'Take all steps', param: 'stopAfter', value: 0 },
        });
      }
    }
    const stopsAt = params.stopAfter > 0 ? params.stopAfter : steps;
    return {
      outputs: {
        latent: {
          ...latent,
          ...(steps === undefined || stopsAt === undefined ? {} : { stepsDone: Math.min(steps, stopsAt) }),
        },
      },
      issues,
    };
  },
  work({ inputs, outputs, context }) {
    const { latent } = inputs;
    const done = outputs.latent?.stepsDone ?? latent?.steps;
    const left =
      done === undefined || latent?.stepsDone === undefined
        ? undefined
        : Math.max(1, done - latent.stepsDone);
    const model = context.models.get(inputs.model?.model ?? '');
    // Guidance and sampler are those of the draft, which facts do not tell: its makers have most likely been the same.
    return samplingWork({ model, latent, steps: left, branches: 1, sampler: undefined });
  },
  async run({ inputs, params, ctx }) {
    const { model, latent } = inputs;
    const { unfinished } = latent;
    if (unfinished === undefined) {
      throw new NodeError('continue/finished', 'This latent is no draft: it has no steps left to take.', {
        hint: 'Set "Stop after" in the node that plans the steps of the draft.',
      });
    }
    const { step, memory, estimate: _, ...plan } = unfinished;
    expectSameModel(model, plan.model);
    if (params.stopAfter > 0 && params.stopAfter <= step) {
      throw new NodeError(
        'continue/behind',
        `The draft has taken ${step} steps already, so it cannot stop after ${params.stopAfter}.`,
        { hint: 'Set "Stop after" to 0, or to a later step.' },
      );
    }
    const request = {
      plan,
      from: { step, sample: latent.samples, memory },
      stopAfter: params.stopAfter > 0 ? params.stopAfter : undefined,
      latent,
    };
    return { latent: await sampleClip(request, ctx) };
  },
});

/** Where both are known, another model or variant than the draft was made with. */
function modelIssues(model: PortFacts, latent: PortFacts): InferIssue[] {
  if (model.model === undefined || latent.model === undefined) return [];
  if (model.model !== latent.model) {
    const message = `The draft was made with the model ${latent.model}, but this node runs ${model.model}. Connect the model that made it.`;
    const fix = modelOf(latent.model);
    return [{ code: 'continue/other-model', severity: 'error', message, port: 'latent', fix }];
  }
  const [was, is] = [latent.variant ?? 'base', model.variant ?? 'base'];
  // A latent whose steps are not known may come from a file, which says its variant only when it is read.
  if (was === is || latent.stepsDone === undefined) return [];
  const message = `The draft was made with the variant ${was} of ${model.model}, but this node runs ${is}. Connect the same model to both.`;
  const fix = modelOf(latent.model, latent.variant);
  return [{ code: 'continue/other-model', severity: 'error', message, port: 'latent', fix }];
}

/** @throws NodeError 'continue/other-model': with other weights the rest would not be the rest of this draft */
function expectSameModel(model: ModelRef, wanted: ModelRef): void {
  const say = (what: string, was: string, is: string): never => {
    throw new NodeError(
      'continue/other-model',
      `The draft was made with ${what} ${was}, but this node runs ${is}.`,
      { hint: 'Connect the model that made the draft, or make the draft again.' },
    );
  };
  if (model.name !== wanted.name) say('the model', wanted.name, model.name);
  if (model.variant !== wanted.variant) say('the variant', wanted.variant ?? 'base', model.variant ?? 'base');
  if (model.precision !== wanted.precision)
    say('the number format', wanted.precision ?? 'auto', model.precision ?? 'auto');
  if (model.digest !== wanted.digest)
    say(`other weights of ${model.name}:`, wanted.digest.slice(0, 12), model.digest.slice(0, 12));
}
