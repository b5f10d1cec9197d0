// The texts of the admin page's frame, English and Chinese.

import { addTexts } from "/shared/texts.js";

addTexts({
  nav_sections: ["Sections", "栏目"],
  nav_charts: ["Charts", "图表"],
  nav_to_charts: ["To the charts", "前往图表"],
  nav_overview: ["Overview", "概览"],
  nav_strategies: ["Strategies", "策略"],
  nav_backtests: ["Backtests", "回测"],
  nav_orders: ["Orders & positions", "委托与持仓"],
  nav_risk: ["Risk", "风控"],
  nav_data: ["Data", "数据"],
  nav_settings: ["Settings", "设置"],
  nav_log: ["Log", "日志"],
  nav_alerts: ["Alerts", "告警"],
  nav_journal: ["Journal", "事件日志"],
  frame_live: ["live", "实时"],
  frame_lost: ["no connection · data {0} old", "连接已断开 · 数据 {0} 前"],
  frame_not_loaded: ["This section could not be loaded: {0}", "无法加载此栏目：{0}"],
  frame_key_find: ["search in the section", "在栏目中查找"],
  frame_change: ["Change", "修改"],
  frame_save: ["Save", "保存"],
  frame_kill_off: ["The kill switch is off: orders pass", "紧急停止未开启：委托可通过"],
  frame_kill_on: ["The kill switch is on: every order is refused", "紧急停止已开启：所有委托均被拒绝"],
  frame_kill_unknown: ["The state of the kill switch is not known", "紧急停止状态未知"],
});
