// The texts of the log and of alerts, English and Chinese.

import { addTexts } from "/shared/texts.js";

addTexts({
  lo_from_level: ["From which level", "最低级别"],
  lo_every: ["All", "全部"],
  lo_info: ["Info", "信息"],
  lo_warning: ["Warnings", "警告"],
  lo_error: ["Errors", "错误"],
  lo_any: ["any", "不限"],
  lo_contains: ["contains", "包含"],
  lo_older: ["Older", "更早"],
  lo_pause: ["Pause", "暂停"],
  lo_go_on: ["Go on", "继续"],
  lo_follow: ["Follow", "跟随"],
  lo_none: ["The log is empty: nothing has been said yet.", "日志为空。"],
  lo_none_of_these: ["No line matches the filter.", "没有符合筛选条件的日志。"],
  lo_chain: ["To the chain of {0}", "查看 {0} 的因果链"],
  lo_no_detail: ["There is nothing more about this line.", "没有更多信息。"],
  al_none: ["No alerts: nothing needs your attention.", "没有告警。"],
  al_name: ["Alert", "告警"],
  al_count: ["Times", "次数"],
  al_first: ["First", "首次"],
  al_last: ["Last", "最近"],
  al_acknowledge: ["Acknowledge", "确认"],
  al_acknowledge_one: ["Acknowledge: {0}", "确认：{0}"],
  al_acknowledge_all: ["Acknowledge all {0}", "全部确认（{0}）"],
  al_acknowledged: ["acknowledged", "已确认"],
  al_unread: ["unread", "未读"],
  al_which: ["Which alerts", "显示哪些告警"],
  al_all: ["All", "全部"],
  al_log: ["Log", "日志"],
});
