import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { generateSeeds, serverSetup } from '@ktrdr/messaging-nats';
import { freePort } from '../../../tools/stack/free-port.js';
import { eventually } from '../support/eventually.js';
import { givenServices, type Services } from '../support/given-services.js';
import { httpOf } from '../support/http.js';
import { NatsProcess } from '../support/nats-process.js';
import { configFor } from '../support/nats-users.js';
import { startApi } from '../support/processes.js';

const listen = (port: number): string => `127.0.0.1:${port}`;

describe('an API at a NATS server', () => {
  let services: Services;
  beforeAll(async () => {
    services = await givenServices();
  });
  afterAll(() => services.close());

  it.each([
    ['without operator mode', (port: number) => `listen: "${listen(port)}"\n`, 'does not run in operator mode'],
    ['with a shared token', (port: number) => `listen: "${listen(port)}"\nauthorization { token: "x" }\n`, 'uthori'],
    [
      'with other keys',
      (port: number) => serverSetup(generateSeeds(), { listen: listen(port), prefix: 'ktrdr', issuedAt: 0 }).config,
      'uthori',
    ],
  ])(
    '%s is not ready, names the setting and what writes it, and goes on when that is put right',
    async (name, config, why) => {
      const nats = await NatsProcess.start(config);
      services.onClose(() => nats.remove());
      const [port, token, log] = [
        await freePort(),
        'test-token-of-a-refused-one',
        `refused-${name.replaceAll(' ', '-')}`,
      ];
      const starting = startApi({ ...services, natsUrl: nats.url }, { port, token, name: log });
      starting.catch(() => undefined); // it is waited for below
      const lines = () => readFile(join(services.folder, `${log}.log`), 'utf8').catch(() => '');
      await eventually(async () => (await lines()).includes('nats refuses KTRDR_NATS_CREDS_FILE'), {
        what: 'it says so',
      });
      expect(await lines()).toContain('ktrdr nats-config');
      expect(await lines()).toContain(why);
      expect((await httpOf({ url: `http://127.0.0.1:${port}`, token }).get('/health/ready')).status).toBe(503);
      await nats.stop();
      await nats.configure(configFor(nats.port));
      await nats.start();
      await (await starting).stop();
    },
  );
});
