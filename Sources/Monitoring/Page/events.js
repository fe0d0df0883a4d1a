// What happened, newest first.

import { setAttributes, setText } from "./dom.js";
import { clock, word } from "./format.js";
import { Table } from "./table.js";

const most = 50;

export class Events {
  #table = new Table("event-list", "Events, newest first", [
    { title: "Time", kind: "time", text: (event) => clock(event.time) },
    { title: "Level", kind: "words level", fill: fillLevel },
    { title: "From", text: (event) => word(event.source || event.role) },
    { title: "Event", kind: "words text", text: (event) => word(event.text) },
  ], (event) => event.key);

  show(state) {
    this.#table.show(keyed((state.events ?? []).slice(0, most)), "Nothing has happened yet.");
  }
}

function fillLevel(cell, event) {
  setText(cell, word(event.level));
  setAttributes(cell, { "data-level": event.level ?? null });
}

/** Events with keys that stay theirs while newer ones come: equal ones are numbered from the oldest on. */
function keyed(events) {
  const seen = new Map();
  return events.toReversed().map((event) => {
    const name = JSON.stringify([event.time, event.level, event.source, event.text]);
    const number = seen.get(name) ?? 0;
    seen.set(name, number + 1);
    return { ...event, key: `${name}${number}` };
  }).toReversed();
}
