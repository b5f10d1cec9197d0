// The texts of trading, English and Chinese.

import { addTexts } from "/shared/texts.js";

addTexts({
  kill_off: ["Kill switch", "紧急停止"],
  kill_on: ["KILL SWITCH ON", "紧急停止已开启"],
  kill_unknown: ["Kill switch ?", "紧急停止 ?"],
  kill_off_help: ["The kill switch is off: orders pass (key K)", "紧急停止未开启：委托可通过（K 键）"],
  kill_on_help: ["On since {0}, by: {1}. Every order is refused (key K)", "自 {0} 起开启，来源：{1}。所有委托均被拒绝（K 键）"],
  kill_unknown_help: ["There is no connection: the state of the kill switch is not known", "没有连接：紧急停止状态未知"],
  kill_ask_on: ["Cancel all open orders and refuse every new one?", "撤销所有委托并拒绝新委托？"],
  kill_ask_off: ["Switch the kill switch off? Orders pass again.", "关闭紧急停止？委托将可再次通过。"],
  kill_yes_on: ["Yes, stop all trading", "是，停止全部交易"],
  kill_yes_off: ["Yes, switch it off", "是，关闭"],
  key_kill: ["kill switch: asks first", "紧急停止（先询问）"],
  accounts: ["Accounts", "账户"],
  no_accounts: ["No account yet. It appears with the first price after trading starts.", "还没有账户。交易启动后收到第一个价格时出现。"],
  currency: ["Currency", "币种"],
  cash: ["Cash", "现金"],
  equity: ["Equity", "权益"],
  margin: ["Margin", "保证金"],
  available: ["Available", "可用"],
  today: ["Today", "今日"],
  of_today: ["Today", "今仓"],
  of_before: ["Earlier", "昨仓"],
  frozen: ["Frozen", "冻结"],
  is_long: ["long", "多"],
  is_short: ["short", "空"],
  client_id: ["Client id", "委托编号"],
});
