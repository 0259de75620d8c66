import type { Dispatcher, OperationDraft, OperationStore, Submission } from '../ports.js';

const ID_ALPHABET = '0123456789abcdefghijklmnopqrstuvwxyz';

/** `op_<type>_<date>_<time>_<random>`: sorts by age, says what it is. `entropy`: at least 10 random bytes. */
export function newOperationId(type: string, now: Date, entropy: Uint8Array): string {
  const [date = '', time = ''] = now.toISOString().split('T');
  const random = Array.from(entropy.subarray(0, 10), (byte) => ID_ALPHABET[byte % ID_ALPHABET.length]).join('');
  return `op_${type}_${date.replaceAll('-', '')}_${time.slice(0, 8).replaceAll(':', '')}_${random}`;
}

/** Stores a new operation and says that there is work. */
export class SubmitOperation {
  constructor(
    private readonly operations: OperationStore,
    private readonly dispatcher: Dispatcher,
  ) {}

  async execute(draft: OperationDraft): Promise<Submission> {
    const submission = await this.operations.submit(draft);
    if (submission.isNew) this.dispatcher.announce(submission.operation);
    return submission;
  }
}
