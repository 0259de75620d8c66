import type { BadFile } from '@ktrdr/operations';
import { ObjectNotFoundError, ObjectUnreadableError } from '../errors.js';

/** What is wrong with one object. */
export type ObjectProblem = Pick<BadFile, 'problem' | 'detail'>;

/** Tells what is wrong with an object from what is wrong with its store, which is thrown on. */
export async function orProblem<Value>(read: () => Promise<Value>): Promise<{ readonly value: Value } | ObjectProblem> {
  try {
    return { value: await read() };
  } catch (error) {
    if (error instanceof ObjectNotFoundError) return { problem: 'missing', detail: error.message };
    if (error instanceof ObjectUnreadableError) return { problem: 'unreadable', detail: error.message };
    throw error;
  }
}
