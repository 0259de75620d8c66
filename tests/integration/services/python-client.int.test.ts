import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { inRepository } from '../../../tools/repository.js';
import { hasPython } from '../support/process-trainers.js';

/** The client's own tests, which need nothing but Python. */
(hasPython() ? it : it.skip)('the Python client passes its own tests', async () => {
  const { stderr } = await promisify(execFile)('python3', ['-B', '-m', 'unittest'], {
    cwd: inRepository('sdks', 'python'),
    timeout: 50_000,
  });
  expect(stderr).toMatch(/Ran 1[3-9] tests in [\d.]+s\s+OK/);
});
