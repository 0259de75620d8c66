import { readFileSync } from 'node:fs';
import { inRepository } from './repository.js';

type Locked = Readonly<{ version?: string; optionalDependencies?: Readonly<Record<string, string>> }>;

const { packages } = JSON.parse(readFileSync(inRepository('package-lock.json'), 'utf8')) as {
  readonly packages: Readonly<Record<string, Locked>>;
};

/** The entry that a package at this path sees under a name: its own, or that of a folder above. */
function seenFrom(path: string, name: string): Locked | undefined {
  const own = packages[`${path}/node_modules/${name}`];
  if (own !== undefined || path === '') return own ?? packages[`node_modules/${name}`];
  const above = path.lastIndexOf('/node_modules/');
  return seenFrom(above === -1 ? '' : path.slice(0, above), name);
}

describe('package-lock.json', () => {
  // A registry that has a release, but not yet its builds for every platform, leaves a lock that `npm ci` refuses.
  it('has every platform build of every package, so that npm ci accepts it everywhere', () => {
    const missing = Object.entries(packages).flatMap(([path, { optionalDependencies = {} }]) =>
      Object.keys(optionalDependencies)
        .filter((name) => /darwin|linux|win32/.test(name) && seenFrom(path, name)?.version === undefined)
        .map((name) => `${name} (of ${path})`),
    );
    expect(missing).toEqual([]);
  });

  it('names no registry', () => {
    expect(readFileSync(inRepository('package-lock.json'), 'utf8')).not.toContain('"resolved": "http');
  });
});
