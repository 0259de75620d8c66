import { LARGEST_COUNT, OPERATION_STATUSES } from '@ktrdr/operations/model';
import { z } from 'zod';

/** What several messages carry in the same form. */
export const Instant = z.iso.datetime();
export const Status = z.enum(OPERATION_STATUSES);

export { LARGEST_COUNT };
/** Steps, epochs and whatever else is counted and stored. */
export const Count = z.int().min(0).max(LARGEST_COUNT);

export const Position = { step: Count, epoch: Count };

export const OperationId = z
  .string()
  .regex(/^op_[a-z_]{1,32}_\d{8}_\d{6}_[a-z0-9]{6,12}$/, 'is not an operation id (op_<type>_<date>_<time>_<random>)');
/** What names a worker, in subjects and folders too. */
export const WorkerId = z.string().regex(/^[A-Za-z0-9_-]{1,128}$/, 'must be letters, digits, _ and -, 128 at most');
export const PoolName = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'must be lower-case letters, digits and -, 63 at most');

export const Labels = z.record(z.string().max(63), z.string().max(255));
export const OperationName = z.string().min(1).max(200);
export const MaxRecoveries = z.int().min(0).max(1000);
