/**
 * Whether a clip does what it was told. The clip is read back from its pixels; only then is it compared with what
 * the rules make of the first board and the actions.
 */
import type { Clip } from '../world/clip.ts';
import { type BoardReading, readBoard } from './read-board.ts';
import {
  type Board,
  isOpen,
  neighbour,
  playBoard,
  stepBoard,
  type TileAction,
  type TileKind,
} from './tile-world.ts';

/** A board, what was done on it, and a clip that should show it: the first frame, then one for each action. */
export interface TilePlay {
  readonly start: Board;
  readonly actions: readonly TileAction[];
  readonly clip: Clip;
}

/** What an action should do where it was given. */
export const actionCases = ['walks', 'is stopped', 'breaks', 'puts', 'acts in vain', 'waits'] as const;
export type ActionCase = (typeof actionCases)[number];

/** `right` of `of`. */
export interface Tally {
  readonly right: number;
  readonly of: number;
}

export interface PlayScore {
  /**
   * Actions after which the agent is where it should be, faces as it should, and the tile ahead is what it should be,
   * each judged from the clip's own frame before.
   */
  readonly obeyed: Tally;
  /** The same by what the action should have done, judged from the true board before. */
  readonly byCase: Readonly<Record<ActionCase, Tally>>;
  /** Frames whose agent is exactly where the rules have it, all actions since the start counted. */
  readonly agent: Tally;
  /** Frames in which the agent and every tile are as the rules have them. */
  readonly frames: Tally;
  /** Tiles that had been changed, over all frames: those that still show the change. */
  readonly kept: Tally;
  /** Changed tiles when the agent comes back to them from at least three tiles away: those that show the change. */
  readonly returned: Tally;
  /** Whether every frame is right. */
  readonly isRight: boolean;
}

/** What an action should do on a board. */
export function caseOf(board: Board, action: TileAction): ActionCase {
  if (action === 'none') return 'waits';
  const ahead = neighbour({ ...board, facing: action === 'act' ? board.facing : action });
  const kind = ahead === undefined ? undefined : board.kinds[ahead];
  if (action !== 'act') return kind !== undefined && isOpen(kind) ? 'walks' : 'is stopped';
  if (kind === 'crate') return 'breaks';
  return kind === 'bare' || kind === 'grass' ? 'puts' : 'acts in vain';
}

/** Reads a clip and compares it with the rules. Frames that are missing count as wrong. */
export function scorePlay({ start, actions, clip }: TilePlay): PlayScore {
  const truth = playBoard(start, actions);
  const readings = truth.map((_, f) => (f < clip.frameCount ? readBoard(clip, f) : undefined));
  const obeyed = counter();
  const agent = counter();
  const frames = counter();
  const kept = counter();
  const returned = counter();
  const byCase = Object.fromEntries(actionCases.map((name) => [name, counter()])) as Record<
    ActionCase,
    ReturnType<typeof counter>
  >;
  /** Changed tiles that the agent has gone away from. */
  const left = new Set<number>();
  truth.forEach((board, f) => {
    const reading = readings[f];
    frames.add(reading !== undefined && isBoard(reading, board));
    if (f === 0) return;
    const action = actions[f - 1]!;
    agent.add(isAgent(reading, board));
    const before = boardOf(readings[f - 1], truth[f - 1]!);
    const isObeyed = before !== undefined && follows(reading, stepBoard(before, action));
    obeyed.add(isObeyed);
    byCase[caseOf(truth[f - 1]!, action)].add(isObeyed);
    board.kinds.forEach((kind, tile) => {
      if (kind === start.kinds[tile]) {
        left.delete(tile);
        return;
      }
      const isKept = reading?.kinds[tile] === kind;
      kept.add(isKept);
      const away =
        Math.abs(Math.floor(tile / board.columns) - board.row) +
        Math.abs((tile % board.columns) - board.column);
      if (away >= 3) left.add(tile);
      else if (away === 1 && left.delete(tile)) returned.add(isKept);
    });
  });
  return {
    obeyed: obeyed.tally(),
    byCase: Object.fromEntries(actionCases.map((name) => [name, byCase[name].tally()])) as Record<
      ActionCase,
      Tally
    >,
    agent: agent.tally(),
    frames: frames.tally(),
    kept: kept.tally(),
    returned: returned.tally(),
    isRight: frames.tally().right === frames.tally().of,
  };
}

function counter() {
  let right = 0;
  let of = 0;
  return {
    add(isRight: boolean) {
      of += 1;
      if (isRight) right += 1;
    },
    tally: (): Tally => ({ right, of }),
  };
}

function isAgent(reading: BoardReading | undefined, board: Board): boolean {
  const { agent } = reading ?? {};
  return agent?.row === board.row && agent.column === board.column && agent.facing === board.facing;
}

function isBoard(reading: BoardReading, board: Board): boolean {
  return (
    reading.theme === board.theme &&
    reading.rows === board.rows &&
    reading.columns === board.columns &&
    reading.clock === board.clock &&
    isAgent(reading, board) &&
    board.kinds.every((kind, tile) => reading.kinds[tile] === kind)
  );
}

/** Agent and the tile ahead of it as they should be. */
function follows(reading: BoardReading | undefined, expected: Board): boolean {
  if (!isAgent(reading, expected)) return false;
  const ahead = neighbour(expected);
  return ahead === undefined || reading?.kinds[ahead] === expected.kinds[ahead];
}

/** A reading as a board to go on from; undefined without an agent. A tile that cannot be read takes the true one's kind. */
function boardOf(reading: BoardReading | undefined, truth: Board): Board | undefined {
  if (reading?.agent === undefined) return undefined;
  const { theme, rows, columns, kinds, agent, clock } = reading;
  const whole: TileKind[] = kinds.map((kind, tile) => kind ?? truth.kinds[tile] ?? 'wall');
  return { theme, rows, columns, kinds: whole, ...agent, clock };
}

/** Scores of many plays added up; `clips` counts the plays of which every frame is right. */
export interface PlayScores extends Omit<PlayScore, 'isRight'> {
  readonly clips: Tally;
}

/** Adds scores up. */
export function sumScores(scores: readonly PlayScore[]): PlayScores {
  const sum = (of: (score: PlayScore) => Tally): Tally => ({
    right: scores.reduce((total, score) => total + of(score).right, 0),
    of: scores.reduce((total, score) => total + of(score).of, 0),
  });
  return {
    obeyed: sum((score) => score.obeyed),
    byCase: Object.fromEntries(
      actionCases.map((name) => [name, sum((score) => score.byCase[name])]),
    ) as Record<ActionCase, Tally>,
    agent: sum((score) => score.agent),
    frames: sum((score) => score.frames),
    kept: sum((score) => score.kept),
    returned: sum((score) => score.returned),
    clips: { right: scores.filter((score) => score.isRight).length, of: scores.length },
  };
}
