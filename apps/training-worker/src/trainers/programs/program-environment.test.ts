import { ProcessTrainingSpec } from '@ktrdr/specs';
import { commandOf, environmentOf, type ProgramPlace, valuesOf } from './program-environment.js';

const PLACE: ProgramPlace = {
  operationId: 'op_training_1',
  attempt: 2,
  workDir: '/spool/work',
  programDir: '/opt/trainers',
  resume: null,
  dataFile: null,
};
const RESUMED = { ...PLACE, resume: { dir: '/spool/work/out/checkpoint-40', step: 40 } };

function specOf(trainer: Readonly<Record<string, unknown>> = {}) {
  return ProcessTrainingSpec.parse({
    version: 1,
    trainer: {
      kind: 'process',
      command: ['{program_dir}/train', '--out={checkpoint_dir}', '{"plain": "json"}'],
      resume_args: ['--from', '{resume_dir}'],
      checkpoint_dir: 'out',
      ...trainer,
    },
  });
}

it('fills a command in, and adds what is for a resume only then', () => {
  const spec = specOf();
  const begin = ['/opt/trainers/train', '--out=/spool/work/out', '{"plain": "json"}'];
  expect(commandOf(spec, valuesOf(spec, PLACE))).toEqual(begin);
  expect(commandOf(spec, valuesOf(spec, RESUMED))).toEqual([...begin, '--from', '/spool/work/out/checkpoint-40']);
});

it('tells a program where everything is, and nothing that the worker keeps to itself', () => {
  const worker = {
    PATH: '/bin',
    LC_ALL: 'C',
    CUDA_VISIBLE_DEVICES: '0',
    HF_HOME: '/models',
    KTRDR_ENROL_TOKEN: 'secret',
    AWS_SECRET_ACCESS_KEY: 'secret',
    LD_PRELOAD: '/tmp/evil.so',
    KTRDR_WORKER_ID: 'w1',
  };
  const spec = specOf();
  expect(environmentOf(worker, ['HF_HOME'], valuesOf(spec, RESUMED), 30)).toEqual({
    PATH: '/bin',
    LC_ALL: 'C',
    CUDA_VISIBLE_DEVICES: '0',
    HF_HOME: '/models',
    PYTHONUNBUFFERED: '1',
    KTRDR_OPERATION_ID: 'op_training_1',
    KTRDR_ATTEMPT: '2',
    KTRDR_WORK_DIR: '/spool/work',
    KTRDR_PROGRAM_DIR: '/opt/trainers',
    KTRDR_SPEC_FILE: '/spool/work/spec.json',
    KTRDR_PARAMS_FILE: '/spool/work/params.json',
    KTRDR_CHECKPOINT_DIR: '/spool/work/out',
    KTRDR_RESULT_FILE: '/spool/work/result.json',
    KTRDR_RESUME_DIR: '/spool/work/out/checkpoint-40',
    KTRDR_RESUME_STEP: '40',
    KTRDR_GRACE_SECONDS: '30',
  });
});

it('tells a protocol trainer of no place that it does not have', () => {
  const spec = ProcessTrainingSpec.parse({
    version: 1,
    trainer: { kind: 'process', interface: 'protocol', command: ['train'] },
  });
  expect(Object.keys(valuesOf(spec, PLACE))).not.toContain('checkpoint_dir');
});
