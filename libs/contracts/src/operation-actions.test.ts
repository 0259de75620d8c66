import { inPlainWords } from '@ktrdr/specs';
import { SubmitBody } from './operation-actions.js';

describe('the body of a submit', () => {
  it('says what is wrong with a pool name', () => {
    const { error } = SubmitBody.safeParse({ pool: 'GPU', spec: {} }, { error: inPlainWords });
    expect(error?.issues.map(({ path, message }) => [...path, message].join(' '))).toEqual([
      'pool must be lower-case letters, digits and -, 63 at most',
    ]);
  });
});
