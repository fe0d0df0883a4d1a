// Devices by class: those with the same cut.

import { element, find, reconcile, setText } from "./dom.js";
import { bytes, count, lapse } from "./format.js";
import { Table } from "./table.js";

export class Devices {
  #deepest = 1;
  #table = new Table("classes", "Devices by class", [
    { title: "Cut", kind: "words cut", fill: (cell, item) => this.#fillCut(cell, item) },
    { title: "Devices", kind: "number", text: (item) => count(item.count) },
    { title: "Lag, samples", kind: "number", text: (item) => count(item.lag_samples) },
    { title: "Pending", kind: "number", text: (item) => bytes(item.pending_bytes) },
    { title: "Settled", kind: "number", text: (item) => bytes(item.settled_bytes) },
    { title: "Redelivered", kind: "number", text: (item) => count(item.redelivered) },
    { title: "Unseen for", kind: "number", text: (item) => lapse(item.slowest_seen_seconds) },
  ], (item) => item.cut);

  show(state) {
    const devices = state.devices ?? {};
    this.#deepest = Math.max(1, ...(devices.classes ?? []).map((item) => item.cut ?? 0));
    this.#table.show(devices.classes ?? [], "No device has registered yet.");
    setText(find("devices-total"), devices.total === undefined ? "" : `${count(devices.total)} in all`);
    reconcile(
      find("devices-states"), Object.entries(devices.by_state ?? {}), ([name]) => name,
      ([name]) => element("li", { "data-state": name }),
      (item, [name, number]) => setText(item, `${count(number)} ${name}`));
  }

  /** How deep into the frozen ground the class goes, beside the number. */
  #fillCut(cell, { cut }) {
    if (!cell.firstElementChild) {
      const bar = element("span", { class: "depth", "aria-hidden": "true" }, element("span"));
      cell.append(element("span", { class: "depth-number" }), bar);
    }
    setText(cell.firstElementChild, count(cut));
    const width = `${(100 * (cut ?? 0)) / this.#deepest}%`;
    const fill = cell.lastElementChild.firstElementChild;
    if (fill.style.width !== width) fill.style.width = width;
  }
}
