import { subjectsOf } from './subjects.js';

const subjects = subjectsOf('ktrdr');

it('starts every name with the prefix', () => {
  expect(subjects.work('default')).toBe('ktrdr.work.default');
  expect(subjects.control('UA')).toBe('ktrdr.control.UA');
  expect(subjects.rpc('UA', 'checkpoint-commit')).toBe('ktrdr.rpc.UA.checkpoint-commit');
  expect(subjects.rpcOfAll('heartbeat')).toBe('ktrdr.rpc.*.heartbeat');
});

it.each(['a.b', '*', '>', 'a b', ''])('refuses %j as a part of a subject', (part) => {
  expect(() => subjects.work(part)).toThrow(RangeError);
});
