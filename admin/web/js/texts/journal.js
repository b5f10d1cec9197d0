// The texts of the journal, English and Chinese.

import { addTexts } from "/shared/texts.js";

addTexts({
  jo_lanes: ["Lanes", "通道"],
  jo_no_lanes: ["The journal has no lane.", "事件日志没有通道。"],
  jo_lane: ["Lane", "通道"],
  jo_events: ["Events", "事件数"],
  jo_first: ["First", "首个"],
  jo_last: ["Last", "末个"],
  jo_rate: ["A second", "每秒"],
  jo_used: ["Used", "已用"],
  jo_files: ["Files", "文件"],
  jo_pages: ["Pages", "页数"],
  jo_epochs: ["Epoch", "时期"],
  jo_since: ["Since", "自"],
  jo_newest: ["Newest", "最新"],
  jo_whole: ["whole", "完整"],
  jo_damaged: ["damaged", "已损坏"],
  jo_newest_events: ["Newest events", "最新事件"],
  jo_no_events: ["No event matches.", "没有符合的事件。"],
  jo_type: ["Class", "类型"],
  jo_source: ["Source", "来源"],
  jo_pause: ["Pause", "暂停"],
  jo_go_on: ["Go on", "继续"],
  jo_verify: ["Verify", "校验"],
  jo_verifying: ["Every frame is being read …", "正在读取每一帧 …"],
  jo_verified: ["The journal is whole: {0} events in {1} pages, every checksum and number is right.", "事件日志完整：{1} 页共 {0} 个事件，校验和与编号均正确。"],
  jo_faults: ["{0} faults, the first: {1}", "{0} 处问题，第一处：{1}"],
  jo_chain_of_event: ["Chain of an event", "事件的因果链"],
  jo_chain: ["Chain of {0}", "{0} 的因果链"],
  jo_no_chain: ["Nothing is known of this event: it is not in the journal any more, or there is none of this number.", "没有该事件的信息：已不在事件日志中，或编号不存在。"],
});
