import type { ResourceSnapshot } from '@ktrdr/contracts';
import type { z } from 'zod';
import type { Cell, Row } from './parts.js';
import { count, size } from './units.js';

export type Snapshot = z.infer<typeof ResourceSnapshot>;
type Gpu = NonNullable<Snapshot['gpus']>[number];

const HIGH_PERCENT = 70;
const VERY_HIGH_PERCENT = 90;

/** What the machine was doing, as its worker measured it. What was not measured says so, and is not 0. */
export function machineRows(snapshot: Snapshot | null): Row[] {
  if (!snapshot) return [{ label: 'machine', value: 'not measured' }];
  const { cpu_percent: cpu, memory_used_bytes: used, memory_total_bytes: total, gpus } = snapshot;
  return [
    { label: 'CPU', value: marked(cpu, percentText(cpu)) },
    { label: 'RAM', value: memory(used, total) },
    ...(gpus === null ? [{ label: 'GPU', value: 'not measured' }] : gpus.flatMap(gpuRow)),
    ...(gpus?.length === 0 ? [{ label: 'GPU', value: 'none in this machine' }] : []),
    {
      label: 'speed',
      value:
        snapshot.examples_per_second === null ? 'not measured' : `${count(snapshot.examples_per_second)} examples/s`,
    },
    { label: 'released', value: releasedCell(snapshot) },
  ];
}

/** Only what was seen: the process has ended, and so much of memory was its. */
function releasedCell({ trainer_gone: isGone, trainer_memory_bytes: bytes }: Snapshot): Cell {
  if (!isGone) return { text: 'nothing: the trainer was not seen to end', tone: 'bad' };
  return bytes === null
    ? 'the trainer has ended; its memory was not measured'
    : `${size(bytes)} of memory, as the trainer has ended`;
}

function gpuRow(gpu: Gpu, index: number): Row {
  const { name, utilization_percent: busy, memory_used_bytes: used, memory_total_bytes: total } = gpu;
  const degrees = gpu.temperature_celsius;
  return {
    label: `GPU ${index}`,
    value: [
      name,
      marked(busy, `utilisation ${percentText(busy)}`),
      prefixed('memory', memory(used, total)),
      `temperature ${degrees === null ? 'not measured' : `${count(degrees)} °C`}`,
    ],
  };
}

function memory(used: number | null, total: number | null): Cell {
  if (used === null) return total === null ? 'not measured' : `not measured, of ${size(total)}`;
  if (total === null || total <= 0) return size(used);
  const percent = (used / total) * 100;
  return marked(percent, `${size(used)} of ${size(total)} (${percentText(percent)})`);
}

function prefixed(prefix: string, cell: Cell): Cell {
  return typeof cell === 'string' ? `${prefix} ${cell}` : { ...cell, text: `${prefix} ${cell.text}` };
}

function percentText(value: number | null): string {
  return value === null ? 'not measured' : `${Math.round(value)} %`;
}

/** Above 70 % and above 90 % in a colour of its own. */
function marked(percent: number | null, text: string): Cell {
  if (percent === null || percent <= HIGH_PERCENT) return text;
  return { text, tone: percent > VERY_HIGH_PERCENT ? 'bad' : 'waiting' };
}
