import type { FailpointName } from '@ktrdr/failpoints';
import { existsSync } from 'node:fs';
import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** `crash`: the process is killed there and then. `throw`: the step fails. `hang`: it never goes on. */
export const FAULTS = ['crash', 'throw', 'hang'] as const;
export type Fault = (typeof FAULTS)[number];

const ROOMS = ['armed', 'struck', 'held', 'doomed', 'aside'] as const;

/** A folder with what is to happen to operations, which the composition roots in `fixtures/` look into. */
export class Strikes {
  private constructor(readonly folder: string) {}

  static async in(folder: string): Promise<Strikes> {
    await Promise.all(ROOMS.map((room) => mkdir(join(folder, room), { recursive: true })));
    return new Strikes(folder);
  }

  /** Whoever first reaches this point for this operation (or pool) is struck there; nobody after. */
  async arm(point: FailpointName, subject: string, fault: Fault): Promise<void> {
    const name = `${point}~${subject}`;
    await writeFile(join(this.folder, 'aside', name), fault);
    await rename(join(this.folder, 'aside', name), join(this.folder, 'armed', name));
  }

  wasStruck(point: FailpointName, subject: string): boolean {
    return existsSync(join(this.folder, 'struck', `${point}~${subject}`));
  }

  /** The points that were struck, each as often as it was. */
  async struckPoints(): Promise<readonly string[]> {
    return (await readdir(join(this.folder, 'struck'))).map((name) => name.split('~')[0] ?? '');
  }

  /** Its trainer does not come to its end before it is released. */
  hold(operationId: string): Promise<void> {
    return writeFile(join(this.folder, 'held', operationId), '');
  }

  release(operationId: string): Promise<void> {
    return rm(join(this.folder, 'held', operationId), { force: true });
  }

  /** Its trainer ends by itself, half-way and once. */
  doom(operationId: string): Promise<void> {
    return writeFile(join(this.folder, 'doomed', operationId), '');
  }
}
