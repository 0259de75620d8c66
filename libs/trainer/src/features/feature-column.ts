import type { FeatureSpec } from '@ktrdr/specs';
import { BollingerBands, EMA, MACD, ROC, RSI, SMA } from 'trading-signals';

/** One number a row of the price series, made from the prices up to and including that row only. */
export interface FeatureColumn {
  readonly name: string;
  /** NaN in the first `warmUp` rows. */
  readonly values: Float64Array;
  readonly warmUp: number;
}

type RowFormula = (price: number, row: number) => number;

/** Below this share of the price, the width of a band is rounding noise of constant prices. */
const SMALLEST_BAND = 1e-12;

/**
 * Computes one feature. All are scale-free: the same prices in another currency give the same numbers, up to rounding.
 * Indicators come from the library trading-signals; its EMA starts at the first price, its RSI smooths as Wilder does.
 */
export function toFeatureColumn(spec: FeatureSpec, prices: Float64Array): FeatureColumn {
  switch (spec.kind) {
    case 'return': {
      const values = logReturns(prices, spec.period);
      return { name: `return-${spec.period}`, values, warmUp: spec.period };
    }
    case 'volatility': {
      const values = rollingDeviation(logReturns(prices, 1), spec.period, 1);
      return { name: `volatility-${spec.period}`, values, warmUp: spec.period };
    }
    case 'sma-ratio': {
      const average = new SMA(spec.period);
      const formula: RowFormula = (price) => price / (average.add(price) ?? NaN) - 1;
      return column(`sma-ratio-${spec.period}`, spec.period - 1, prices, formula);
    }
    case 'ema-ratio': {
      const average = new EMA(spec.period);
      const formula: RowFormula = (price) => price / (average.add(price) ?? NaN) - 1;
      return column(`ema-ratio-${spec.period}`, spec.period - 1, prices, formula);
    }
    case 'rsi':
      return column(`rsi-${spec.period}`, spec.period, prices, rsiFormula(spec.period));
    case 'macd': {
      const { fast, slow, signal } = spec;
      const macd = new MACD(new EMA(fast), new EMA(slow), new EMA(signal));
      const formula: RowFormula = (price) => (macd.add(price)?.histogram ?? NaN) / price;
      return column(`macd-${fast}-${slow}-${signal}`, Math.max(fast, slow) + signal - 2, prices, formula);
    }
    case 'bollinger': {
      const { period, deviations } = spec;
      return column(`bollinger-${period}-${deviations}`, period - 1, prices, bollingerFormula(period, deviations));
    }
    case 'momentum': {
      const change = new ROC(spec.period);
      return column(`momentum-${spec.period}`, spec.period, prices, (price) => change.add(price) ?? NaN);
    }
  }
}

/** Feeds every price to the formula, which may keep state; what it says during warm-up is not kept. */
function column(name: string, warmUp: number, prices: Float64Array, formula: RowFormula): FeatureColumn {
  const values = new Float64Array(prices.length).fill(NaN);
  prices.forEach((price, row) => {
    const value = formula(price, row);
    if (row >= warmUp) values[row] = value;
  });
  return { name, values, warmUp };
}

/** 0 … 1. Where the price has never moved, neither gains nor losses prevail: 0.5, where the library says 100. */
function rsiFormula(period: number): RowFormula {
  const rsi = new RSI(period);
  let firstPrice: number | undefined;
  let hasMoved = false;
  return (price) => {
    firstPrice ??= price;
    hasMoved ||= price !== firstPrice;
    const percent = rsi.add(price) ?? NaN;
    return hasMoved ? percent / 100 : 0.5;
  };
}

/** -1 on the lower band, 1 on the upper one. */
function bollingerFormula(period: number, deviations: number): RowFormula {
  const bands = new BollingerBands(period, deviations);
  return (price) => {
    const band = bands.add(price);
    if (!band) return NaN;
    const halfWidth = band.upper - band.middle;
    return halfWidth < SMALLEST_BAND * band.middle ? 0 : (price - band.middle) / halfWidth;
  };
}

/** `ln(price / price of period rows before)`; NaN in the first `period` rows. */
function logReturns(prices: Float64Array, period: number): Float64Array {
  return prices.map((price, row) => (row < period ? NaN : Math.log(price / (prices[row - period] as number))));
}

/**
 * Sample standard deviation (n - 1) of the last `period` values, in two passes from the oldest to the newest: a running
 * sum would let rounding from long ago into every later row. The first `skip` values are none; NaN until `period` more.
 */
function rollingDeviation(values: Float64Array, period: number, skip: number): Float64Array {
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
