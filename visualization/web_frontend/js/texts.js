// Every text of the page, English and Chinese, in one table. {0} and {1} are filled in.

import { TRADING } from "./trading_texts.js";

const TEXTS = {
  ...TRADING,
  watch_list: ["Watch list", "自选"],
  find_symbol: ["Find a symbol", "查找代码"],
  search_hint: ["Symbol or command", "代码或命令"],
  search_results: ["Search results", "搜索结果"],
  nothing_found: ["Nothing matches “{0}”.", "没有与“{0}”匹配的结果。"],
  period: ["Period", "周期"],
  rate_help: ["Events a second on the bus", "总线每秒事件数"],
  profit_help: ["Profit since the day began (UTC)", "当日盈亏（UTC）"],
  language: ["中文", "English"],
  theme: ["Theme: {0}", "主题：{0}"],
  dark: ["dark", "深色"],
  light: ["light", "浅色"],
  system: ["as the system", "跟随系统"],
  keys: ["Keys", "快捷键"],
  panels: ["Panels", "面板"],
  drawer: ["Tables", "表格"],
  resize: ["Drag, or use the arrow keys, to resize", "拖动或用方向键调整高度"],
  fold: ["Fold the tables", "收起表格"],
  unfold: ["Unfold the tables", "展开表格"],
  to_live: ["To live →", "回到最新 →"],
  depth: ["Depth", "盘口"],
  depth_tape: ["Depth and tape", "盘口与成交"],
  tape: ["Trades", "成交"],
  spread: ["spread {0}", "价差 {0}"],
  marker: ["What happened here", "此处发生的事件"],
  zone: ["Times are in {0}; click for another zone", "时间按 {0} 显示；点击切换"],
  connecting: ["connecting", "连接中"],
  live: ["live · {0} ms", "实时 · {0} ms"],
  lost: ["no connection · data {0} old · again in {1}", "连接已断开 · 数据 {0} 前 · {1} 后重试"],
  rate: ["{0} ev/s", "{0} 事件/秒"],
  loading: ["Loading {0} …", "正在加载 {0} …"],
  loading_older: ["Loading older bars …", "正在加载更早的K线 …"],
  last_tick: ["last tick {0} ago", "最近一笔 {0} 前"],
  volume: ["Vol", "量"],
  retry: ["Try again", "重试"],
  copy: ["Copy", "复制"],
  history_failed: ["The bars of {0} could not be loaded: {1}", "无法加载 {0} 的K线：{1}"],
  no_bars: ["No {1} bars of {0} yet. They appear with the first tick; history comes with an import.", "{0} 还没有 {1} K线。收到第一笔行情后出现；历史数据可导入。"],
  no_market: ["No market data yet. Switch a collector on in gcg_quant.toml, or import a file:", "还没有行情。请在 gcg_quant.toml 中启用行情源，或导入文件："],
  no_chart_library: ["The chart library is missing on the server. Install it and reload:", "服务器缺少图表库，请安装后刷新："],
  watch_empty: ["No symbols yet.", "还没有代码。"],
  watch_loading: ["Loading …", "加载中 …"],
  depth_empty: ["No depth of this symbol yet.", "该代码暂无盘口。"],
  strategies: ["Strategies", "策略"],
  orders: ["Orders", "委托"],
  positions: ["Positions", "持仓"],
  fills: ["Fills", "成交记录"],
  log: ["Log", "日志"],
  no_strategies: ["No strategy is loaded. Load one:", "还没有加载策略。加载一个："],
  no_orders: ["No orders yet. They appear as soon as a running strategy places one.", "还没有委托。策略下单后会出现在这里。"],
  no_positions: ["No open positions.", "没有持仓。"],
  no_fills: ["No fills yet. They appear as soon as an order trades.", "还没有成交。委托成交后会出现在这里。"],
  no_log: ["The log is empty: nothing has gone wrong yet.", "日志为空：一切正常。"],
  strategy: ["Strategy", "策略"],
  symbols: ["Symbols", "代码"],
  symbol: ["Symbol", "代码"],
  state: ["State", "状态"],
  position: ["Position", "持仓"],
  open_profit: ["Open P&L", "浮动盈亏"],
  realised: ["Realised", "已实现盈亏"],
  fees: ["Fees", "手续费"],
  fee: ["Fee", "手续费"],
  fill_count: ["Fills", "成交数"],
  time: ["Time", "时间"],
  date: ["Date", "日期"],
  side: ["Side", "方向"],
  kind: ["Type", "类型"],
  quantity: ["Quantity", "数量"],
  filled: ["Filled", "已成交"],
  price: ["Price", "价格"],
  average: ["Average", "均价"],
  last: ["Last", "最新"],
  reason: ["Reason", "原因"],
  order: ["Order", "委托"],
  account: ["Account", "账户"],
  level: ["Level", "级别"],
  component: ["Component", "组件"],
  text: ["Message", "内容"],
  buy: ["Buy", "买入"],
  sell: ["Sell", "卖出"],
  signal: ["Signal", "信号"],
  event: ["Event", "事件"],
  cause: ["Cause", "起因"],
  more_here: ["and {0} more in this bar", "此K线还有 {0} 个"],
  average_line: ["{0} avg", "{0} 均价"],
  start: ["Start", "启动"],
  stop: ["Stop", "停止"],
  ask_start: ["Start {0}? It may trade.", "启动 {0}？它可能会交易。"],
  ask_stop: ["Stop {0}? Its orders are cancelled.", "停止 {0}？其委托将被撤销。"],
  yes: ["Yes, {0}", "是，{0}"],
  no: ["No", "否"],
  sent: ["sent …", "已发送 …"],
  no_connection: ["there is no connection", "没有连接"],
  refused: ["Refused: {0}", "被拒绝：{0}"],
  key_search: ["search for a symbol or command", "搜索代码或命令"],
  key_period: ["period, from the first to the last", "切换周期"],
  key_arrows: ["previous and next symbol of the watch list", "自选中的上一个、下一个代码"],
  key_escape: ["close what is open", "关闭弹出内容"],
  key_help: ["these keys", "显示快捷键"],
  close: ["Close", "关闭"],
  is_running: ["running", "运行中"],
  is_stopped: ["stopped", "已停止"],
  is_loaded: ["loaded", "已加载"],
  is_unloaded: ["unloaded", "已卸载"],
  is_failed: ["failed", "失败"],
  is_submitting: ["submitting", "提交中"],
  is_accepted: ["accepted", "已报"],
  is_partly_filled: ["partly filled", "部分成交"],
  is_filled: ["filled", "全部成交"],
  is_cancelling: ["cancelling", "撤单中"],
  is_cancelled: ["cancelled", "已撤"],
  is_rejected: ["rejected", "拒绝"],
  is_expired: ["expired", "已过期"],
};

let column = 0;

/** Choose the language: "en" or "zh". */
export function setLanguage(language) {
  column = language === "zh" ? 1 : 0;
}

/** The text of a key in the chosen language, with its gaps filled. */
export function t(key, ...values) {
  const texts = TEXTS[key];
  if (!texts) throw new Error(`texts.js has no text ${key}`);
  return texts[column].replace(/\{(\d)\}/g, (_, index) => values[index] ?? "");
}

/** The word for a state of a strategy or an order; one that the table does not know as it is. */
export function stateWord(state) {
  return TEXTS[`is_${state}`]?.[column] ?? state.replaceAll("_", " ");
}

/** Write the texts of all elements that name theirs in data-text, data-label or data-hint. */
export function translatePage() {
  for (const node of document.querySelectorAll("[data-text]")) node.textContent = t(node.dataset.text);
  for (const node of document.querySelectorAll("[data-hint]")) node.placeholder = t(node.dataset.hint);
  for (const node of document.querySelectorAll("[data-label], [data-hint]")) {
    const text = t(node.dataset.label ?? node.dataset.hint);
    node.setAttribute("aria-label", text);
    if (node.dataset.label && node.tagName === "BUTTON") node.title = text;
  }
}
