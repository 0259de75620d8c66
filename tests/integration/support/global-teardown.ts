/** Ends what global-setup.ts has started, and what tests have left behind. */
export default async function globalTeardown(): Promise<void> {
  await globalThis.ktrdrTestServices?.close();
}
