/** `npm run faults -- kill`: `kill -9` of server, runner or both at random moments of a mixed load. */
import { killAgainAndAgain } from './kills/kills.ts';
import type { FaultPiece } from './piece.ts';

const kill: FaultPiece = async (report, { seed, count = 200 }) => {
  const seen = await killAgainAndAgain({ seed, count });
  for (const line of [...seen.lost, ...seen.wrong, ...seen.leftovers]) console.error(line);
  const { runner, server, both, 'starting server': starting } = seen.kills;
  const endings = Object.entries(seen.ended).map(([status, runs]) => `${runs} ${status}`);
  report({
    fault: `kill -9: ${runner} runner, ${server + starting} server (${starting} starting), ${both} both`,
    cases: count,
    outcome: `${seen.accepted} accepted: ${endings.join(', ')}`,
    wanted: 'all ended as they should',
    met: seen.lost.length === 0,
  });
  report({
    fault: `  accepted runs lost, of ${seen.interrupted} interrupted`,
    cases: seen.accepted,
    outcome: String(seen.lost.length),
    wanted: '0',
    met: seen.lost.length === 0,
  });
  report({
    fault: '  files, compared with those of undisturbed runs',
    cases: seen.compared,
    outcome: `${seen.wrong.length} runs with others`,
    wanted: '0',
    met: seen.compared > 0 && seen.wrong.length === 0,
  });
  report({
    fault: '  steps of sampling done twice',
    cases: seen.steps,
    outcome: `${seen.redone} in all, at most ${seen.mostRedone} for a kill`,
    wanted: 'at most 1',
    met: seen.mostRedone <= 1,
  });
  report({
    fault: '  processes and files in the making left behind',
    cases: count,
    outcome: String(seen.leftovers.length),
    wanted: '0',
    met: seen.leftovers.length === 0,
  });
};
export default kill;
