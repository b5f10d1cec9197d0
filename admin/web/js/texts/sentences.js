// The sentences of the server that stand on the page most often, in Chinese: alerts, refusals of orders, what stopping a part means.

import { addSaid } from "/shared/said.js";

// What all alerts may end with; it comes first, so that no other gap takes it in.
addSaid({
  "{0} It lasts since {1}, and was told {2} times.": "{0}自 {1} 起持续，已告警 {2} 次。",
  "{0} It lasts, and was told {1} times.": "{0}仍在持续，已告警 {1} 次。",
});

// Thresholds (admin/monitoring/)
addSaid({
  "{0} it takes {1} ms (p95 of the newest {2}), more than {3}_ms = {4}: look at the handler times and lags in `status`, and at the machine's load.":
    "{0}耗时 {1} 毫秒（最近 {2} 次的 p95），超过 {3}_ms = {4}：请查看 `status` 中的处理耗时与积压，以及机器负载。",
  "{0} it takes {1} ms again.": "{0}的耗时已恢复为 {1} 毫秒。",
  "From the tick to the order": "从行情到委托",
  "From the order to the venue's answer": "从委托到交易所应答",
  "Reader {0} is {1} events and {2} s behind: it is too slow for what comes: look at its handler times in `status`, or give it a process of its own ([system] groups).":
    "读取者 {0} 落后 {1} 个事件、{2} 秒：处理速度跟不上，请查看 `status` 中的处理耗时，或为其分配单独的进程（[system] groups）。",
  "Reader {0} has caught up.": "读取者 {0} 已追上。",
  "Reader {0} is in time again.": "读取者 {0} 已恢复及时。",
  "The database is {0} s behind ({1}); nothing is lost: look at its disk and its load.": "数据库落后 {0} 秒（{1}）；数据没有丢失，请检查其磁盘与负载。",
  "The database has caught up.": "数据库已追上。",
  "Process {0} takes {1} MB, more than process_mb = {2}: restart it, or load less into it.": "进程 {0} 占用内存 {1} MB，超过 process_mb = {2}：请重启该进程或减少其负载。",
  "Process {0} takes {1} MB again.": "进程 {0} 的内存已恢复为 {1} MB。",
  "All processes take {0} MB, more than memory_mb = {1}: `status` shows which takes most.": "所有进程共占用内存 {0} MB，超过 memory_mb = {1}：`status` 可查看占用最多的进程。",
  "All processes take {0} MB again.": "所有进程的内存已恢复为 {0} MB。",
  "The disk of {0} has {1} MB left, less than disk_mb = {2}: once it is full nothing is traded. Make room (`journal prune`, `database prune`), or lower [bus] keep_gb.":
    "{0} 所在磁盘仅剩 {1} MB，低于 disk_mb = {2}：写满后将无法交易。请清理空间（`journal prune`、`database prune`）或调低 [bus] keep_gb。",
  "The disk has {0} MB free again.": "磁盘剩余空间已恢复为 {0} MB。",
  "The {0} gateway of account {1} has been down for {2} s: look at `gateways` and `logs`.": "账户 {1} 的网关 {0} 已断线 {2} 秒：请查看 `gateways` 与 `logs`。",
  "Collector {0} has been disconnected for {1} s ({2}): look at `collectors status {3}`.": "行情源 {0} 已断线 {1} 秒（{2}）：请查看 `collectors status {3}`。",
  "Collector {0} has been disconnected for {1} s: look at `collectors status {2}`.": "行情源 {0} 已断线 {1} 秒：请查看 `collectors status {2}`。",
  "Collector {0} is connected again, was stopped, or its markets are closed.": "行情源 {0} 已重新连接、已停止，或市场已休市。",
  "Handlers of {0} failed {1} times in the last minute, the newest: {2} (`logs --component {3}`).": "{0} 的处理函数最近一分钟失败 {1} 次，最近一次：{2}（`logs --component {3}`）。",
  "No handler of {0} has failed for a minute.": "{0} 的处理函数一分钟内没有失败。",
  "The machine's clock stepped by {0} s, or the machine slept: event times around it are not exact; use NTP.": "系统时钟跳变 {0} 秒，或机器曾休眠：附近的事件时间不准确，请使用 NTP。",
  "The clock has not stepped for a minute.": "系统时钟一分钟内没有跳变。",
  "Nothing has come from {0} for {1} s, the last was {2}, in the open hours of {3} instruments: look whether its collector is connected (`logs`, `status`), or start that again.":
    "{0} 已 {1} 秒没有行情（最后一笔为 {2}），有 {3} 个合约正在开市：请检查行情源是否连接（`logs`、`status`）或重新启动它。",
  "Nothing has come from {0} for {1} s, the last was {2}, in the open hours of {3} instrument: look whether its collector is connected (`logs`, `status`), or start that again.":
    "{0} 已 {1} 秒没有行情（最后一笔为 {2}），有 {3} 个合约正在开市：请检查行情源是否连接（`logs`、`status`）或重新启动它。",
  "Market data of {0} comes again, or its markets are closed.": "{0} 的行情已恢复，或市场已休市。",
  "Nothing has come of {0} for {1} s while its market is open: look at its collector, or subscribe again.": "{0} 在开市期间已 {1} 秒没有行情：请检查行情源或重新订阅。",
  "Market data of {0} comes again, or its market is closed.": "{0} 的行情已恢复，或市场已休市。",
  "Process {0} died ({1}); it is started again. Its last words: logs/{2}.out": "进程 {0} 异常退出（{1}），正在重新启动。最后的输出：logs/{2}.out",
  "Process {0} runs again.": "进程 {0} 已恢复运行。",
  "{0} of {1} is watched no longer.": "不再监控 {1} 的 {0}。",
  "{0} cannot be written: {1}. Trading goes on, and the journal keeps every line; make room.": "{0} 无法写入：{1}。交易不受影响，事件日志保留所有内容；请清理空间。",
  "{0} is written again; {1} lines are missing in it, the journal has them.": "{0} 已恢复写入；其中缺少 {1} 行，事件日志中有这些内容。",
});

