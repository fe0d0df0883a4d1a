// What waits in the activation store, and what went over the wire.

import { find, setAttributes, setText } from "./dom.js";
import { bytes, count, lapse } from "./format.js";

export class Queue {
  show(state) {
    const queue = state.queue ?? {};
    const wire = state.wire ?? {};
    setText(find("queue-messages"), count(queue.messages));
    setText(find("queue-bytes"), bytes(queue.bytes));
    setText(find("queue-capacity"), queue.capacity_bytes > 0 ? `of ${bytes(queue.capacity_bytes)}` : "");
    setText(find("queue-age"), lapse(queue.oldest_age_seconds));
    setText(find("queue-credits"), bytes(queue.credits_bytes));
    setText(find("wire-received"), bytes(wire.received_bytes));
    setText(find("wire-sent"), bytes(wire.sent_bytes));
    setText(find("queue-note"), queue.full === true ? "The store is full: devices wait" : "");
    setAttributes(find("queue-note"), { class: queue.full === true ? "aside bad" : "aside" });
    const codecs = Object.entries(wire.by_codec ?? {}).filter(([, amount]) => typeof amount === "number");
    codecs.sort(([a], [b]) => a < b ? -1 : 1);
    setText(find("wire-codecs"), codecs.map(([name, amount]) => `${name} ${bytes(amount)}`).join("\n"));
  }
}
