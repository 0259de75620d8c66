/** Turns the first Ctrl+C into an aborted signal; further ones change nothing, as the end is near. */
export function onInterrupt(): { readonly signal: AbortSignal } & Disposable {
  const controller = new AbortController();
  const interrupt = () => controller.abort();
  process.on('SIGINT', interrupt);
  return { signal: controller.signal, [Symbol.dispose]: () => process.off('SIGINT', interrupt) };
}