// Trading and strategies (strategy_engine/)
addSaid({
  "Account {0} is halted: it differs from its venue. {1}. New orders and changes are refused, cancels pass; when it is clear why, accept the difference: `python -m gcg_quant accounts resume {2}`.":
    "账户 {0} 已暂停：与交易所不一致。{1}。新委托与改单将被拒绝，撤单可通过；查明原因后请接受差异：`python -m gcg_quant accounts resume {2}`。",
  "Account {0} stays halted: it differs otherwise than was seen. {1}. Look again, and accept that.": "账户 {0} 仍处于暂停：差异与所确认的不同。{1}。请重新查看并接受。",
  "Account {0} is resumed. Accepted: {1}.": "账户 {0} 已恢复。已接受：{1}。",
  "The {0} gateway of account {1} is down: {2}. New orders are refused.": "账户 {1} 的网关 {0} 已断线：{2}。新委托将被拒绝。",
  "The {0} gateway of account {1} is down: {2}. New orders are held for {3} s.": "账户 {1} 的网关 {0} 已断线：{2}。新委托将等待 {3} 秒。",
  "The {0} gateway of account {1} is connected again.": "账户 {1} 的网关 {0} 已重新连接。",
  "Orders at the venue of account {0} are not ours and are left alone: {1}.": "账户 {0} 在交易所有非本系统的委托，不作处理：{1}。",
  "The kill switch of account {0} is on: {1} orders are being cancelled, new ones are refused.": "账户 {0} 的紧急停止已开启：正在撤销 {1} 笔委托，新委托将被拒绝。",
  "strategy {0} is stopped: {1}: it did not come back within {2} s, and the process was killed": "策略 {0} 已停止：{1} 超过 {2} 秒未返回，进程已被强制结束",
  "strategy {0} is stopped: {1}: the process ended in it (exit code {2})": "策略 {0} 已停止：进程在 {1} 中退出（退出码 {2}）",
  "Order {0} was filled after its way out was taken: nothing closes the rest.": "委托 {0} 在其平仓单已成交后仍有成交：剩余部分没有平仓单。",
  "The {0} gateway reports a fill of an order that account {1} does not know: {2} at {3}, order {4}, trade {5}. It is in no position and no cash here: compare with the venue.":
    "网关 {0} 报告了账户 {1} 未知委托的成交：{2}，价格 {3}，委托 {4}，成交号 {5}。该成交未计入持仓与资金，请与交易所核对。",
  "The {0} gateway reports a fill that account {1} cannot book ({2}): {3} at {4}, order {5}, trade {6}. It is in no position and no cash here: compare with the venue.":
    "网关 {0} 报告了账户 {1} 无法入账的成交（{2}）：{3}，价格 {4}，委托 {5}，成交号 {6}。该成交未计入持仓与资金，请与交易所核对。",
});

