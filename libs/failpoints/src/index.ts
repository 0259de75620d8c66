export {
  FAILPOINT_NAMES,
  type FailpointName,
  type FailpointProcess,
  type Failpoints,
  FAILPOINTS,
  NO_FAILPOINTS,
} from './failpoints.js';
