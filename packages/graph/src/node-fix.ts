/**
 * A fix as a node type offers it, in words of its own ports: it knows its inputs and not what stands around it.
 * `createFixFinder` turns it into changes of a document.
 */
import type { ParamValue } from './document.ts';
import type { PortFacts, PortType } from './port-types.ts';

/** A value that mends the param. */
export interface SetOwnParam {
  readonly kind?: 'set-param';
  readonly label: string;
  readonly param: string;
  readonly value: ParamValue;
  /** It would make another thing than was asked for, such as with another model: offered, and applied by people alone. */
  readonly isChoice?: boolean;
}

/** A node put on a wire. */
export interface Converter {
  readonly type: string;
  readonly params?: Readonly<Record<string, ParamValue>>;
  /**
   * Its further inputs: a name is an input of the node that offers the fix, and the converter is fed from where that
   * one is; facts are looked for among the outputs of the document. Inputs not named here are fed as seems best.
   */
  readonly inputs?: Readonly<Record<string, string | PortFacts>>;
}

export type NodeFix =
  | SetOwnParam
  | {
      readonly kind: 'set-params';
      readonly label: string;
      readonly values: Readonly<Record<string, ParamValue>>;
    }
  /** Converts what arrives at `port`. One that stands there already is set anew. */
  | {
      readonly kind: 'convert';
      readonly label: string;
      readonly port: string;
      readonly through: readonly Converter[];
    }
  /** Has whatever makes the value at `port` take its input of type `type` from where the own input `from` does. */
  | {
      readonly kind: 'same-source';
      readonly label: string;
      readonly port: string;
      readonly type: PortType;
      readonly from: string;
    }
  /** Feeds `port` from an output of the document that has these facts, or else from a new node. */
  | {
      readonly kind: 'connect';
      readonly label: string;
      readonly port: string;
      readonly facts?: PortFacts;
      readonly orAdd?: Converter;
    }
  /** Leaves the node itself out: its inputs pass to outputs of the same type. */
  | { readonly kind: 'bypass'; readonly label: string }
  /** Leaves the node before `port` out for this input: feeds it from what that node is fed with. */
  | { readonly kind: 'go-around'; readonly label: string; readonly port: string };
