// Sends a strategy file to the server. What the server would refuse for its name or size is refused before it is sent.

import { put } from "/shared/rest.js";
import { t } from "/shared/texts.js";

const NAME = /^[a-z_][a-z0-9_]*\.py$/;
const MOST_BYTES = 256 * 1024;

/** Why these files cannot be sent, in one sentence, or "". */
export function uploadFault(files) {
  if (files.length !== 1) return t("w_upload_one");
  const [{ name, size }] = files;
  if (!name.endsWith(".py")) return t("w_upload_python", name);
  if (!NAME.test(name)) return t("w_upload_name", name);
  if (size > MOST_BYTES) return t("w_upload_size", name, Math.ceil(size / 1024));
  return size ? "" : t("w_upload_empty", name);
}

/** Send a file; the answer is its row. One of that name that is there already is a RestError of status 409 unless `replace` is true. */
export async function sendFile(file, replace = false) {
  const text = await file.text();
  return put(`/strategies/files/${encodeURIComponent(file.name)}`, text, { query: { replace }, type: "text/plain; charset=utf-8" });
}
