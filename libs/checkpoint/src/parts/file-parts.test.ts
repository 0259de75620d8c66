import { MAX_BLOB_BYTES } from '@ktrdr/operations';
import fc from 'fast-check';
import { cutIntoParts, largestPart, OWN_PARTS_BYTES, PART_BYTES, WHOLE_FILE_BYTES } from './file-parts.js';

const MIB = 1024 * 1024;
const lengths = (parts: readonly { start: number; end: number }[]) => parts.map(({ start, end }) => end - start);

describe('a file', () => {
  it('is stored whole while it is small, an empty one too', () => {
    expect(cutIntoParts(0)).toEqual([{ start: 0, end: 0 }]);
    expect(cutIntoParts(WHOLE_FILE_BYTES, [{ start: 100, end: WHOLE_FILE_BYTES }])).toHaveLength(1);
  });

  it('is cut every PART_BYTES when nothing is known of what is in it', () => {
    expect(lengths(cutIntoParts(2 * PART_BYTES + 5))).toEqual([PART_BYTES, PART_BYTES, 5]);
    expect(cutIntoParts(PART_BYTES)).toHaveLength(1);
  });

  it('is cut where its large tensors begin and end', () => {
    const header = 1000;
    const embedding = { start: header, end: header + 12 * MIB };
    const bias = { start: embedding.end, end: embedding.end + 4000 };
    const kernel = { start: bias.end, end: bias.end + 2 * MIB };
    expect(lengths(cutIntoParts(kernel.end, [embedding, bias, kernel]))).toEqual([
      header,
      PART_BYTES,
      4 * MIB,
      4000,
      2 * MIB,
    ]);
  });

  it('is cut in larger pieces when it is huge, so that a manifest stays small', () => {
    const parts = cutIntoParts(100 * 1024 * MIB);
    expect(parts.length).toBeLessThanOrEqual(2_000);
    expect(largestPart(100 * 1024 * MIB)).toBeLessThanOrEqual(MAX_BLOB_BYTES);
    expect(Math.max(...lengths(parts))).toBeLessThanOrEqual(largestPart(100 * 1024 * MIB));
  });

  it('is covered by its parts without gaps, whatever tensors it has', () => {
    const gap = fc.integer({ min: 0, max: 3 * MIB });
    const size = fc.oneof(fc.integer({ min: 0, max: 5000 }), fc.integer({ min: OWN_PARTS_BYTES, max: 40 * MIB }));
    fc.assert(
      fc.property(fc.array(fc.tuple(gap, size), { maxLength: 12 }), gap, (layout, tail) => {
        let end = 0;
        const tensors = layout.map(([before, bytes]) => {
          const start = end + before;
          end = start + bytes;
          return { start, end };
        });
        const bytes = end + tail;
        const parts = cutIntoParts(bytes, tensors);
        let covered = 0;
        for (const part of parts) {
          expect(part.start).toBe(covered);
          expect(part.end - part.start).toBeLessThanOrEqual(Math.min(PART_BYTES, largestPart(bytes)));
          expect(part.end > part.start || bytes === 0).toBe(true);
          covered = part.end;
        }
        expect(covered).toBe(bytes);
      }),
    );
  });
});
