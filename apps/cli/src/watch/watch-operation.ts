import type { ApiClient, StreamItem } from '@ktrdr/api-client';
import type { OperationView } from '@ktrdr/contracts';
import { LostWorkerNotes } from './lost-worker.js';
import { WatchedOperation, type WatchView } from './watched-operation.js';
import type { WatchScreen } from './watch-screen.js';

export interface WatchRequest {
  readonly api: ApiClient;
  readonly operationId: string;
  readonly screen: WatchScreen;
  /** Aborted to detach; the operation does not notice. */
  readonly signal: AbortSignal;
  readonly isOver: (operation: OperationView) => boolean;
}

export interface WatchEnd {
  /** As last seen; null when the watcher left before the first answer. */
  readonly operation: OperationView | null;
  readonly isDetached: boolean;
}

/** Shows an operation until it is over or the watcher detaches. Broken connections are mended and reported once. */
export async function watchOperation(request: WatchRequest): Promise<WatchEnd> {
  const { api, operationId, screen, signal, isOver } = request;
  let watched: WatchedOperation | null = null;
  const notes = new LostWorkerNotes();
  const show = (view: WatchView, isLandmark: boolean) => {
    const note = notes.ofReading(view.operation);
    if (note !== null) screen.note(note);
    screen.update(view, isLandmark);
  };
  try {
    watched = new WatchedOperation(await api.get(operationId, { signal }));
    show(watched.view, true);
    if (isOver(watched.view.operation)) return { operation: watched.view.operation, isDetached: false };
    for await (const item of api.stream({ operationId, signal })) {
      const before = watched.view.operation.status;
      const note = item.kind === 'event' ? notes.ofEvent(item.event) : null;
      if (note !== null) screen.note(note);
      if (!(await isChanged(item, { ...request, watched }))) continue;
      show(watched.view, watched.view.operation.status !== before);
      if (isOver(watched.view.operation)) return { operation: watched.view.operation, isDetached: false };
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    screen.close();
  }
  return { operation: watched?.view.operation ?? null, isDetached: true };
}

/** True when a new reading of the operation's record came in. */
async function isChanged(item: StreamItem, context: WatchRequest & { watched: WatchedOperation }): Promise<boolean> {
  const { api, operationId, screen, signal, watched } = context;
  switch (item.kind) {
    case 'disconnected':
      screen.note('The connection to the API was lost; the operation goes on. Connecting again …');
      return false;
    case 'reconnected':
      screen.note('Connected again.');
      break;
    case 'snapshot':
      watched.replace(item.operation);
      return true;
    case 'event': {
      const effect = watched.apply(item.event);
      if (effect === 'progress' || effect === 'epoch') screen.update(watched.view, effect === 'epoch');
      if (effect !== 'stale') return false;
    }
  }
  watched.replace(await api.get(operationId, { signal, isPatient: true }));
  return true;
}
