// What the dialog of indicators names in plain words: groups, our own indicators, parameters, prices and lines. Names of ta-lib's that are not here stay.

import { addTexts, t } from "/shared/texts.js";

const WORDS = {
  Common: ["Common", "常用"],
  "Cycle Indicators": ["Cycles", "周期指标"],
  "Math Operators": ["Arithmetic", "数学运算"],
  "Math Transform": ["Functions", "数学变换"],
  "Momentum Indicators": ["Momentum", "动量指标"],
  "Overlap Studies": ["Over the price", "重叠指标"],
  "Pattern Recognition": ["Candle patterns", "形态识别"],
  "Price Transform": ["Prices", "价格变换"],
  "Statistic Functions": ["Statistics", "统计函数"],
  "Volatility Indicators": ["Volatility", "波动率指标"],
  "Volume Indicators": ["Volume", "成交量指标"],
  "Moving average": ["Moving average", "移动平均线"],
  "Exponential moving average": ["Exponential moving average", "指数移动平均线"],
  "Bollinger bands": ["Bollinger bands", "布林带"],
  "Volume-weighted average price of the day": ["Volume-weighted average price of the day", "当日成交量加权均价"],
  "Relative strength index": ["Relative strength index", "相对强弱指数"],
  "Average true range": ["Average true range", "平均真实波幅"],
  "On-balance volume": ["On-balance volume", "能量潮"],
  "Chan theory": ["Chan theory", "缠论"],
  variant: ["rule of strokes", "笔的规则"],
  "old-strict": ["old, strict", "老笔（严格）"],
  "old-half": ["old, half", "老笔（次严格）"],
  "old-loss": ["old, loose", "老笔（宽松）"],
  "new-strict": ["new, strict", "新笔（严格）"],
  "new-loss": ["new, loose", "新笔（宽松）"],
  divergence: ["divergence by", "背驰判据"],
  area: ["MACD area", "MACD 面积"],
  amplitude: ["amplitude", "幅度"],
  slope: ["slope", "斜率"],
  trend_pivots: ["pivots of a trend", "趋势的中枢数"],
  strokes: ["strokes", "笔"],
  segments: ["segments", "线段"],
  pivots: ["pivots", "中枢"],
  points: ["points", "买卖点"],
  timeperiod: ["bars", "周期"],
  fastperiod: ["fast, bars", "快线周期"],
  slowperiod: ["slow, bars", "慢线周期"],
  signalperiod: ["signal, bars", "信号线周期"],
  fastk_period: ["K, bars", "K 周期"],
  slowk_period: ["K smoothed, bars", "K 平滑周期"],
  slowd_period: ["D, bars", "D 周期"],
  width: ["width, deviations", "标准差倍数"],
  close: ["close", "收盘价"],
  open: ["open", "开盘价"],
  high: ["high", "最高价"],
  low: ["low", "最低价"],
  volume: ["volume", "成交量"],
  upper: ["upper", "上轨"],
  middle: ["middle", "中轨"],
  lower: ["lower", "下轨"],
  signal: ["signal", "信号线"],
  histogram: ["histogram", "柱线"],
};

addTexts({
  point_B1: ["B1", "一买"],
  point_B2: ["B2", "二买"],
  point_B3: ["B3", "三买"],
  point_S1: ["S1", "一卖"],
  point_S2: ["S2", "二卖"],
  point_S3: ["S3", "三卖"],
});
addTexts(Object.fromEntries(Object.entries(WORDS).map(([word, text]) => [`i_${word}`, text])));

/** A word of the catalogue of indicators in the present language; one that is not known as it is. */
export function indicatorWord(word) {
  return Object.hasOwn(WORDS, word) ? t(`i_${word}`) : word;
}
