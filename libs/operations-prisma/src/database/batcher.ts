interface Waiting<Item, Result> {
  readonly item: Item;
  readonly answer: PromiseWithResolvers<Result>;
}

/**
 * Does work for many items at once without delay. Items of one turn of the event loop, or that come while earlier work is
 * under way, are done together; an item that comes alone is done at once.
 */
export class Batcher<Item, Result> {
  private waiting: Waiting<Item, Result>[] = [];
  private underWay = 0;

  /**
   * @param work settles when the next may begin; a result may still be a promise by then. Fails for all alike.
   * @param limits how often `work` may be under way at once, and for how many items at most.
   */
  constructor(
    private readonly work: (items: readonly [Item, ...Item[]]) => Promise<readonly (Result | Promise<Result>)[]>,
    private readonly limits: { readonly atOnce: number; readonly items: number },
  ) {}

  add(item: Item): Promise<Result> {
    const answer = Promise.withResolvers<Result>();
    this.waiting.push({ item, answer });
    if (this.waiting.length === 1) setImmediate(() => this.begin());
    return answer.promise;
  }

  private begin(): void {
    while (this.underWay < this.limits.atOnce) {
      const [first, ...others] = this.waiting.splice(0, this.limits.items);
      if (!first) return;
      this.underWay += 1;
      void this.carryOut([first, ...others]).finally(() => {
        this.underWay -= 1;
        this.begin();
      });
    }
  }

  private async carryOut(batch: readonly [Waiting<Item, Result>, ...Waiting<Item, Result>[]]): Promise<void> {
    const [first, ...others] = batch;
    try {
      const results = await this.work([first.item, ...others.map(({ item }) => item)]);
      batch.forEach(({ answer }, index) => answer.resolve(results[index] as Result | Promise<Result>));
    } catch (error) {
      for (const { answer } of batch) answer.reject(error);
    }
  }
}
