/** Every byte of a checkpoint is hashed before the API answers. */
export const VERIFY_SECONDS = 600;
