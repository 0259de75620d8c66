import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { inRepository } from '../../../tools/repository.js';
import { hasPython } from '../support/process-trainers.js';

const itWithPython = hasPython() ? it : it.skip;

/** The client's own tests, which need nothing but Python. */
itWithPython('the Python client passes its own tests', async () => {
  const { stderr } = await promisify(execFile)('python3', ['-B', '-m', 'unittest'], {
    cwd: inRepository('sdks', 'python'),
    timeout: 50_000,
  });
  expect(stderr).toMatch(/Ran 2[5-9] tests in [\d.]+s\s+OK/);
});

itWithPython(
  'the example in numpy says in a line that numpy is missing, with the exit code that is not tried again',
  async () => {
    const example = inRepository('examples', 'trainers', 'numpy_network.py');
    const running = promisify(execFile)('python3', ['-I', '-S', '-B', example]); // without installed packages
    await expect(running).rejects.toMatchObject({
      code: 78,
      stderr: expect.stringMatching(/^This example needs numpy: \S+ -m pip install numpy\n$/),
    });
  },
);
