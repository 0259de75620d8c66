import { freePort } from '../../tools/stack/free-port.js';
import { eventually, eventuallySeen } from '../integration/support/eventually.js';
import { type Http, httpOf } from '../integration/support/http.js';
import { smallSpec } from '../integration/support/specs.js';
import { trainingOver } from '../integration/support/training.js';
import { Compose, docker, image, logsOf } from './support/compose.js';

/** Some ten seconds of training: long enough to be stopped on the way. */
const SPEC = smallSpec({ epochs: 600, checkpoint: { every_epochs: 10 } });
const LIVE = ['available', 'busy'];

describe('the compose file', () => {
  let compose: Compose;
  let http: Http;
  let training: ReturnType<typeof trainingOver>;
  let undisturbed: string;

  beforeAll(async () => {
    compose = new Compose(['compose.yaml'], { port: await freePort() });
    await compose.run('up', '-d');
    const [api] = await compose.containers('api');
    if (!api) throw new Error('no API container runs');
    http = httpOf({ url: await compose.apiUrl(api), token: compose.token });
    training = trainingOver(http);
    await eventually(async () => (await http.get('/health/ready')).status === 200, { what: 'the API is ready' });
    await liveWorkers(3);
  });
  afterAll(() => compose?.down());

  const workers = async (): Promise<readonly { worker_id: string; status: string }[]> =>
    (await http.get('/workers')).body['items'].filter(({ status }: { status: string }) => LIVE.includes(status));
  const liveWorkers = (count: number) =>
    eventuallySeen(workers, (seen) => seen.length === count, { what: `${count} workers live`, deadlineMs: 120_000 });

  /** The container that trains an operation: a worker's id begins with its host name. */
  async function containerOf(id: string): Promise<string> {
    const { worker_id: worker } = await training.show(id);
    const found = (await compose.containers('worker')).find((container) => worker?.startsWith(container.slice(0, 12)));
    if (!found) throw new Error(`${id} runs on ${worker}, which is no container of this project`);
    return found;
  }

  const history = async (id: string): Promise<readonly Record<string, unknown>[]> =>
    (await http.get(`/operations/${id}/history`)).body['items'];

  it('starts two replicas of the API and three workers, each as user 1000 without rights', async () => {
    const parts = [...(await compose.containers('api')), ...(await compose.containers('worker'))];
    expect(parts).toHaveLength(5);
    for (const part of parts) {
      expect(await docker('exec', part, 'id', '-u')).toBe('1000');
      expect(await docker('exec', part, 'grep', 'CapEff', '/proc/1/status')).toMatch(/\t0+$/);
      await expect(docker('exec', part, 'touch', '/app/written')).rejects.toThrow('Read-only file system');
    }
  });

  it('trains without a stop, to know what the others must come to', async () => {
    const id = await training.submit({ name: 'undisturbed', spec: SPEC });
    await training.completed(id);
    undisturbed = await training.weightsOf(id);
    expect(undisturbed).toMatch(/^[0-9a-f]{64}$/);
  });

  it('continues on another container what was cancelled on one, to equal weights', async () => {
    const id = await training.submit({ name: 'cancelled', spec: SPEC });
    await training.reached(id, 500);
    const first = await containerOf(id);
    expect((await training.cancelled(id))['status']).toBe('cancelled');
    await docker('stop', '--time', '45', first);
    const resumed = await compose.ktrdr('operations', 'resume', id);
    expect(resumed).toMatchObject({ code: 0, stdout: expect.stringContaining('nothing lost') });
    await training.completed(id);
    expect(await training.weightsOf(id)).toBe(undisturbed);
    await compose.scale(3);
    await liveWorkers(3);
  });

  it('loses no step when the container that trains is stopped, and equal weights when the next is killed', async () => {
    const id = await training.submit({ name: 'stopped and killed', spec: SPEC });
    await training.reached(id, 500);
    const stopped = await containerOf(id);
    await docker('stop', '--time', '45', stopped);
    expect(await docker('inspect', '--format', '{{.State.ExitCode}} {{.State.OOMKilled}}', stopped)).toBe('0 false');
    await training.until(id, ({ attempt }) => attempt === 2, 'it is claimed again');
    const release = (await history(id)).find(({ event }) => event === 'release');
    expect(release).toMatchObject({ from: 'running', to: 'resuming' });
    expect(JSON.stringify(await history(id))).not.toContain('losing');
    const saved = (await http.get(`/operations/${id}/checkpoints`)).body['items'];
    expect(saved).toContainEqual(expect.objectContaining({ checkpoint_type: 'shutdown' }));
    const shutdownStep = saved.find((each: { checkpoint_type: string }) => each.checkpoint_type === 'shutdown').step;
    await training.reached(id, shutdownStep + 200);
    await docker('kill', await containerOf(id));
    await training.completed(id);
    expect((await history(id)).map(({ event }) => event)).toContain('lease-expired');
    expect(await training.weightsOf(id)).toBe(undisturbed);
    await compose.scale(3);
    await liveWorkers(3);
  });

  it('scales workers to 1, 5, 0 and 2, and what waits at 0 trains at 2', async () => {
    for (const count of [1, 5, 0]) {
      await compose.scale(count);
      await liveWorkers(count);
    }
    const id = await training.submit({ name: 'waits', spec: smallSpec() });
    expect((await http.get(`/operations/${id}/explain`)).body['status']).toBe('queued');
    await compose.scale(2);
    await liveWorkers(2);
    await training.completed(id);
  });

  it('is healthy by checks that cost at most 0.05 s of processor time', async () => {
    for (const service of ['api', 'worker', 'postgres']) {
      for (const container of await compose.containers(service)) {
        const health = () => docker('inspect', '--format', '{{.State.Health.Status}}', container);
        await eventuallySeen(health, (status) => status === 'healthy', { what: `${service} is healthy` });
      }
    }
    const measured = { api: '8080', worker: '9090' };
    for (const [service, port] of Object.entries(measured)) {
      const [container] = await compose.containers(service);
      const spent = await docker('exec', container ?? '', 'bash', '-c', MEASURE, port);
      const [before = 0, after = 0] = spent.split('\n').map(Number);
      const seconds = (after - before) / CHECKS;
      process.stdout.write(`a health check of the ${service} costs ${(seconds * 1000).toFixed(1)} ms\n`);
      expect(seconds).toBeLessThanOrEqual(0.05);
    }
  });

  const ROOTS = 'touch /objects/of-root && chown 0:0 /objects && chmod 755 /objects';
  const FILLED = 'head -c 1M /dev/zero >/objects/filled; chown 1000 /objects';
  const SMALL = ['--opt', 'type=tmpfs', '--opt', 'device=tmpfs', '--opt', 'o=size=64k'];
  it.each([
    { kind: 'of a foreign owner', made: ROOTS, options: [], says: 'chown -R 1000 /objects' },
    { kind: 'that is full', made: FILLED, options: SMALL, says: 'no space is left on its disk; free some' },
  ])('names what mends a volume $kind, in its log and its health', async ({ made, options, says }) => {
    const name = `${compose.project}_unusable`;
    const objects = `${name}:/objects`;
    await docker('volume', 'create', ...options, name);
    // A volume of memory is empty again once no container has it.
    const keeper = ['-d', '--name', `${name}_keeper`, '-u', '0', '-v', objects, '--entrypoint', 'sleep'];
    await docker('run', ...keeper, image('worker'), '600');
    try {
      await docker('exec', `${name}_keeper`, 'sh', '-c', made).catch(() => undefined); // a full disk is what it is for
      const [api = ''] = await compose.containers('api');
      const settings = await docker('inspect', '--format', '{{join .Config.Env "\\n"}}', api);
      const env = settings.split('\n').flatMap((line) => (line.startsWith('KTRDR_') ? ['-e', line] : []));
      const network = ['--network', `${compose.project}_default`];
      const keys = ['-v', `${compose.project}_nats-api:/keys:ro`];
      await docker('run', '-d', '--name', name, ...network, ...keys, '-v', objects, ...env, image('api'));
      const lastLine = async () => (await logsOf(name)).trim().split('\n').at(-1) ?? '';
      await eventuallySeen(lastLine, (line) => line.includes(says), { what: 'its log ends with what to do' });
      expect(await docker('exec', name, 'bash', '-c', 'healthcheck 8080 || true')).toContain(says);
    } finally {
      await docker('rm', '-f', name, `${name}_keeper`);
      await docker('volume', 'rm', name);
    }
  });

  it('leaves nothing of the project behind', async () => {
    await compose.down();
    const ours = ['--filter', `label=com.docker.compose.project=${compose.project}`];
    expect(await docker('ps', '-aq', ...ours)).toBe('');
    expect(await docker('network', 'ls', '-q', ...ours)).toBe('');
    expect(await docker('volume', 'ls', '-q', ...ours)).toBe('');
  });
});

const CHECKS = 20;
/** Seconds of processor time of the whole container, before and after the checks; both versions of control groups. */
const MEASURE = `
used() {
  if [ -r /sys/fs/cgroup/cpuacct/cpuacct.usage ]; then
    read -r ns </sys/fs/cgroup/cpuacct/cpuacct.usage; us=$((ns / 1000))
  else
    read -r _ us </sys/fs/cgroup/cpu.stat
  fi
  printf '%d.%06d\\n' $((us / 1000000)) $((us % 1000000))
}
used
for _ in {1..${CHECKS}}; do healthcheck "$0" >/dev/null; done
used`;

describe('the settings', () => {
  it('are named where they are missing', async () => {
    const bare = new Compose(['compose.yaml'], { port: 18_080, env: { KTRDR_API_TOKEN: '' } });
    const { code, stderr } = await bare.try('config');
    expect(code).not.toBe(0);
    expect(stderr).toContain('KTRDR_API_TOKEN');
    expect(stderr).toContain('docker/make-secrets.sh');
  });
});
