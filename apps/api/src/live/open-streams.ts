import type { EventStream } from './event-stream.js';

/** The streams of this process: shutting down ends them, and their clients go on at another replica. */
export class OpenStreams {
  private readonly streams = new Set<EventStream>();

  add(stream: EventStream): () => void {
    this.streams.add(stream);
    return () => this.streams.delete(stream);
  }

  get count(): number {
    return this.streams.size;
  }

  endAll(): void {
    for (const stream of this.streams) stream.end();
  }
}
