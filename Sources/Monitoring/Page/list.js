// Devices one by one, a page at a time, as the coordinator keeps them.

import { element, find, reconcile, setNotice, setText } from "./dom.js";
import { age, bytes, count, word } from "./format.js";
import { Table } from "./table.js";

const limit = 50;
const refreshMilliseconds = 5000;
const answerMilliseconds = 10000;

export class DeviceList {
  #offset = 0;
  #total = 0;
  #now;
  #hasState = false;
  #loaded = -Infinity;
  #loading = null;
  #table = new Table("list", "Devices one by one", [
    { title: "Device", text: (item) => word(item.id) },
    { title: "State", text: (item) => word(item.state) },
    { title: "Cut", kind: "number", text: (item) => count(item.cut) },
    { title: "Lag, samples", kind: "number", text: (item) => count(item.lag_samples) },
    { title: "Pending", kind: "number", text: (item) => bytes(item.pending_bytes) },
    { title: "Settled", kind: "number", text: (item) => bytes(item.settled_bytes) },
    { title: "Redelivered", kind: "number", text: (item) => count(item.redelivered) },
    { title: "Seen", kind: "number", text: (item) => age(item.seen, this.#now) },
  ], (item) => item.id);

  constructor() {
    find("list-filter").addEventListener("submit", (event) => event.preventDefault());
    for (const id of ["list-state", "list-class"]) find(id).addEventListener("change", () => this.#go(0));
    find("list-previous").addEventListener("click", () => this.#go(this.#offset - limit));
    find("list-next").addEventListener("click", () => this.#go(this.#offset + limit));
    new IntersectionObserver(() => this.#refresh()).observe(find("list-filter").parentElement);
  }

  show(state) {
    this.#now = state.time;
    this.#hasState = true;
    const devices = state.devices ?? {};
    offer(find("list-state"), Object.keys(devices.by_state ?? {}).map((name) => [name, name]));
    offer(find("list-class"), (devices.classes ?? []).map(({ cut }) => [String(cut), `cut ${cut}`]));
    this.#refresh();
  }

  /** Loads the page again when somebody can see it and it is old. */
  #refresh() {
    if (!this.#hasState || this.#loading || performance.now() - this.#loaded < refreshMilliseconds) return;
    const { top, bottom } = find("list-filter").parentElement.getBoundingClientRect();
    if (top < innerHeight && bottom > 0) this.#load();
  }

  #go(offset) {
    this.#offset = Math.max(0, offset);
    this.#load();
  }

  async #load() {
    this.#loading?.abort();
    const loading = new AbortController();
    this.#loading = loading;
    const query = new URLSearchParams({ offset: this.#offset, limit });
    if (find("list-state").value) query.set("state", find("list-state").value);
    if (find("list-class").value) query.set("class", find("list-class").value);
    try {
      const signal = AbortSignal.any([loading.signal, AbortSignal.timeout(answerMilliseconds)]);
      const answer = await fetch(`api/v1/devices?${query}`, { cache: "no-store", signal });
      if (!answer.ok) throw new Error(`the coordinator answered ${answer.status}`);
      this.#take(await answer.json());
    } catch (error) {
      if (loading.signal.aborted) return;
      setNotice(find("list-error"), `The list could not be read: ${error.message}. It is tried again.`);
    }
    this.#loaded = performance.now();
    if (this.#loading === loading) this.#loading = null;
  }

  #take(page) {
    setNotice(find("list-error"), null);
    const devices = page.devices ?? [];
    this.#total = page.total ?? devices.length;
    if (devices.length === 0 && this.#offset > 0 && this.#total > 0) {
      return this.#go(Math.floor((this.#total - 1) / limit) * limit);
    }
    this.#table.show(devices, "No device is like that.");
    const last = this.#offset + devices.length;
    setText(find("list-range"), this.#total === 0
      ? "none" : `${count(this.#offset + 1)}–${count(last)} of ${count(this.#total)}`);
    find("list-previous").disabled = this.#offset === 0;
    find("list-next").disabled = last >= this.#total;
  }
}

/** Offers what there is to choose from, and keeps what is chosen even where it is gone. */
function offer(select, choices) {
  const chosen = select.value;
  if (chosen && !choices.some(([value]) => value === chosen)) {
    choices = [...choices, [chosen, select.selectedOptions[0].textContent]];
  }
  reconcile(
    select, [["", "all"], ...choices], ([value]) => value, ([value]) => element("option", { value }),
    (option, [, text]) => setText(option, text));
}
