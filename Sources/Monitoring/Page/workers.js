// Workers, and draining them with an operator's token.

import { element, find, setNotice, setText } from "./dom.js";
import { age, percent, word } from "./format.js";
import { Table } from "./table.js";

const answerMilliseconds = 10000;

export class Workers {
  #workers = [];
  #now;
  /** Those whose draining has been asked for and not answered. */
  #asked = new Set();
  #table = new Table("worker-list", "Workers", [
    { title: "Worker", text: (worker) => word(worker.id) },
    { title: "State", text: (worker) => word(worker.state) },
    { title: "Replica", kind: "number", text: (worker) => word(worker.replica) },
    { title: "Stage", kind: "number", text: (worker) => word(worker.stage) },
    { title: "Share", kind: "number", text: (worker) => percent(worker.share, 0) },
    { title: "Seen", kind: "number", text: (worker) => age(worker.seen, this.#now) },
    { title: "Drain", kind: "action", fill: (cell, worker) => this.#fillAction(cell, worker) },
  ], (worker) => worker.id);

  constructor() {
    // Enter in the token's field sends nothing anywhere.
    find("operator").addEventListener("submit", (event) => event.preventDefault());
    find("token").addEventListener("input", () => this.#draw());
  }

  show(state) {
    this.#workers = state.workers ?? [];
    this.#now = state.time;
    this.#draw();
  }

  #draw() {
    this.#table.show(this.#workers, "No worker has registered yet.");
  }

  #fillAction(cell, { id, can_drain: canDrain }) {
    let button = cell.firstElementChild;
    if (!button) {
      button = element("button", { type: "button", "aria-label": `Drain ${id}` });
      button.addEventListener("click", () => this.#confirm(id));
      cell.append(button);
    }
    const isAsked = this.#asked.has(id);
    const isDead = !canDrain || isAsked || find("token").value === "";
    if (button.disabled !== isDead) button.disabled = isDead;
    setText(button, isAsked ? "Asking" : "Drain");
  }

  #confirm(id) {
    const dialog = find("drain");
    setText(find("drain-title"), `Drain ${id}?`);
    setText(
      find("drain-text"), `${id} hands its part of the run to the others and leaves. To have it back, start it again.`);
    dialog.returnValue = "";
    dialog.addEventListener("close", () => dialog.returnValue === "drain" && this.#drain(id), { once: true });
    dialog.showModal();
  }

  async #drain(id) {
    this.#asked.add(id);
    this.#draw();
    try {
      const answer = await fetch(`api/v1/workers/${encodeURIComponent(id)}/drain`, {
        method: "POST",
        headers: { authorization: `Bearer ${find("token").value.trim()}` },
        signal: AbortSignal.timeout(answerMilliseconds),
      });
      const text = said(await answer.text());
      if (!answer.ok) throw new Error(`${text || "refused"} (${answer.status})`);
      tell(text || `${id} is asked to leave.`, false);
    } catch (error) {
      tell(`${id} is not drained: ${error.message}`, true);
    } finally {
      this.#asked.delete(id);
      this.#draw();
    }
  }
}

/** What an answer says, with what to do about it, whether JSON or text. */
function said(text) {
  try {
    const { error, message } = JSON.parse(text);
    return [message, error?.message, error?.remedy].filter(Boolean).join(". ");
  } catch {
    return text.trim().slice(0, 300);
  }
}

function tell(text, isBad) {
  setNotice(find("drain-answer"), text, isBad);
}
