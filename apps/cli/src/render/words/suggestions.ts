import type { Suggestion } from '@ktrdr/contracts';

/** A continuation as it was typed, so that a correction repeats it. Each part begins with a space or is empty. */
export interface TypedContinuation {
  /** `ktrdr operations resume OPERATION`, or fork. */
  readonly command: string;
  readonly checkpoint: string;
  readonly others: string;
}

/** The command that does what is suggested; null: there is none without what was typed. */
export function commandOf(suggestion: Suggestion, typed?: TypedContinuation): string | null {
  const { action, operation_id: operation = 'OPERATION', checkpoint_id: checkpoint, worker_id: worker } = suggestion;
  switch (action) {
    case 'pause':
    case 'resume':
    case 'cancel':
    case 'retry':
      return `ktrdr operations ${action} ${operation}${checkpointFlag(suggestion)}${otherFlags(suggestion)}`;
    case 'fork':
      return `ktrdr operations fork ${operation}${checkpointFlag(suggestion) || (typed?.checkpoint ?? '')}${typed?.others ?? ''}`;
    case 'change-request':
      if (!typed) return null;
      return `${typed.command}${checkpointFlag(suggestion) || typed.checkpoint}${typed.others}${otherFlags(suggestion)}`;
    case 'show-operation':
      return `ktrdr operations show ${operation}`;
    case 'explain-operation':
      return `ktrdr operations explain ${operation}`;
    case 'list-checkpoints':
      return `ktrdr checkpoints ${operation}`;
    case 'verify-checkpoint':
      return `ktrdr checkpoints verify ${checkpoint ?? 'CHECKPOINT'}`;
    case 'log-in':
      return 'ktrdr login   (KTRDR_API_TOKEN, where it is set, goes first)';
    case 'enrol-worker':
      return `ktrdr workers enrol${worker ? ` --worker-id ${worker}` : ''}`;
    case 'revoke-worker':
      return `ktrdr workers revoke ${worker ?? 'WORKER'}`;
  }
}

/** The reason for a suggestion, and its command below it. */
export function suggestedLines(suggestion: Suggestion): string[] {
  const command = commandOf(suggestion) ?? '';
  return suggestion.why === undefined ? [command] : [`${suggestion.why}:`, `  ${command}`];
}

function checkpointFlag({ checkpoint }: Suggestion): string {
  if (checkpoint === undefined) return '';
  return checkpoint.startsWith('step:') ? ` --step ${checkpoint.slice('step:'.length)}` : ` --checkpoint ${checkpoint}`;
}

function otherFlags({ overrides = {}, allow_backend_change, allow_fallback }: Suggestion): string {
  const changed = Object.entries(overrides).map(([name, value]) => ` --${name.replaceAll('_', '-')} ${String(value)}`);
  const isFlagged = [allow_backend_change && ' --allow-backend-change', allow_fallback && ' --allow-fallback'];
  return [...changed, ...isFlagged.filter((flag) => typeof flag === 'string')].join('');
}
