import { z } from 'zod';

/** The most that PostgreSQL keeps in an `integer`. */
export const LARGEST_COUNT = 2_147_483_647;

/** Steps, epochs and whatever else is counted and stored. */
export const Count = z.int().min(0).max(LARGEST_COUNT);

export const Position = { step: Count, epoch: Count };
