export { type BlobInfo, type BlobStore, digestOf, isDigest } from './blobs.ts';
export type { CheckpointSlots, LoadedCheckpoint, NewCheckpoint } from './checkpoint-slots.ts';
export type { CheckpointLimits, CheckpointStore } from './checkpoints.ts';
export { type Disk, type FileStamp, nodeDisk } from './disk.ts';
export { diskError, StoreError, type StoreErrorCode } from './errors.ts';
export { filesOfHistory } from './history-files.ts';
export {
  type Journal,
  type JournalChange,
  type JournalEvent,
  openJournal,
  type StoredEvent,
  type StoredRun,
} from './journal.ts';
export type {
  DamagedItem,
  Maintenance,
  StoreSize,
  TrimPlan,
  TrimRequest,
  VerifyReport,
} from './maintenance.ts';
export type { KeyParts, LoadedResult, NewResult, ResultRecord, ResultStore } from './results.ts';
export { openStore, type Store, type StoreOptions } from './store.ts';
export {
  decodeValue,
  type EncodedValue,
  encodeValue,
  type StoredFile,
  type StoredValue,
} from './value-codec.ts';
