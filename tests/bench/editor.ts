/** What a frame costs the editor's main thread in a large workflow, beside a small one. */
import { measureEditor } from '../../ui/bench/measure-editor.ts';
import { launchBrowser } from '../support/requirements.ts';
import type { BenchSection } from './section.ts';

const editor: BenchSection = async (report) => {
  const browser = await launchBrowser((reason) => {
    throw new Error(String(reason));
  });
  try {
    const small = await measureEditor(browser, 100);
    const large = await measureEditor(browser, 1000);
    report({ name: 'elements on the page at 1,000 nodes, at most', value: String(large.elements) });
    for (const cost of large.costs) {
      const beside = small.costs.find(({ gesture }) => gesture === cost.gesture);
      const ratio = beside ? ` (${(cost.mainMs / beside.mainMs).toFixed(1)}× the time at 100 nodes)` : '';
      report({
        name: `${cost.gesture}, 1,000 nodes, per frame`,
        value: `${cost.mainMs.toFixed(1)} ms main thread, of it ${cost.scriptAndLayoutMs.toFixed(1)} ms script and layout${ratio}`,
      });
    }
  } finally {
    await browser.close();
  }
};
export default editor;
