import { subjectsOf } from './subjects.js';

const subjects = subjectsOf('ktrdr');

it('starts every name with the prefix', () => {
  expect(subjects.dispatch('default')).toBe('ktrdr.dispatch.default');
  expect(subjects.events('op_a')).toBe('ktrdr.events.op_a');
  expect(subjects.control('w1')).toBe('ktrdr.control.w1');
  expect(subjects.dispatchStream).toBe('KTRDR_DISPATCH');
  expect(subjects.methodOf(subjects.rpc('checkpoint.commit'))).toBe('checkpoint.commit');
});

it.each(['a.b', '*', '>', 'a b', ''])('refuses %j as a part of a subject', (part) => {
  expect(() => subjects.dispatch(part)).toThrow(RangeError);
});
