/** What runs would take on this machine, and which of them are over a budget. Runs nothing. */
import { availableParallelism } from 'node:os';
import {
  type CostBook,
  createCostBook,
  type ForecastResult,
  findFitting,
  forecastRun,
  parseCosts,
  readCostsText,
} from '@reelgraph/engine';
import {
  type BudgetRefusal,
  excessesOf,
  isLimited,
  type RunBudget,
  refusalOf,
  type Workflow,
} from '@reelgraph/graph';
import type { Store } from '@reelgraph/store';
import type { Catalogue } from './catalogue.ts';
import type { LocatedInputFiles } from './input-files.ts';

export interface ForecastRequest {
  /** Node ids to compute; all outputs when absent. */
  readonly targets?: readonly string[] | undefined;
  /** The process that would run it and may have models open, unless it holds too much; a fresh one when absent. */
  readonly pid?: number | undefined;
  /** As if every node had to be computed, whatever is kept of earlier runs. */
  readonly nothingKept?: boolean | undefined;
}

/** What a run would take, and why it is not started where that is over a budget. */
export interface Estimate {
  readonly result: ForecastResult;
  /** Undefined when it fits, has no limits, or there is too little data to say. */
  readonly refusal: BudgetRefusal | undefined;
  /** The process asked about holds more than the budget already: the result is that of a fresh one in its place. */
  readonly needsFreshProcess: boolean;
}

export interface Forecaster {
  forecast(workflow: Workflow, request?: ForecastRequest): Promise<ForecastResult>;
  estimate(workflow: Workflow, budget: RunBudget, request?: ForecastRequest): Promise<Estimate>;
  /** The refusal of `estimate` alone; forecasts nothing where there is no limit. */
  findRefusal(
    workflow: Workflow,
    budget: RunBudget,
    request?: ForecastRequest,
  ): Promise<BudgetRefusal | undefined>;
}

export interface ForecasterOptions {
  readonly catalogue: Pick<Catalogue, 'registry' | 'contextOf' | 'digestOfModel' | 'deviceOf'>;
  readonly store: Pick<Store, 'readNote' | 'hasRecord'>;
  readonly files: LocatedInputFiles;
}

function isOverMemory(found: ForecastResult, budget: RunBudget): boolean {
  return found.ok && excessesOf(found.forecast, budget).some(({ what }) => what === 'memory');
}

/** How long a look at a package's files counts: forecasts are asked for many a second, models do not change. */
const lookAgainMs = 2000;

export function createForecaster({ catalogue, store, files }: ForecasterOptions): Forecaster {
  let book: CostBook = createCostBook(parseCosts(undefined));
  let bookText: string | undefined;
  const models = new Map<string, { readonly atMs: number; readonly digest: Promise<string> }>();

  /** Fitted anew when something was learnt. */
  function currentBook(): CostBook {
    const text = readCostsText(store);
    if (text !== bookText) book = createCostBook(parseCosts(text));
    bookText = text;
    return book;
  }

  async function digestOfModel(name: string): Promise<string> {
    const known = models.get(name);
    if (known !== undefined && performance.now() - known.atMs < lookAgainMs) return known.digest;
    // The names come from documents: those looked at before are not kept for ever.
    for (const [other, { atMs }] of models) if (performance.now() - atMs >= lookAgainMs) models.delete(other);
    const digest = catalogue.digestOfModel(name);
    models.set(name, { atMs: performance.now(), digest });
    return digest;
  }

  async function forecast(
    workflow: Workflow,
    { targets, pid, nothingKept = false }: ForecastRequest = {},
  ): Promise<ForecastResult> {
    return forecastRun(workflow, {
      registry: catalogue.registry,
      context: await catalogue.contextOf(workflow, files),
      book: currentBook(),
      isKept: (key) => !nothingKept && store.hasRecord(key),
      cpuLanes: availableParallelism(),
      deviceOf: catalogue.deviceOf,
      digestOfModel,
      digestOfFile: (name) => files.digest(name),
      pid,
      ...(targets === undefined ? {} : { targets }),
    });
  }

  async function refusalFor(
    workflow: Workflow,
    budget: RunBudget,
    found: ForecastResult,
    request: ForecastRequest | undefined,
  ): Promise<BudgetRefusal | undefined> {
    const excesses = found.ok ? excessesOf(found.forecast, budget) : [];
    if (excesses.length === 0) return undefined;
    const fitting = await findFitting(workflow, {
      registry: catalogue.registry,
      context: await catalogue.contextOf(workflow, files),
      budget,
      forecast: async (changed) => {
        const other = await forecast(changed, request);
        return other.ok ? other.forecast : undefined;
      },
    });
    return refusalOf(excesses, fitting);
  }

  async function estimate(
    workflow: Workflow,
    budget: RunBudget,
    request?: ForecastRequest,
  ): Promise<Estimate> {
    const here = await forecast(workflow, request);
    // What earlier runs left in the process is no reason against this one, where it can begin in another.
    const needsFreshProcess = request?.pid !== undefined && isOverMemory(here, budget);
    const asked = needsFreshProcess ? { ...request, pid: undefined } : request;
    const result = needsFreshProcess ? await forecast(workflow, asked) : here;
    return { result, refusal: await refusalFor(workflow, budget, result, asked), needsFreshProcess };
  }

  return {
    forecast,
    estimate,
    async findRefusal(workflow, budget, request) {
      return isLimited(budget) ? (await estimate(workflow, budget, request)).refusal : undefined;
    },
  };
}
