import type { Row } from '../terminal/layout.js';

/** That nobody can take it as things are, and where to look. */
export function noWorkerRows(lack: string | null | undefined): Row[] {
  if (!lack) return [];
  return [
    { label: 'waits', value: { text: `${lack}; it waits until there is one`, tone: 'waiting' } },
    { label: 'workers', value: 'ktrdr workers' },
  ];
}