// Storage and bridges (data_storage/, gcg_quant/retention.py)
addSaid({
  "{0} Nothing is lost: {1} events wait, the oldest for {2} s, in the journal until the database takes rows again.": "{0} 数据没有丢失：事件日志中有 {1} 个事件等待写入（最旧 {2} 秒），直到数据库恢复。",
  "The database {0} takes rows again after {1} s: {2} events wait, the oldest for {3} s, to be stored.": "数据库 {0} 在 {1} 秒后恢复写入：{2} 个事件等待写入，最旧 {3} 秒。",
  "The database {0} is behind: {1} events wait, the oldest for {2} s, in the journal.": "数据库 {0} 落后：事件日志中有 {1} 个事件等待写入，最旧 {2} 秒。",
  "The database {0} has caught up after {1} s: {2} events that waited are stored.": "数据库 {0} 在 {1} 秒后追上：等待的 {2} 个事件已写入。",
  "{0} The system runs on without its cache, and tries again at least every {1} s.": "{0} 系统在没有缓存的情况下继续运行，至少每 {1} 秒重试一次。",
  "Redis at {0} takes the cache {1} again.": "{0} 的 Redis 已恢复缓存 {1}。",
  "The cache {0} at {1} is kept by another system ({2}): give one of the two another [redis] prefix.": "{1} 上的缓存 {0} 由另一系统（{2}）占用：请为其中之一设置不同的 [redis] prefix。",
  "Bridge {0} receives again.": "桥接 {0} 已恢复接收。",
  "Bridge {0} sends again.": "桥接 {0} 已恢复发送。",
  "Bridge {0} refuses an entry: {1}.": "桥接 {0} 拒绝了一条内容：{1}。",
  "Bridge {0} receives nothing: {1} What is missed comes later.": "桥接 {0} 无法接收：{1} 缺失的内容将稍后补上。",
  "Bridge {0} does not send: {1} Nothing is lost: {2} events wait in the journal.": "桥接 {0} 无法发送：{1} 数据没有丢失：事件日志中有 {2} 个事件等待。",
  "Bridge {0} is sent by another bus than before: {1}, not {2}.": "桥接 {0} 的来源总线已变更：现为 {1}，原为 {2}。",
  "The durable reader {0} has been silent since {1}: the journal is no longer kept for it.": "持久读取者 {0} 自 {1} 起没有读取：事件日志不再为其保留。",
  "The journal takes {0} GB, more than [bus] keep_gb = {1}, because its old pages are needed: {2}.": "事件日志占用 {0} GB，超过 [bus] keep_gb = {1}，因为旧页仍被需要：{2}。",
});

