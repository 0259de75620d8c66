import { FAILPOINT_NAMES, type FailpointName, type FailpointProcess, FAILPOINTS } from '@ktrdr/failpoints';
import { type Fault, FAULTS } from './strikes.js';

/** What happens to an operation beside the strike: it just trains, somebody stops it, or its trainer crashes. */
type Story = 'trains' | 'is paused' | 'is cancelled' | 'loses its trainer';

/** One operation that is struck at one failpoint. */
export interface Visit {
  readonly point: FailpointName;
  readonly fault: Fault;
  readonly process: FailpointProcess;
  readonly story: Story;
  /** Operations of different pools cannot come between each other. */
  readonly pool: string;
}

function storyOf(point: FailpointName): Story {
  const [what] = point.split('.');
  if (what === 'pause' || what === 'stop') return 'is paused';
  if (what === 'cancel') return 'is cancelled';
  return what === 'fail' ? 'loses its trainer' : 'trains';
}

/** Who hangs or dies over a claim keeps its whole pool waiting, so each of those has its own. */
function poolOf(point: FailpointName, fault: Fault): string {
  const { in: process } = FAILPOINTS[point];
  if (process === 'worker' && fault === 'crash') return 'worker-crash';
  return point.startsWith('claim.') ? `${point.replace('.', '-')}-${fault}` : `${process}-${fault}`;
}

/** Every failpoint with every fault. */
export const VISITS: readonly Visit[] = FAILPOINT_NAMES.flatMap((point) =>
  FAULTS.map((fault) => ({
    point,
    fault,
    process: FAILPOINTS[point].in,
    story: storyOf(point),
    pool: poolOf(point, fault),
  })),
);
