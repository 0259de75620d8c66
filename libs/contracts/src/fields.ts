import { z } from 'zod';

export const PoolName = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'must be lower-case letters, digits and -, 63 at most');
