/** A score as a table: a mark, what was looked at, and what was found. */
import type { ScoreTable } from '@reelgraph/graph';
import { Icon } from '../controls/icon.tsx';

interface ScoreTableViewProps {
  readonly score: ScoreTable;
  readonly height: number;
}

export function ScoreTableView({ score, height }: ScoreTableViewProps) {
  return (
    <div
      className="score-table"
      style={{ height }}
      // The table scrolls; the canvas must not zoom under it.
      onWheel={(event) => event.stopPropagation()}
      onPointerDown={(event) => event.stopPropagation()}
    >
      <table>
        <caption>{score.summary}</caption>
        <tbody>
          {score.rows.map(({ name, value, isRight }) => (
            <tr key={name} className={isRight === undefined ? 'measured' : isRight ? 'right' : 'wrong'}>
              <td aria-hidden="true">
                {isRight === undefined ? null : <Icon name={isRight ? 'check' : 'close'} size={12} />}
              </td>
              <th scope="row">{name}</th>
              <td>{value}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
