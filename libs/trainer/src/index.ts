export { type DatasetPart, prepareDataset, type PreparedDataset } from './data/prepared-dataset.js';
export { DataInvalidError, DataNotFoundError, type DataPlace } from './data/errors.js';
export { type CheckpointFile, writeCheckpointFiles } from './checkpoint-files.js';
export { ControlQueue, type SaveRequest, type StartControl, type StopControl } from './control-queue.js';
export {
  BackendUnavailableError,
  CheckpointFileError,
  CheckpointIncompatibleError,
  CheckpointWriteError,
  DataChangedError,
  LayerUnsupportedError,
  OperationTypeError,
  SpecInvalidError,
  TrainerInvariantError,
  TrainerProtocolError,
  TrainingDivergedError,
} from './errors.js';
export { type DataGenerationResult } from './generation/data-generation.js';
export { decodeSafetensors, encodeSafetensors, type StoredTensor, type TensorLayout } from './safetensors.js';
export { type Backend, chooseBackend } from './tensorflow/choose-backend.js';
export { modelSize } from './tensorflow/model-size.js';
export { findBackends } from './tensorflow/find-backends.js';
export type { FoundBackend } from './tensorflow/found-backend.js';
export { findGpu } from './tensorflow/native/gpu.js';
export {
  NATIVE_BUILD_FILE,
  NATIVE_PACKAGES,
  NativeBuild,
  type NativeName,
} from './tensorflow/native/native-package.js';
export { TRAINER } from './trainer-identity.js';
export { OPERATION_TYPES, serveOperation, type SessionPorts } from './operation-session.js';
export { type LoopOutcome, type LoopPlan, type LoopPorts, train } from './training-loop.js';
export { type TrainingResult } from './training-result.js';
export { rehearse } from './rehearsal.js';
export { assertContinues, readRestorePoint, type RestoreRules } from './restore-point.js';
export {
  type CapturedState,
  type RestoredState,
  type RunPosition,
  type RunSetup,
  TrainingRun,
} from './training-run.js';
