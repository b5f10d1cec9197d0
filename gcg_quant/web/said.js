// The server's own sentences in Chinese. It says them in English, as console and log do; a table here has the Chinese of each,
// { "Reader {0} has caught up.": "读取者 {0} 已追上。" }, and what no table knows stays as it was said.

const exact = new Map();
const patterns = []; // [regular expression, Chinese]
const known = new Map(); // what was asked lately
const MOST = 500;

/** Add a table; a gap {0} stands for any text, which is translated itself if a table has it. */
export function addSaid(table) {
  for (const [english, chinese] of Object.entries(table)) {
    if (english.includes("{0}")) patterns.push([pattern(english), chinese]);
    else exact.set(english, chinese);
  }
  known.clear();
}

/** A sentence of the server in the page's language. */
export function said(sentence) {
  if (!sentence || document.documentElement.lang !== "zh") return sentence ?? "";
  if (!known.has(sentence)) {
    if (known.size >= MOST) known.clear();
    known.set(sentence, chinese(sentence));
  }
  return known.get(sentence);
}

function chinese(sentence) {
  if (exact.has(sentence)) return exact.get(sentence);
  for (const [form, text] of patterns) {
    const found = form.exec(sentence);
    if (found) return text.replace(/\{(\d)\}/g, (_, at) => said(found.groups[`gap${at}`]));
  }
  return sentence;
}

const pattern = (english) => {
  const parts = english.split(/(\{\d\})/).map((part) => (/^\{\d\}$/.test(part) ? `(?<gap${part[1]}>.+?)` : part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")));
  return new RegExp(`^${parts.join("")}$`, "s");
};
