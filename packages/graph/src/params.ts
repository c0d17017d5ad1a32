/** Rules for the value of a param: the same for the editor's controls, the checks, `--set` and the engine. */
import type { ParamValue } from './document.ts';
import type { ParamInfo } from './node-type.ts';

/** Why a value does not fit its param, and a value that would. */
export interface ParamProblem {
  readonly code:
    | 'graph/param-kind'
    | 'graph/param-range'
    | 'graph/param-too-long'
    | 'graph/param-empty'
    | 'graph/param-seed'
    | 'graph/param-choice';
  /** Continues "Param x …", without a full stop. */
  readonly message: string;
  readonly suggestion?: ParamValue;
}

/** Largest seed: 2^64 - 1. */
export const maxSeed = 18446744073709551615n;

/** Whether a text is a seed: a whole decimal number from 0 to 2^64 - 1 without leading zeros. */
export function isSeed(text: string): boolean {
  return /^(?:0|[1-9][0-9]{0,19})$/.test(text) && BigInt(text) <= maxSeed;
}

/** Checks one value against its declaration; `undefined` means it fits. */
export function checkParam(info: ParamInfo, value: ParamValue): ParamProblem | undefined {
  switch (info.kind) {
    case 'integer':
    case 'number': {
      const whole = info.kind === 'integer';
      if (typeof value !== 'number' || !Number.isFinite(value) || (whole && !Number.isInteger(value))) {
        const rounded =
          typeof value === 'number' && Number.isFinite(value) ? clamp(Math.round(value), info) : info.default;
        return {
          code: 'graph/param-kind',
          message: `expects ${whole ? 'a whole number' : 'a number'}, found ${show(value)}`,
          suggestion: rounded,
        };
      }
      if (value < info.min || value > info.max) {
        return {
          code: 'graph/param-range',
          message: `expects ${info.min} to ${info.max}${info.unit === undefined ? '' : ` ${info.unit}`}, found ${value}`,
          suggestion: clamp(value, info),
        };
      }
      return undefined;
    }
    case 'boolean':
      if (typeof value === 'boolean') return undefined;
      return {
        code: 'graph/param-kind',
        message: `expects true or false, found ${show(value)}`,
        suggestion: info.default,
      };
    case 'text':
      if (typeof value !== 'string') return textKind(value, info.default);
      if (value.length > info.maxLength) {
        return {
          code: 'graph/param-too-long',
          message: `holds at most ${info.maxLength} characters, found ${value.length}`,
          suggestion: value.slice(0, info.maxLength),
        };
      }
      if (info.required === true && value.trim() === '')
        return { code: 'graph/param-empty', message: 'is empty and must say something' };
      return undefined;
    case 'seed':
      if (typeof value === 'string' && isSeed(value)) return undefined;
      return {
        code: 'graph/param-seed',
        message: `expects a whole number from 0 to ${maxSeed} in quotes, found ${show(value)}`,
        suggestion:
          typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
            ? String(value)
            : info.default,
      };
    case 'choice': {
      if (typeof value !== 'string') return textKind(value, info.default);
      if (info.options.some((option) => option.value === value)) return undefined;
      const options = info.options.map((option) => `"${option.value}"`).join(', ');
      return {
        code: 'graph/param-choice',
        message: `expects one of ${options}, found ${show(value)}`,
        suggestion: info.default,
      };
    }
    case 'model':
      if (typeof value !== 'string') return textKind(value, info.default);
      if (value.trim() === '')
        return {
          code: 'graph/param-empty',
          message: 'expects the name of a model and is empty',
          suggestion: info.default,
        };
      return undefined;
    case 'file':
      return typeof value === 'string' ? undefined : textKind(value, info.default);
  }
}

/** Reads a value as typed on a command line: `--set steps=12`. The result still has to pass `checkParam`. */
export function parseParamText(info: ParamInfo, text: string): ParamValue {
  switch (info.kind) {
    case 'integer':
    case 'number': {
      const number = Number(text);
      return text.trim() === '' || Number.isNaN(number) ? text : number;
    }
    case 'boolean':
      if (/^(?:true|yes|on|1)$/i.test(text)) return true;
      return /^(?:false|no|off|0)$/i.test(text) ? false : text;
    case 'seed':
      return text.trim();
    case 'text':
    case 'choice':
    case 'model':
    case 'file':
      return text;
  }
}

function textKind(value: ParamValue, fallback: string): ParamProblem {
  return { code: 'graph/param-kind', message: `expects a text, found ${show(value)}`, suggestion: fallback };
}

function clamp(value: number, range: { readonly min: number; readonly max: number }): number {
  return Math.min(range.max, Math.max(range.min, value));
}

function show(value: ParamValue): string {
  const text = JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}
