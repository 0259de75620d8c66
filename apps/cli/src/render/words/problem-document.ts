/** A problem as the API sends it, or one of the command line in the same form. */
export interface ProblemDocument {
  readonly code: string;
  readonly title: string;
  readonly detail?: string | undefined;
  readonly [field: string]: unknown;
}

export function textOf(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}

export function textsOf(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((item) => item !== undefined && item !== null).map(String) : [];
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function recordsOf(value: unknown): Record<string, unknown>[] {
  return Array.isArray(value) ? value.filter(isRecord) : [];
}

/** The status of the operation, a word; the HTTP status has the same name. */
export function operationStatusOf(problem: ProblemDocument): string | null {
  const status = problem['operation_status'] ?? problem['status'];
  return typeof status === 'string' ? status : textOf(problem['current_status']);
}
