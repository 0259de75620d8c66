export {
  BACKENDS,
  type BackendName,
  CheckpointPolicySpec,
  type FeatureSpec,
  type LabelSpec,
  type LayerSpec,
  type OptimizerSpec,
  RetentionSpec,
  type ScheduleSpec,
  type SplitSpec,
  TrainingSpec,
} from './training-spec.js';
export { DataGenerationSpec } from './data-generation-spec.js';
export { compileLogPattern, type LogPattern } from './log-pattern.js';
export {
  type CommandPlaceholder,
  type CompletionSpec,
  fillPlaceholders,
  namesTrainer,
  ProcessTrainingSpec,
} from './process-training-spec.js';
export {
  applyOverrides,
  mergeOverrides,
  ResumeOverrides,
  type SpecChange,
  suggestOverrides,
} from './spec-overrides.js';
export { type FieldProblem, inPlainWords, toFieldProblems } from './plain-words.js';
