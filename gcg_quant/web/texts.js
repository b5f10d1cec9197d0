// Texts in English and Chinese: each part of a page adds its table; those that every page needs are here.

const texts = {
  language: ["中文", "English"],
  theme: ["Theme: {0}", "主题：{0}"],
  dark: ["dark", "深色"],
  light: ["light", "浅色"],
  system: ["as the system", "跟随系统"],
  retry: ["Try again", "重试"],
  copy: ["Copy", "复制"],
  start: ["Start", "启动"],
  stop: ["Stop", "停止"],
  yes: ["Yes, {0}", "是，{0}"],
  no: ["No", "否"],
  sent: ["sent …", "已发送 …"],
  no_connection: ["there is no connection", "没有连接"],
  refused: ["Refused: {0}", "被拒绝：{0}"],
  close: ["Close", "关闭"],
  cancel: ["Cancel", "取消"],
  field_int: ["Write a whole number.", "请输入整数。"],
  field_float: ["Write a number, with a point before its decimals.", "请输入数字，小数点用“.”。"],
  field_date: ["Choose a date.", "请选择日期。"],
  field_choice: ["Choose one of these.", "请从中选择。"],
  field_needed: ["This is needed.", "此项必填。"],
  field_must: ["It must be {0}.", "应{0}。"],
  field_low: ["at least {0}", "不小于 {0}"],
  field_high: ["at most {0}", "不大于 {0}"],
  field_between: ["from {0} to {1}", "在 {0} 与 {1} 之间"],
  is_running: ["running", "运行中"],
  is_stopped: ["stopped", "已停止"],
  is_loaded: ["loaded", "已加载"],
  is_unloaded: ["unloaded", "已卸载"],
  is_failed: ["failed", "失败"],
  is_requested: ["waiting", "等待中"],
  is_done: ["done", "已完成"],
  is_submitting: ["submitting", "提交中"],
  is_accepted: ["accepted", "已报"],
  is_partly_filled: ["partly filled", "部分成交"],
  is_filled: ["filled", "全部成交"],
  is_cancelling: ["cancelling", "撤单中"],
  is_cancelled: ["cancelled", "已撤"],
  is_rejected: ["rejected", "拒绝"],
  is_expired: ["expired", "已过期"],
  is_starting: ["starting", "启动中"],
  is_stopping: ["stopping", "停止中"],
  is_restarting: ["restarting", "重启中"],
  is_died: ["died", "异常退出"],
  is_killed: ["killed", "已强制结束"],
  is_hung: ["hung", "无响应"],
  is_connecting: ["connecting", "连接中"],
  is_connected: ["connected", "已连接"],
  is_disconnected: ["disconnected", "已断开"],
  is_halted: ["halted", "已暂停"],
  is_down: ["down", "已断线"],
  is_waiting: ["waiting", "等待中"],
  is_reading: ["reading", "读取中"],
  is_unknown: ["unknown", "未知"],
  is_debug: ["debug", "调试"],
  is_info: ["info", "信息"],
  is_warning: ["warning", "警告"],
  is_error: ["error", "错误"],
  is_critical: ["critical", "严重"],
  type_market: ["market", "市价"],
  type_limit: ["limit", "限价"],
  type_stop: ["stop", "止损"],
  type_stop_limit: ["stop limit", "止损限价"],
  type_trailing_stop: ["trailing stop", "跟踪止损"],
  type_trailing_stop_limit: ["trailing stop limit", "跟踪止损限价"],
};

let column = 0;

/** Add a table of texts, key -> [English, Chinese]; a key that means something else already is a mistake. */
export function addTexts(table) {
  for (const [key, text] of Object.entries(table)) {
    if (texts[key] && texts[key].join() !== text.join()) throw new Error(`two tables of texts have ${key}`);
    texts[key] = text;
  }
}

/** Choose the language: "en" or "zh". */
export function setLanguage(language) {
  column = language === "zh" ? 1 : 0;
}

/** The text of a key in the chosen language, with its gaps filled. */
export function t(key, ...values) {
  const text = texts[key];
  if (!text) throw new Error(`no table of texts has ${key}`);
  return text[column].replace(/\{(\d)\}/g, (_, index) => values[index] ?? "");
}

/** The word for a state of a strategy or an order; one that the table does not know as it is. */
export function stateWord(state) {
  return wordOf("is", state);
}

/** The word of a kind ("type" of an order, "alert" by its name); one that no table knows as it is. */
export function wordOf(kind, word) {
  return texts[`${kind}_${word}`]?.[column] ?? word.replaceAll("_", " ");
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