// Why the risk engine refuses an order
addSaid({
  "order quantity {0} is above max_order_quantity {1}": "委托数量 {0} 超过 max_order_quantity {1}",
  "order value {0} is above max_order_value {1}": "委托金额 {0} 超过 max_order_value {1}",
  "position would be {0}, above max_position_quantity {1}": "持仓将达 {0}，超过 max_position_quantity {1}",
  "position value would be {0}, above max_position_value {1}": "持仓金额将达 {0}，超过 max_position_value {1}",
  "loss of the day {0} has reached max_daily_loss {1}: only closing orders pass": "当日亏损 {0} 已达 max_daily_loss {1}：只允许平仓",
  "{0} orders within a second are above max_orders_per_second {1}": "一秒内 {0} 笔委托，超过 max_orders_per_second {1}",
  "{0} open orders are above max_open_orders {1}": "未完成委托 {0} 笔，超过 max_open_orders {1}",
  "position would be {0} of the equity, above max_concentration {1}": "持仓将占权益的 {0}，超过 max_concentration {1}",
  "price is {0} of the last price away, above price_band {1}": "价格偏离最新价 {0}，超过 price_band {1}",
  "would trade at {0} with an own order at {1}": "将以 {0} 与自己 {1} 的挂单成交",
  "sells {0} and {1} of what was bought before today is left (T+1)": "卖出 {0}，而此前买入的可卖数量为 {1}（T+1）",
  "needs {0} and {1} is available": "需要 {0}，可用 {1}",
  "kill switch is on": "紧急停止已开启",
  "no price of {0} is known yet": "尚无 {0} 的价格",
  "no instrument {0} is known": "没有合约 {0}",
  "price {0} is outside of the day's limits, of which {1} is the nearest": "价格 {0} 超出涨跌停范围，最近的限价为 {1}",
  "the market of {0} is closed until {1}": "{0} 休市至 {1}",
  "the market of {0} is closed, and {1} knows of no next session": "{0} 已休市，{1} 中没有下一交易时段",
  "{0} counts as closed: {1}": "{0} 视为休市：{1}",
});

// What stopping a part means (admin/changes/consequences.py)
addSaid({
  "nothing is stored until it starts again; the journal keeps what comes meanwhile, and it is stored then": "再次启动前不会写入数据库；其间的数据由事件日志保留，启动后补写",
  "old rows stay and no backup is made until it starts again": "再次启动前不清理旧数据，也不备份",
  "Redis is not brought up to date until it starts again": "再次启动前 Redis 不会更新",
  "no market data comes from it until it starts again": "再次启动前没有来自它的行情",
  "no bars are made until it starts again": "再次启动前不合成 K线",
  "strategies hear nothing and send no orders until it starts again; their open orders stay at the venue": "再次启动前策略收不到行情也不发委托；未完成委托留在交易所",
  "backtests that run are broken off, and none is begun until it starts again": "正在运行的回测会中断，再次启动前不会开始新的回测",
  "charts stand still until it starts again": "再次启动前图表静止",
  "REST and the admin page cannot answer until it starts again": "再次启动前 REST 与管理页面无法应答",
  "no threshold is watched, and neither page nor webhook hears of trouble, until it starts again": "再次启动前不监控任何阈值，页面与 Webhook 都不会收到告警",
  "no page and no REST call is answered until it starts again: `python -m gcg_quant components start web`": "再次启动前页面与 REST 均无应答：`python -m gcg_quant components start web`",
  "no events are exchanged with other hosts through it until it starts again": "再次启动前不通过它与其他主机交换事件",
  "{0} open orders stay at the venue unattended, and {1}": "{0} 笔未完成委托将无人看管地留在交易所；{1}",
  "{0} open order stays at the venue unattended, and {1}": "{0} 笔未完成委托将无人看管地留在交易所；{1}",
  "no order is sent, filled or cancelled until it starts again": "再次启动前不发送、成交或撤销任何委托",
});
