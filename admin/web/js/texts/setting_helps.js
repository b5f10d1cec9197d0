// What each setting is, in Chinese: the helps of gcg_quant/sections.py and the files beside it, as the server says them.

import { addSaid } from "/shared/said.js";

addSaid({
  // [system]
  "folder for all that a run writes: bus, database, logs, reports": "运行时所有数据的目录：总线、数据库、日志、报告",
  'what a run is for: with "live" the orders of a real gateway go to its venue, and a home stays what it was made as':
    '运行的用途：为 "live" 时真实网关的委托发往交易所；数据目录的用途在创建后不变',
  "least level of the log lines that `run` shows in its terminal; alerts count as lines": "`run` 的终端中显示的日志的最低级别；告警也算日志",
  "a callback or component that has not come back for so long has its process killed and started again, s": "回调或组件超过此时长未返回时，强制结束并重启其进程，秒",
  "process groups: name = [parts]; the parts are collectors, bars, trading, strategies, storage, web, backtest, bridge; a part that is left out does not run":
    "进程组：名称 = [部件]；部件为 collectors、bars、trading、strategies、storage、web、backtest、bridge；未列出的部件不运行",
  // [bus]
  "when written pages go to disk: never asked, every 100 ms, each event": "写入的页何时落盘：不主动落盘、每 100 毫秒、每个事件",
  "size of a journal page, MB, when the bus is created": "创建总线时事件日志每页的大小，MB",
  "age at which journal pages go that nobody needs, days": "无人需要的事件日志页保留多久，天",
  "size of the journal above which the oldest of those pages go, GB": "事件日志超过此大小时删除最旧的此类页，GB",
  // [web]
  "address to listen on; any but loopback needs a token": "监听地址；非本机回环地址必须设置令牌",
  "TCP port; 0 takes a free one": "TCP 端口；0 表示自动选择空闲端口",
  "secret that page and REST calls must show; empty = none asked on loopback": "页面与 REST 调用须出示的令牌；留空 = 本机回环地址无需令牌",
  "open the chart page at the start": "启动时打开图表页面",
  "other names that it answers to, as behind a TLS proxy: host or host:port; they need a token": "其他可用的主机名（如 TLS 代理之后）：host 或 host:port；需要令牌",
  "addresses or networks whose X-Forwarded-For and X-Forwarded-Proto are believed, such as 127.0.0.1": "信任其 X-Forwarded-For 与 X-Forwarded-Proto 的地址或网段，例如 127.0.0.1",
  "time after which a browser that was not used asks for the token again, h": "浏览器闲置多久后需重新输入令牌，小时",
  "most chart pages connected at once": "同时连接的图表页面上限",
  "largest file that may be imported over REST, MB": "通过 REST 导入的文件大小上限，MB",
  // [database]
  "SQLAlchemy URL; empty = SQLite (WAL) in the home folder; one with a password goes into the environment": "SQLAlchemy URL；留空 = 数据目录中的 SQLite（WAL）；含密码的 URL 请用环境变量",
  "most rows stored in one transaction, and how many are not waited for longer": "单个事务写入的行数上限；达到此数即不再等待",
  "longest wait before rows are stored, ms": "写入前的最长等待，毫秒",
  "market data older than this is compressed, by TimescaleDB alone; 0 = never": "早于此天数的行情将被压缩（仅 TimescaleDB）；0 = 从不",
  // [retention]
  "when old rows are removed: a time of day (UTC), a pace such as 6h, or off": "何时删除旧数据：每日时刻（UTC）、间隔（如 6h）或 off",
  "whether the rules hold for rows of imported files, too": "规则是否也适用于导入的数据",
  "how long ticks stay, such as 30d; off = for ever": "逐笔行情保留多久，例如 30d；off = 永久",
  "how long order book snapshots stay, such as 30d; off = for ever": "盘口快照保留多久，例如 30d；off = 永久",
  "how long order book changes stay, such as 30d; off = for ever": "盘口增量保留多久，例如 30d；off = 永久",
  "how long single trades of the market stay, such as 30d; off = for ever": "市场逐笔成交保留多久，例如 30d；off = 永久",
  'how long bars stay, by period: bars.1s = "7d"; a period that is left out stays': "各周期 K线保留多久：bars.1s = \"7d\"；未列出的周期永久保留",
  "how long signals stay, such as 30d; off = for ever": "信号保留多久，例如 30d；off = 永久",
  "how long order requests stay, such as 30d; off = for ever": "委托请求保留多久，例如 30d；off = 永久",
  "how long verdicts on orders stay, such as 30d; off = for ever": "风控结论保留多久，例如 30d；off = 永久",
  "how long reports on orders (the newest one of each order stays) stay, such as 30d; off = for ever": "委托回报保留多久（每笔委托的最新回报始终保留），例如 30d；off = 永久",
  "how long fills stay, such as 30d; off = for ever": "成交保留多久，例如 30d；off = 永久",
  "how long changes of positions (the newest one stays) stay, such as 30d; off = for ever": "持仓变动保留多久（最新一条始终保留），例如 30d；off = 永久",
  "how long changes of accounts (the newest one stays) stay, such as 30d; off = for ever": "账户变动保留多久（最新一条始终保留），例如 30d；off = 永久",
  "how long known gaps of market data stay, such as 30d; off = for ever": "已知的行情缺口保留多久，例如 30d；off = 永久",
  "how long splits and dividends stay, such as 30d; off = for ever": "拆股与分红保留多久，例如 30d；off = 永久",
  "how long funding rates stay, such as 30d; off = for ever": "资金费率保留多久，例如 30d；off = 永久",
  "how long changes of strategies (the newest one stays) stay, such as 30d; off = for ever": "策略变动保留多久（最新一条始终保留），例如 30d；off = 永久",
  "how long alerts stay, such as 30d; off = for ever": "告警保留多久，例如 30d；off = 永久",
  "how long log lines stay, such as 30d; off = for ever": "日志保留多久，例如 30d；off = 永久",
  // [backup]
  "when: a time of day (UTC) such as 04:00, a pace such as 12h, or off": "何时备份：每日时刻（UTC，如 04:00）、间隔（如 12h）或 off",
  "where to; empty = `backups` in the home folder": "备份到哪里；留空 = 数据目录下的 backups",
  "how many stay; older ones are removed after each new one": "保留的备份数；每次备份后删除更旧的",
  "how the files are compressed": "文件的压缩方式",
  // [redis]
  "redis://host:port/db, rediss:// (TLS) or unix:///path of the cache; empty = off; one with a password goes into the environment":
    "缓存的 redis://host:port/db、rediss://（TLS）或 unix:///path；留空 = 关闭；含密码的 URL 请用环境变量",
  "what its keys begin with, before the world; empty = gcg:NAME of the home folder": "键的前缀（位于环境名之前）；留空 = gcg: 加数据目录名",
  "what is kept": "缓存的内容",
  "after how many seconds without news a key goes, by kind; a kind that is left out stays": "各类键多少秒无更新后过期；未列出的种类不过期",
  "newest bars in the stream of each instrument and period; 0 = no streams": "每个合约与周期的流中保留的最新 K线数；0 = 不建流",
  "interval at which the newest state of all that has changed is sent, ms": "发送最新变动状态的间隔，毫秒",
  "how far back the journal is read for market data at the start, hours": "启动时从事件日志回读多久的行情，小时",
  // [bridge]
  "redis://host:port/db of all bridges that name none; one with a password goes into the environment": "未指定地址的桥接所用的 redis://host:port/db；含密码的 URL 请用环境变量",
  "for URLs without a password": "用于不含密码的 URL",
  "what goes out: a list of tables with name, types, symbols, lanes, relay, stream_mb": "发送的内容：由 name、types、symbols、lanes、relay、stream_mb 组成的表的列表",
  "what comes in: a list of tables with name, types, symbols, start, worlds": "接收的内容：由 name、types、symbols、start、worlds 组成的表的列表",
  // [simulated]
  "run the simulated exchange (on in the built-in demo)": "运行模拟交易所（内置演示中已开启）",
  "seed of all its prices: the same seed gives the same market": "价格的随机种子：种子相同则行情相同",
  "ticks a second, all instruments together": "每秒行情数，所有合约合计",
  "instruments it trades": "交易的合约",
  "minutes of one-minute bars that it fills in before the start": "启动前补充的一分钟 K线时长，分钟",
  "trade around the clock, or in each market's real sessions": "全天候交易，或按各市场的真实时段",
  "ticks between two order book snapshots of an instrument; 0 = none": "同一合约两次盘口快照之间的行情数；0 = 无快照",
  "publish single trades beside the ticks": "除行情外还发布逐笔成交",
  // [collectors]
  "what runs: a list of tables with name, kind, venue, symbols, process, connect_s, silence_s, history, options":
    "运行的行情源：由 name、kind、venue、symbols、process、connect_s、silence_s、history、options 组成的表的列表",
  "addresses instead of the venues' own (a test net, a proxy): name of the collector = URL": "代替交易所默认地址（测试网、代理）：行情源名称 = URL",
  // [bars]
  "periods of the bars that are made of every symbol": "为所有合约合成的 K线周期",
  "further periods for some symbols: a list of tables with symbol and periods": "部分合约的额外周期：由 symbol 与 periods 组成的表的列表",
  "how long after its end a bar waits for late events if no later one comes, ms": "K线结束后若无后续事件，等待迟到事件的时长，毫秒",
  "an event of the bar that was finished last is dropped, or the bar is published again with it, with the next revision": "属于上一根已完成 K线的迟到事件：丢弃，或并入后以新修订号重新发布",
  // [replay], [instruments]
  "what is played: a list of tables with symbol, venue, period, start and end": "播放的数据：由 symbol、venue、period、start、end 组成的表的列表",
  "time that strategies have for each bar, ms": "每根 K线留给策略的时间，毫秒",
  "other terms than a market's usual ones: a list of tables with symbol, venue and fields of Instrument": "与市场惯例不同的合约条款：由 symbol、venue 及 Instrument 各字段组成的表的列表",
  // [calendars]
  "own tables of China's futures sessions (CSV); those in `calendars` of the home folder are used too": "自备的中国期货交易时段表（CSV）；数据目录 calendars 下的文件也会使用",
  // [trading]
  "name of the account": "账户名称",
  "currency of the account": "账户币种",
  "cash of a new account, in its currency": "新账户的初始资金，以账户币种计",
  "further accounts: a list of tables with name, currency, cash, gateway, process and the keys of [gateway]":
    "更多账户：由 name、currency、cash、gateway、process 及 [gateway] 各键组成的表的列表",
  "where orders go: simulated on paper, or through a real gateway, which [gateway] describes": "委托发往何处：模拟撮合，或经 [gateway] 所述的真实网关",
  "time that the paper gateway needs for an order, ms": "模拟网关处理委托的延迟，毫秒",
  "... and for a cancel or a change, ms; off = as for an order": "撤单或改单的延迟，毫秒；off = 与委托相同",
  "most that either takes longer, drawn anew for each, ms": "上述延迟的最大随机增量，每次重新抽取，毫秒",
  "ticks by which the paper gateway's market orders fill worse": "模拟网关市价单成交的滑点，最小变动价位数",
  "what is ahead of the paper gateway's resting orders: all others, or a queue that trades shorten, or cancels as well": "模拟网关挂单之前的排队：全部其他挂单，或随成交（以及撤单）缩短的队列",
  "power of the queue `power`: a multiple of 0.5": "queue 为 power 时的指数：0.5 的倍数",
  "match on paper only while a market is open; auto = unless the simulated exchange trades around the clock": "模拟撮合仅在开市时进行；auto = 模拟交易所全天候交易时除外",
  "time that new orders wait while the gateway to a real venue is down, s; 0 refuses them at once": "真实交易所网关断线时新委托的等待时间，秒；0 = 立即拒绝",
  // [gateway]
  'which venue or broker, such as "binance" or "okx" (ccxt); it names the instruments\' venue': '交易所或经纪商，例如 "binance" 或 "okx"（ccxt）；也是合约的交易所名称',
  "base address instead of the venue's own: a test net or a proxy; empty = the venue's own": "代替交易所默认地址（测试网或代理）；留空 = 默认地址",
  "name of the credentials, which stand in the environment alone (GCG_QUANT_CREDENTIALS__NAME__KEY); empty = as `exchange`":
    "凭据名称，凭据只存于环境变量（GCG_QUANT_CREDENTIALS__NAME__KEY）；留空 = 与 `exchange` 相同",
  "longest wait for a connection and its login, s": "等待连接与登录的最长时间，秒",
  "how long a question to the venue may stay unanswered, s": "向交易所的查询允许多久无应答，秒",
  "how far the venue's cash may be from ours before the account is halted, in its currency": "交易所资金与本地相差超过此值时暂停账户，以其币种计",
  "the kind's own: a table; see the page of its market": "该类网关自有的选项：表；见相应市场的文档",
  // [risk]
  "largest order, units": "单笔委托的最大数量",
  "largest order, in the instrument's currency": "单笔委托的最大金额，以合约币种计",
  "largest position in one instrument, in its currency": "单个合约的最大持仓金额，以其币种计",
  "largest position in one instrument, units": "单个合约的最大持仓数量",
  "most orders of one strategy in a second": "单个策略每秒最多委托数",
  "most orders working at once, all strategies together": "所有策略合计的最多在途委托数",
  "furthest limit price from the last price, as a fraction": "限价与最新价的最大偏离（比例）",
  "largest value of the position in one instrument, open orders included, as a share of the account's equity": "单个合约的最大持仓金额（含未完成委托）占账户权益的比例",
  "refuse what would trade with a resting order of the same account": "拒绝会与本账户挂单成交的委托",
  "refuse orders while the instrument's market is closed by its calendar": "按交易日历休市时拒绝委托",
  "of T+1 instruments, sell only what was bought before the trading day": "T+1 品种只能卖出此前交易日买入的部分",
  "refuse limit prices outside of the day's price limits": "拒绝超出涨跌停的限价",
  "loss since the day's start after which only closing orders pass, in the account's currency": "当日亏损超过后只允许平仓，以账户币种计",
  "refuse what the account cannot pay or margin": "拒绝账户资金或保证金不足的委托",
  "refuse every order and cancel the open ones": "拒绝所有委托并撤销未完成委托",
  "other limits for an account, a strategy or a symbol: a list of tables": "账户、策略或合约（可组合）的单独限额：表的列表",
  // [strategies]
  "folders, besides the shipped one, that strategy files may be loaded from": "除自带目录外允许加载策略文件的目录",
  "load a strategy anew when its file changes; one that cannot be loaded changes nothing": "策略文件变动时重新加载；无法加载时保持不变",
  "strategies loaded at the start: file, id, class_name, symbols, account, parameters, start":
    "启动时加载的策略：file、id、class_name、symbols、account、parameters、start",
  // [models]
  "models served from the start: a list of tables with id, version and symbols": "启动时提供服务的模型：含 id、version、symbols 的表的列表",
  // [backtest]
  "cash at the start": "初始资金",
  "commission, as a fraction of the value": "手续费，占成交金额的比例",
  "returns a year, to annualise the Sharpe ratio": "每年的收益期数，用于夏普比率年化",
  // [chart]
  instrument: "合约",
  "bar period; 1M is a calendar month": "K线周期；1M 为自然月",
  colours: "配色",
  "language of the page": "页面语言",
  "show rising bars in red and falling ones in green, as in China": "红涨绿跌",
  // [monitoring]
  "time from a tick to the order that it led to, p95 of the last minute, ms": "从行情到由其产生的委托的耗时，最近一分钟 p95，毫秒",
  "time from an order to the venue's first answer, p95 of the last minute, ms; the paper gateway's own latency is left out": "从委托到交易所首次应答的耗时，最近一分钟 p95，毫秒；不含模拟网关自身的延迟",
  "events that a reader of the journal is behind": "事件日志读取者落后的事件数",
  "age of the oldest event that a reader has not read, s": "读取者未读的最旧事件的时长，秒",
  "age of the oldest event that the database does not have, s": "数据库尚未写入的最旧事件的时长，秒",
  "memory of one process (its proportional share), MB": "单个进程的内存（按比例分摊），MB",
  "memory of all processes together, MB": "所有进程的内存合计，MB",
  "free space of the home folder's disk below which to warn, MB": "数据目录所在磁盘的剩余空间低于此值时告警，MB",
  "time without market data of a venue while one of its markets is open, s": "交易所开市期间没有行情的时长，秒",
  "time without market data of one instrument while its market is open, s": "单个合约开市期间没有行情的时长，秒",
  "exceptions of a component's handlers within a minute": "组件的处理函数一分钟内的异常数",
  "time that a gateway may be disconnected, s": "网关允许断线的时长，秒",
  "time that a collector may be disconnected while one of its markets is open, s": "任一市场开市时行情源允许断线的时长，秒",
  "step of the machine's clock, ms": "系统时钟的跳变，毫秒",
  "how often an alert is told again while its cause lasts, minutes; off = once": "原因未消除时告警重复的间隔，分钟；off = 仅一次",
  "http(s) address that gets every alert as JSON; empty = none": "以 JSON 接收每条告警的 http(s) 地址；留空 = 无",
  "least level that the webhook gets": "Webhook 接收的最低级别",
  "longest wait for the webhook's answer, s": "等待 Webhook 应答的最长时间，秒",
  // [logs]
  "least level written into the log files": "写入日志文件的最低级别",
  "lines for people, or one JSON object a line": "便于阅读的文本，或每行一个 JSON 对象",
  "how long the files of past days stay, days": "历史日志文件保留多久，天",
});
