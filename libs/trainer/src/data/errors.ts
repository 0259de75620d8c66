import { DomainError } from '@ktrdr/errors';

/** Where in the data something is wrong. `row` is the 1-based line of the file, the header being line 1. */
export interface DataPlace {
  readonly file: string;
  readonly row?: number;
  readonly column?: string;
}

/** The data source has no readable file behind it. */
export class DataNotFoundError extends DomainError {
  readonly code = 'data-not-found';
  constructor(source: string, reason: string, options?: ErrorOptions) {
    super(`No data for ${source}: ${reason}`, { source, reason }, options);
  }
}

/** The data is there but cannot be trained on; the message names file, row and column as far as they are known. */
export class DataInvalidError extends DomainError {
  readonly code = 'data-invalid';
  constructor(place: DataPlace, reason: string, options?: ErrorOptions) {
    const row = place.row === undefined ? '' : `, row ${place.row}`;
    const column = place.column === undefined ? '' : `, column ${place.column}`;
    super(`${place.file}${row}${column}: ${reason}`, { ...place, reason }, options);
  }
}
