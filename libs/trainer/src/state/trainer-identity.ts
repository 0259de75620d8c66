/** Who wrote a checkpoint. The version is this package's. */
export const TRAINER = { name: 'ktrdr-tensorflow', version: '0.1.0' } as const;
