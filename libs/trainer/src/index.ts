export { prepareDataset } from './data/prepared-dataset.js';
export { writeCheckpointFiles } from './checkpointing/checkpoint-files.js';
export { ControlQueue, type StartControl } from './control-queue.js';
export { TrainerProtocolError } from './errors.js';
export { decodeSafetensors, encodeSafetensors } from './state/safetensors.js';
export { type Backend, chooseBackend } from './tensorflow/choose-backend.js';
export { modelSize } from './tensorflow/network.js';
export { findBackends } from './tensorflow/find-backends.js';
export type { FoundBackend } from './tensorflow/found-backend.js';
export { findGpu } from './tensorflow/native/gpu.js';
export {
  NATIVE_BUILD_FILE,
  NATIVE_PACKAGES,
  NativeBuild,
  type NativeName,
} from './tensorflow/native/native-package.js';
export { TRAINER } from './state/training-state.js';
export { OPERATION_TYPES, serveOperation } from './operation-session.js';
export { rehearse } from './rehearsal.js';
export { readRestorePoint } from './state/restore-point.js';
export { type RunSetup, TrainingRun } from './training-run.js';
