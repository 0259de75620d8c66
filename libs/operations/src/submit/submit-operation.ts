import { assertAllowed } from '../model/transitions.js';
import type { Dispatcher, OperationDraft, OperationStore, Submission } from '../ports.js';
import type { SubmissionRules } from '../spec/requirements.js';
import { type NewOperation, type SubmitRequest, toDraft, toRetryDraft } from './operation-draft.js';

/** Stores new operations and announces that there is work. */
export class SubmitOperation {
  constructor(
    private readonly operations: OperationStore,
    private readonly dispatcher: Dispatcher,
    private readonly rules: SubmissionRules,
  ) {}

  /**
   * @throws {OperationNotFoundError} there is no such parent
   * @throws {SpecInvalidError} naming every offending path
   * @throws {TrainerNotAllowedError} for a program where the operator allows none
   */
  async execute(request: SubmitRequest): Promise<Submission> {
    if (request.parentId !== null) await this.operations.get(request.parentId);
    return this.store(toDraft(request, this.rules));
  }

  /**
   * Submits the same spec again, from the beginning.
   * @throws {OperationNotFoundError}
   * @throws {IllegalTransitionError} while it has not ended
   * @throws {TrainerNotAllowedError} for a program where the operator allows none
   */
  async retry(operationId: string, by: NewOperation): Promise<Submission> {
    const operation = await this.operations.get(operationId);
    assertAllowed(operation, 'retry');
    return this.store(toRetryDraft(operation, by, this.rules));
  }

  private async store(draft: OperationDraft): Promise<Submission> {
    const submission = await this.operations.submit(draft);
    if (submission.isNew) this.dispatcher.announce(submission.operation);
    return submission;
  }
}
