export {
  FAILPOINT_NAMES,
  FAILPOINT_PROCESSES,
  type FailpointName,
  type FailpointProcess,
  type Failpoints,
  FAILPOINTS,
  NO_FAILPOINTS,
} from './failpoints.js';
