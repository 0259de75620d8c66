import type { OperationPage } from '@ktrdr/contracts';
import { OPERATION_STATUSES } from '@ktrdr/operations/model';
import { Flags } from '@oclif/core';
import { labelFlag } from '../../flags/flag-values.js';
import { ApiCommand } from '../api-command.js';
import { renderOperations } from '../../render/operation-list.js';

export default class Operations extends ApiCommand {
  static override aliases = ['operations:list'];
  static override summary = 'list operations, newest first';
  static override examples = [
    '<%= config.bin %> operations',
    '<%= config.bin %> operations --status running,paused',
    '<%= config.bin %> operations --text sp500 --label owner=ada --limit 10',
  ];
  static override flags = {
    status: Flags.string({ description: `only these, comma-separated: ${OPERATION_STATUSES.join(', ')}` }),
    type: Flags.string({ description: 'only this type, such as training' }),
    parent: Flags.string({ description: 'only those that belong to this operation', helpValue: 'OPERATION' }),
    label: labelFlag('only those with this label'),
    text: Flags.string({ description: 'only those with this in their name or id' }),
    'created-after': Flags.string({ description: 'only younger ones', helpValue: 'INSTANT' }),
    'created-before': Flags.string({ description: 'only older ones', helpValue: 'INSTANT' }),
    limit: Flags.integer({ description: 'at most this many', default: 50, min: 1, max: 200 }),
    cursor: Flags.string({ description: 'continue a list where the last page ended' }),
  };

  async run(): Promise<OperationPage> {
    const { flags } = await this.parse(Operations);
    const {
      status,
      type,
      text,
      limit,
      cursor,
      parent: parent_id,
      'created-after': created_after,
      'created-before': created_before,
    } = flags;
    const label = flags.label?.join(',');
    const api = await this.connect(flags);
    const page = await api.list({
      status,
      type,
      parent_id,
      label,
      text,
      limit,
      cursor,
      created_after,
      created_before,
    });
    const isFiltered = [status, type, parent_id, label, text, created_after, created_before, cursor].some(
      (filter) => filter !== undefined,
    );
    this.show(renderOperations(page, new Date(), { isFiltered }));
    return page;
  }
}
