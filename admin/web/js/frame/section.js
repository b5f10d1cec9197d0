// A section of the page: its node, and the questions whose answers it shows.

import { el } from "/shared/dom.js";
import { t } from "/shared/texts.js";

const PATIENCE = 4; // rounds until what was refused is asked again

export class Section {
  /** `name` is also that of its title's key. */
  constructor(desk, name) {
    Object.assign(this, { desk, name });
    this.sources = [];
    this.tools = el("div", { class: "tools" });
    this.title = el("h2", { id: `title-${name}`, text: t(`nav_${name}`) });
    this.node = el("div", { class: "section", id: `section-${name}` }, el("div", { class: "top" }, this.title, this.tools));
  }

  /** Ask `ask(signal)` every `every` rounds; `show(answer)` shows it, `fail(sentence, retry)` a refusal. Returns the question. */
  source(ask, show, fail, every = 1) {
    const source = new Source(ask, show, (sentence) => fail(sentence, () => this.again(source)), every);
    this.sources.push(source);
    return source;
  }

  /** Ask all questions that are due. An error without a status (no server) is thrown. */
  async refresh(signal) {
    await Promise.all(this.sources.map((source) => source.refresh(signal)));
  }

  /** Ask this question (or all) anew at once. */
  again(source) {
    for (const one of source ? [source] : this.sources) one.due = 0;
    this.desk.soon();
  }

  /** The section is opened; `words` are what stands behind its name in the address. */
  show(words) {
    this.words = words;
  }

  /** The section is left. */
  hide() {}
}

class Source {
  constructor(ask, show, fail, every) {
    Object.assign(this, { ask, show, fail, every });
    this.due = 0; // rounds until it is asked
  }

  async refresh(signal) {
    if (this.due > 0) {
      this.due -= 1;
      return;
    }
    this.due = this.every - 1;
    let answer;
    try {
      answer = await this.ask(signal);
    } catch (error) {
      this.due = error.status ? PATIENCE : 0;
      if (!error.status) throw error;
      this.fail(error.message);
      return;
    }
    if (!signal.aborted) this.show(answer);
  }
}
