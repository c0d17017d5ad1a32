/** Where models can run on this machine. */
import { availableParallelism, cpus, totalmem } from 'node:os';

/** A device a model can be put on, as tried and not as promised. */
export interface Device {
  readonly id: 'cpu';
  readonly label: string;
  /** Cores that a run may use. */
  readonly cores: number;
  readonly memoryBytes: number;
}

/** Devices in order of preference. The processor is always one; it is the only kind this version drives. */
export function listDevices(): readonly Device[] {
  const name = cpus()[0]?.model.trim() ?? 'processor';
  return [{ id: 'cpu', label: name, cores: availableParallelism(), memoryBytes: totalmem() }];
}
