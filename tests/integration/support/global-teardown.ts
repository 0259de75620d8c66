/** Ends what global-setup.ts has started, and what tests have left behind. */
export default async function globalTeardown(): Promise<void> {
  const services = globalThis.ktrdrTestServices;
  await services?.close();
  if (services) process.stderr.write(`${services.summary}\n`); // once more, where a person looks
}
