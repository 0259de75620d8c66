import { inRepository } from '../../tools/repository.js';
import { freePort } from '../../tools/stack/free-port.js';
import { eventually, eventuallySeen } from '../integration/support/eventually.js';
import { httpOf } from '../integration/support/http.js';
import { smallSpec } from '../integration/support/specs.js';
import { trainingOver } from '../integration/support/training.js';
import { Compose, docker, isMissing } from './support/compose.js';

const onS3 = !isMissing('versitygw');
if (!onS3) process.stdout.write('versitygw is missing: objects are kept on a volume, compose.s3.yaml is not tested\n');

/** Programs and S3 share one project: each start of the whole costs half a minute. */
describe(`the compose file with workers that run Python${onS3 ? ', and an S3 server' : ''}`, () => {
  let compose: Compose;
  let training: ReturnType<typeof trainingOver>;
  beforeAll(async () => {
    compose = new Compose(onS3 ? ['compose.yaml', 'compose.s3.yaml'] : ['compose.yaml'], {
      port: await freePort(),
      env: {
        KTRDR_WORKER_TARGET: 'worker-python',
        KTRDR_PROCESS_TRAINERS: 'allow',
        KTRDR_PROCESS_PROGRAMS: 'python3',
        KTRDR_DATA: inRepository(),
      },
    });
    await compose.run('up', '-d', '--scale', 'api=1', '--scale', 'worker=2');
    const [api = ''] = await compose.containers('api');
    const http = httpOf({ url: await compose.apiUrl(api), token: compose.token });
    training = trainingOver(http);
    await eventually(async () => (await http.get('/health/ready')).status === 200, { what: 'the API is ready' });
    const workers = async () => (await http.get('/workers')).body['items'];
    await eventuallySeen(workers, (seen) => seen.length === 2, { what: 'two workers are registered' });
  });
  afterAll(() => compose?.down());

  /** Ten seconds of a program that says of itself how long each step takes. */
  const program = {
    version: 1,
    trainer: {
      kind: 'process',
      interface: 'protocol',
      command: ['python3', '{program_dir}/examples/trainers/plain_python.py'],
    },
    params: { epochs: 16, learning_rate: 0.05, batch_size: 16, seed: 1, seconds_per_step: 0.02 },
  };

  it('resumes a program in Python on another container, to equal weights', async () => {
    const whole = await training.submit({ name: 'whole', spec: program });
    const interrupted = await training.submit({ name: 'interrupted', spec: program });
    await training.reached(interrupted, 100);
    const { worker_id: worker } = await training.show(interrupted);
    await training.cancelled(interrupted);
    const containers = await compose.containers('worker');
    await docker('stop', containers.find((container) => worker.startsWith(container.slice(0, 12))) ?? '');
    await training.completed(whole);
    expect(await compose.ktrdr('operations', 'resume', interrupted)).toMatchObject({ code: 0 });
    await training.completed(interrupted);
    expect(await training.weightsOf(interrupted)).toBe(await training.weightsOf(whole));
  });

  it('keeps checkpoints of the built-in trainer where it is told to', async () => {
    const id = await training.submit({ name: 'stored', spec: smallSpec() });
    await training.completed(id);
    const stored = await compose.ktrdr('checkpoints', 'verify', '--operation', id);
    expect(stored).toMatchObject({ code: 0 });
    if (onS3) {
      const [s3 = ''] = await compose.containers('s3');
      expect(await docker('exec', s3, 'ls', '/buckets/ktrdr/objects')).toContain('blobs');
    }
  });
});
