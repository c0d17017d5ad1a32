/**
 * Costs that cannot be negative, learnt from few and noisy measurements: least squares of relative errors with a
 * prior, outliers weighed down.
 *
 * @see Tibshirani 1996, doi:10.1111/j.2517-6161.1996.tb02080.x (the lasso, here with costs that are not negative)
 * @see Lawson and Hanson 1974, "Solving Least Squares Problems", chapter 23 (non-negative least squares)
 * @see Huber 1964, doi:10.1214/aoms/1177703732 (robust weights)
 */

/** One measurement: how much of each kind of work there was, and what it took in all. */
export interface Measurement {
  /** One amount for each column, at least 0. */
  readonly amounts: readonly number[];
  /** Above 0. */
  readonly total: number;
  /** How much it counts; 1 is usual. */
  readonly weight: number;
}

/** A relative error beyond this counts no longer by its square. */
const huberDelta = 0.15;
const rounds = 8;
/** Keeps equal columns from making the equations singular. */
const ridge = 1e-9;
/** Every subset of the columns is tried, so there must be few. */
export const maxColumns = 6;

/**
 * Cost per unit of each column. What the measurements cannot tell apart is settled by `penalties`: how much it counts
 * against a column that it explains a whole measurement; the column that more likely causes the cost has less.
 *
 * @param measurements at least one
 * @param penalties one for each column, at most `maxColumns`
 */
export function fitCosts(measurements: readonly Measurement[], penalties: readonly number[]): number[] {
  const count = penalties.length;
  if (count > maxColumns) throw new RangeError(`${count} columns are too many; ${maxColumns} can be fitted.`);
  // Shares of the total: every column is then of the same size, whatever its unit.
  const scales = penalties.map((_, column) => scaleOf(measurements, column));
  const rows = measurements.map(({ amounts, total }) =>
    amounts.map((amount, column) => (amount / total) * (scales[column] ?? 1)),
  );
  const usable = penalties.flatMap((_, column) =>
    rows.some((row) => (row[column] ?? 0) > 0) ? [column] : [],
  );
  let weights = measurements.map(({ weight }) => weight);
  let costs = penalties.map(() => 0);
  for (let round = 0; round < rounds; round += 1) {
    costs = solveNonNegative(rows, weights, penalties, usable);
    weights = rows.map((row, index) => {
      const error = Math.abs(1 - dot(row, costs));
      const weight = measurements[index]?.weight ?? 1;
      return error <= huberDelta ? weight : (weight * huberDelta) / error;
    });
  }
  return costs.map((cost, column) => cost * (scales[column] ?? 1));
}

/** Mean total per amount where there is any: by it a cost of 1 means "all of it". */
function scaleOf(measurements: readonly Measurement[], column: number): number {
  let sum = 0;
  let count = 0;
  for (const { amounts, total } of measurements) {
    const amount = amounts[column] ?? 0;
    if (amount <= 0) continue;
    sum += amount / total;
    count += 1;
  }
  return count === 0 ? 1 : count / sum;
}

export function dot(a: readonly number[], b: readonly number[]): number {
  let sum = 0;
  for (let index = 0; index < a.length; index += 1) sum += (a[index] ?? 0) * (b[index] ?? 0);
  return sum;
}

/**
 * Minimises Σ w (1 − row·c)² + 2 Σ penalty c over c ≥ 0: the best of all sets of columns whose own optimum is not
 * negative. The penalty is linear, so what is not needed is left out whole: a trace of a cost that grows with the square
 * of a size would be all that is seen of it at a larger one.
 */
function solveNonNegative(
  rows: readonly (readonly number[])[],
  weights: readonly number[],
  penalties: readonly number[],
  usable: readonly number[],
): number[] {
  const normal = penalties.map((_, i) =>
    penalties.map((_, j) => {
      let sum = i === j ? ridge : 0;
      for (const [at, row] of rows.entries()) sum += (weights[at] ?? 0) * (row[i] ?? 0) * (row[j] ?? 0);
      return sum;
    }),
  );
  const right = penalties.map((penalty, i) => {
    let sum = -penalty;
    for (const [at, row] of rows.entries()) sum += (weights[at] ?? 0) * (row[i] ?? 0);
    return sum;
  });
  let best = penalties.map(() => 0);
  let least = 0;
  for (let set = 1; set < 1 << usable.length; set += 1) {
    const columns = usable.filter((_, bit) => (set & (1 << bit)) !== 0);
    const solved = solve(
      columns.map((i) => columns.map((j) => normal[i]?.[j] ?? 0)),
      columns.map((i) => right[i] ?? 0),
    );
    if (solved === undefined || solved.some((cost) => cost < 0)) continue;
    // At the optimum of a set the objective is a constant minus right·c.
    const objective = -dot(
      columns.map((i) => right[i] ?? 0),
      solved,
    );
    if (objective >= least) continue;
    least = objective;
    best = penalties.map((_, column) => solved[columns.indexOf(column)] ?? 0);
  }
  return best;
}

/** Solves a symmetric positive definite system by Gaussian elimination; undefined when it is singular. */
function solve(matrix: readonly (readonly number[])[], right: readonly number[]): number[] | undefined {
  const size = right.length;
  const rows = matrix.map((row, index) => [...row, right[index] ?? 0]);
  for (let pivot = 0; pivot < size; pivot += 1) {
    const pivotRow = rows[pivot] ?? [];
    const diagonal = pivotRow[pivot] ?? 0;
    if (!(diagonal > 1e-12)) return undefined;
    for (let below = pivot + 1; below < size; below += 1) {
      const row = rows[below] ?? [];
      const factor = (row[pivot] ?? 0) / diagonal;
      for (let column = pivot; column <= size; column += 1)
        row[column] = (row[column] ?? 0) - factor * (pivotRow[column] ?? 0);
    }
  }
  const solution = Array<number>(size).fill(0);
  for (let at = size - 1; at >= 0; at -= 1) {
    const row = rows[at] ?? [];
    let rest = row[size] ?? 0;
    for (let column = at + 1; column < size; column += 1)
      rest -= (row[column] ?? 0) * (solution[column] ?? 0);
    solution[at] = rest / (row[at] ?? 1);
  }
  return solution;
}
