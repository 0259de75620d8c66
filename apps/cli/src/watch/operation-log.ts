import type { ApiClient } from '@ktrdr/api-client';
import type { EventView } from '@ktrdr/contracts';
import { isSettled } from '@ktrdr/operations/model';

const PAGE = 500;

/** All events of an operation so far, in order. */
export async function* readLog(api: ApiClient, operationId: string, after: number): AsyncGenerator<EventView> {
  let position = after;
  for (;;) {
    const { items, next_after } = await api.events(operationId, { after: position, limit: PAGE });
    yield* items;
    if (items.length === 0 || next_after <= position) return;
    position = next_after;
  }
}

export interface LogRequest {
  readonly api: ApiClient;
  readonly operationId: string;
  readonly after: number;
  readonly signal: AbortSignal;
}

/** The same, and then each event as it comes, until the operation is settled or the signal is aborted. */
export async function* followLog({ api, operationId, after, signal }: LogRequest): AsyncGenerator<EventView> {
  let seen = after;
  const missed = async function* () {
    for await (const event of readLog(api, operationId, seen)) {
      seen = event.seq;
      yield event;
    }
  };
  try {
    // The stream is opened before the past is read, so that nothing can fall between the two.
    for await (const item of api.stream({ operationId, signal })) {
      if (item.kind === 'disconnected') continue;
      const isNext = item.kind === 'event' && item.event.seq === seen + 1;
      if (isNext) {
        seen = item.event.seq;
        yield item.event;
      } else if (item.kind !== 'event' || item.event.seq > seen) {
        yield* missed();
      }
      if (await isOver(item.kind === 'event' ? item.event.type : null)) {
        yield* missed();
        return;
      }
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }

  async function isOver(eventType: string | null): Promise<boolean> {
    if (eventType !== null && ['progress', 'metrics', 'log', 'warning'].includes(eventType)) return false;
    return isSettled((await api.get(operationId, { signal, isPatient: true })).status);
  }
}
