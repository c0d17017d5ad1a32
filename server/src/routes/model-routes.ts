/** Models: what is installed, and reading one whole. */
import type { Catalogue, DeviceChoice } from '@reelgraph/host';
import { HttpError } from '../http-error.ts';
import type { ModelVerifier } from '../models/model-verifier.ts';
import type { CallRegistry } from '../register-call.ts';

export interface ModelRouteParts {
  readonly catalogue: Catalogue;
  readonly verifier: ModelVerifier;
  /** Where models run, as the runner chose it, too. */
  readonly device: DeviceChoice;
}

export function registerModelCalls(
  registry: CallRegistry,
  { catalogue, verifier, device }: ModelRouteParts,
): void {
  registry.call('getDevices', () => device);
  registry.call('listModels', async () => {
    const models = await catalogue.listModels();
    // Folders of this machine are nobody's business but of who sits at it.
    return models.map(({ folder: _folder, parts, missing, ...model }) => {
      const verification = verifier.of(model.name);
      return {
        ...model,
        ...(missing === undefined ? {} : { missing: [...missing] }),
        parts: parts.map(({ part, byteLength, licence, commercialUse }) => ({
          part,
          byteLength,
          licence,
          commercialUse,
        })),
        ...(verification === undefined ? {} : { verification }),
      };
    });
  });
  registry.call('verifyModel', async ({ param }) => {
    const name = param('name');
    const models = await catalogue.listModels();
    if (!models.some((model) => model.name === name))
      throw new HttpError(404, 'model/not-found', `No model named "${name}" is installed.`);
    verifier.begin(name);
    return {};
  });
}
