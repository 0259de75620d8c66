import type { EventView } from '@ktrdr/contracts';
import type { OperationEventRecord } from '@ktrdr/operations';

export function toEventView({ operationId, seq, type, attempt, at, data }: OperationEventRecord): EventView {
  return { operation_id: operationId, seq, type, attempt, at: at.toISOString(), data: { ...data } };
}
