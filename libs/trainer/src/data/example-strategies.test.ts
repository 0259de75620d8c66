import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROUTES } from '@ktrdr/contracts';
import { TrainingSpec } from '@ktrdr/specs';
import { parse } from 'yaml';
import { z } from 'zod';
import { prepareDataset } from './prepared-dataset.js';

const FOLDER = join(import.meta.dirname, '../../../../examples/strategies');

/** As the CLI reads a strategy: what belongs to the submit document apart, the remainder is the spec. */
function parseStrategy(file: string) {
  const document = parse(readFileSync(join(FOLDER, file), 'utf8')) as Record<string, unknown>;
  const { name, labels, pool, priority, max_recoveries, ...spec } = document;
  const around = Object.entries({ name, labels, pool, priority, max_recoveries }).filter(([, value]) => value != null);
  return {
    body: ROUTES.operations.submit.body.parse({ ...Object.fromEntries(around), spec }),
    spec: TrainingSpec.parse(spec),
  };
}

const STRATEGIES = readdirSync(FOLDER).filter((file) => file.endsWith('.yaml'));

it('finds the three example strategies', () => {
  expect(STRATEGIES.sort()).toEqual(['sp500-direction.yaml', 'sp500-lstm.yaml', 'sp500-momentum-sgd.yaml']);
});

describe.each(STRATEGIES)('%s', (file) => {
  it('is a valid submit document, named like its file', () => {
    expect(parseStrategy(file).body.name).toBe(file.replace('.yaml', ''));
  });

  it('prepares into batches enough for the steps that its comments promise', async () => {
    const { spec } = parseStrategy(file);
    const { train, validation, test, featureNames } = await prepareDataset(spec, null);
    const stepsAnEpoch = Math.ceil(train.count / spec.batch_size);
    expect(readFileSync(join(FOLDER, file), 'utf8')).toContain(`# ${stepsAnEpoch} steps an epoch`);
    expect(new Set(featureNames).size).toBe(spec.features.length);
    for (const { labels } of [train, validation, test]) {
      const share = labels.reduce((sum, label) => sum + label, 0) / labels.length;
      expect(share).toBeGreaterThan(0.2);
      expect(share).toBeLessThan(0.8);
    }
  });
});

describe('README.md of the strategies', () => {
  const readme = readFileSync(join(FOLDER, 'README.md'), 'utf8');
  const block = (title: string) =>
    parse(new RegExp(`\`\`\`yaml\\n# ${title}\\n([^\`]*)`).exec(readme)?.[1] ?? '') as Record<string, unknown>;

  it('writes out every default of the smallest strategy', () => {
    expect(block('complete')).toEqual(TrainingSpec.parse(block('smallest')));
    const fields = Object.entries(TrainingSpec.shape).filter(([, schema]) => !(schema instanceof z.ZodOptional));
    expect(Object.keys(block('complete')).sort()).toEqual(fields.map(([name]) => name).sort());
  });

  const { features, model, optimizer, schedule } = TrainingSpec.shape;
  const SECTIONS = [
    { section: 'Features', schema: features.element },
    { section: 'Layers', schema: model.shape.layers.element },
    { section: 'Optimizers', schema: optimizer.unwrap() },
    { section: 'Schedules', schema: schedule.unwrap() },
  ];

  it.each(SECTIONS)('lists every kind of $section with its defaults', ({ section, schema }) => {
    const text = readme.split(`### ${section}\n`)[1]?.split('\n#')[0] ?? '';
    const shown = [...text.matchAll(/^\| `(\{ kind: .*? \})`/gm)].map(
      ([, yaml]) => parse(yaml ?? '') as { kind: string },
    );
    const kinds = schema.options.map(({ shape }) => shape.kind.value);
    expect(shown.map(({ kind }) => kind).sort()).toEqual(kinds.sort());
    for (const entry of shown) {
      expect(schema.parse(entry)).toEqual(entry);
      for (const [field, value] of Object.entries(entry)) {
        const { [field]: _, ...without } = entry as Record<string, unknown>;
        const parsed = schema.safeParse(without);
        if (parsed.success) expect(parsed.data).toHaveProperty(field, value);
      }
    }
  });
});
