/** `ln(price / price of period rows before)`; NaN in the first `period` rows. */
export function logReturns(prices: Float64Array, period: number): Float64Array {
  return prices.map((price, row) => (row < period ? NaN : Math.log(price / (prices[row - period] as number))));
}

/**
 * Sample standard deviation (n - 1) of the last `period` values, in two passes from the oldest to the newest: a running
 * sum would let rounding from long ago into every later row. The first `skip` values are none; NaN until `period` more.
 */
export function rollingDeviation(values: Float64Array, period: number, skip: number): Float64Array {
  return values.map((_, row) => {
    if (row < skip + period - 1) return NaN;
    const recent = values.subarray(row - period + 1, row + 1);
    let sum = 0;
    for (const value of recent) sum += value;
    const mean = sum / period;
    let squares = 0;
    for (const value of recent) squares += (value - mean) * (value - mean);
    return Math.sqrt(squares / (period - 1));
  });
}
