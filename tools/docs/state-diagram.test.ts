import { readFile } from 'node:fs/promises';
import { DIAGRAM_DOCUMENT, shownDiagram, stateDiagram } from './state-diagram.js';

describe('the state diagram', () => {
  it('has one arrow for each pair of states, with every event that leads along it', () => {
    const diagram = stateDiagram([
      { event: 'submit', from: null, to: 'queued', by: ['client'] },
      { event: 'release', from: 'queued', to: 'completed', by: ['worker'], condition: 'with-checkpoint' },
      { event: 'complete', from: 'queued', to: 'completed', by: ['worker'] },
    ]);
    expect(diagram.split('\n')).toEqual([
      'stateDiagram-v2',
      '    [*] --> queued: submit',
      '    queued --> completed: release (has a checkpoint) / complete',
      '    completed --> [*]',
      '',
    ]);
  });

  it('is in ARCHITECTURE.md as the table of transitions has it (npm run build && node tools/dist/docs/state-diagram.js)', async () => {
    expect(shownDiagram(await readFile(DIAGRAM_DOCUMENT, 'utf8'))).toBe(stateDiagram());
  });
});
