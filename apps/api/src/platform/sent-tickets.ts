import type { TicketMessage } from '@ktrdr/operations-prisma';

const REMEMBERED_AT_MOST = 10_000;

/** Tickets that NATS has confirmed and whose outbox rows are still there: those need not be sent a second time. */
export class SentTickets {
  private readonly keys = new Set<string>();

  add(ticket: TicketMessage): void {
    this.keys.add(keyOf(ticket));
    // Another replica has relayed the oldest, or will.
    if (this.keys.size > REMEMBERED_AT_MOST) this.keys.delete(this.keys.values().next().value ?? '');
  }

  /** Whether it was sent; asked once, for then its row goes. Asked again, it is sent again, which is harmless. */
  take(ticket: TicketMessage): boolean {
    return this.keys.delete(keyOf(ticket));
  }
}

function keyOf({ operationId, attempt, version }: TicketMessage): string {
  return `${operationId}:${attempt}:${version}`;
}
