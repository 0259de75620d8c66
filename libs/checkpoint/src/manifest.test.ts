import fc from 'fast-check';
import { ManifestIncompatibleError } from './errors.js';
import { sha256Of } from './file-digest.js';
import { blobKey } from './keys.js';
import { decodeManifest, encodeManifest, type Manifest, parseManifest } from './manifest.js';
import { checkpointDraft } from './testing/checkpoint-draft.js';

const fileOf = (name: string, digit: string) => {
  const sha256 = digit.repeat(64);
  return { name, bytes: 10, sha256, blob: blobKey(sha256) };
};

const inParts = (...bytes: number[]) => ({
  name: 'weights.safetensors',
  bytes: 10,
  parts: bytes.map((size, i) => ({ blob: blobKey(String(i + 1).repeat(64)), bytes: size })),
});

function givenManifest(change: Partial<Manifest> = {}): Manifest {
  const { dir: _dir, files: _files, ...position } = checkpointDraft({ dir: '', files: [] });
  return {
    schema_version: 1,
    ...position,
    files: [fileOf('model.json', '1'), fileOf('weights.safetensors', '2')],
    ...change,
  };
}
const textOf = (manifest: Manifest) => new TextDecoder().decode(encodeManifest(manifest));

describe('a manifest', () => {
  it('comes back as it was written', () => {
    const manifest = givenManifest();
    expect(decodeManifest(encodeManifest(manifest))).toEqual(manifest);
  });

  it('has the bytes that stored checkpoints have', () => {
    const manifest = givenManifest({
      checkpoint_id: '01HF7YAT000C1G60R30C1G60R3',
      created_at: '2026-01-01T00:00:00.000Z',
      files: [inParts(4, 6), fileOf('model.json', '1')],
      metrics: { loss: 'NaN', a: 0.25 },
    });
    expect(sha256Of(encodeManifest(manifest))).toBe('d8ac5ea0fddda5b85a2bc753c8d5a3a31a748317adb782a30821f2e69b248db6');
  });

  it('comes back with its parts', () => {
    const manifest = givenManifest({ files: [inParts(4, 6), fileOf('z', '1')].toReversed() });
    const { files, ...rest } = decodeManifest(encodeManifest(manifest));
    expect({ ...rest, files: files.toReversed() }).toEqual(manifest);
  });

  it('has the same bytes whatever the order of its keys and files', () => {
    const manifest = givenManifest({ metrics: { loss: 1, accuracy: 2 } });
    const reversed = Object.fromEntries(Object.entries(manifest).reverse()) as unknown as Manifest;
    const shuffled = { ...reversed, files: manifest.files.toReversed(), metrics: { accuracy: 2, loss: 1 } };
    expect(textOf(shuffled)).toBe(textOf(manifest));
    expect(textOf(manifest)).toMatch(/^\{"attempt":2,"backend":\{"name":"wasm","version":"4\.22\.0"\},"checkpoint_id"/);
  });

  it('keeps figures that JSON has no number for', () => {
    const metrics = { a: 'NaN', b: 'Infinity', c: '-Infinity' } as const;
    expect(decodeManifest(encodeManifest(givenManifest({ metrics }))).metrics).toEqual(metrics);
    const raw = { a: NaN, b: Infinity, c: -Infinity };
    expect(decodeManifest(encodeManifest(givenManifest({ metrics: raw }))).metrics).toEqual(metrics);
  });

  it('keeps every finite figure and every metric name exactly', () => {
    const finite = fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => value + 0);
    const name = fc.string().filter((text) => text !== '__proto__');
    fc.assert(
      fc.property(fc.dictionary(name, finite), (metrics) => {
        const { metrics: kept } = decodeManifest(encodeManifest(givenManifest({ metrics })));
        expect(new Map(Object.entries(kept))).toEqual(new Map(Object.entries(metrics)));
      }),
    );
  });

  it.each([[2], ['1'], [null], [undefined]])('of schema version %p is refused by name', (version) => {
    const act = () => parseManifest({ ...givenManifest(), schema_version: version });
    expect(act).toThrow(ManifestIncompatibleError);
    expect(act).toThrow('needs schema version 1 and finds');
  });

  it.each<[string, object, string]>([
    ['names a file outside its folder', { files: [fileOf('../x', '1')] }, 'plain file name'],
    ['names a hidden file', { files: [fileOf('.x', '1')] }, 'plain file name'],
    ['names a file twice', { files: [fileOf('x', '1'), fileOf('x', '2')] }, 'twice'],
    ['names a blob that is not the hash', { files: [{ ...fileOf('x', '1'), blob: blobKey('2'.repeat(64)) }] }, 'blob'],
    ['has a blob that no memory holds', { files: [{ ...fileOf('x', '1'), bytes: 67_108_865 }] }, 'in one blob'],
    ['has a part that no memory holds', { files: [{ ...inParts(67_108_865, 1), bytes: 67_108_866 }] }, 'parts.0.bytes'],
    ['has parts that are too short together', { files: [inParts(4, 5)] }, 'as long together'],
    ['has an empty part', { files: [inParts(10, 0)] }, 'files'],
    ['has a part beside a blob', { files: [{ ...fileOf('x', '1'), ...inParts(4, 6) }] }, 'blob'],
    [
      'has a part that is no blob',
      { files: [{ ...inParts(4, 6), parts: [{ blob: '../x', bytes: 10 }] }] },
      'key of a blob',
    ],
    ['has no files', { files: [] }, 'files'],
    ['has an id with a slash', { operation_id: 'a/b' }, 'operation_id'],
    ['has a negative step', { step: -1 }, 'step'],
    ['is of no known kind', { kind: 'sudden' }, 'kind'],
  ])('that %s is refused', (_, change, words) => {
    expect(() => parseManifest({ ...givenManifest(), ...change })).toThrow(ManifestIncompatibleError);
    expect(() => parseManifest({ ...givenManifest(), ...change })).toThrow(words);
  });

  it.each(['', 'not json', '[]', 'null', '"text"', '\xff'])('is not read out of %j', (text) => {
    expect(() => decodeManifest(Buffer.from(text, 'latin1'))).toThrow(ManifestIncompatibleError);
  });
});
