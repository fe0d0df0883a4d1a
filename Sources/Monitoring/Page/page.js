// Puts the coordinator's state on the page. Sections know nothing of each other.

import { Announcements } from "./announcements.js";
import { DeviceList } from "./list.js";
import { Devices } from "./devices.js";
import { find, setAttributes, setText } from "./dom.js";
import { Events } from "./events.js";
import { clock, word } from "./format.js";
import { Link } from "./link.js";
import { Pipeline } from "./pipeline.js";
import { Queue } from "./queue.js";
import { Run } from "./run.js";
import { Workers } from "./workers.js";

const announcements = new Announcements();
const sections = [
  new Run(), new Pipeline(), new Queue(), new Devices(), new DeviceList(), new Workers(), new Events(), announcements,
];

let newest = null;

/** Draws at most once a frame, and not at all while nobody can see it. */
function take(state) {
  const isScheduled = newest !== null;
  newest = state;
  if (!isScheduled) requestAnimationFrame(draw);
}

function draw() {
  const state = newest;
  newest = null;
  setText(find("version"), state.version ?? "");
  for (const section of sections) section.show(state);
}

function tell(link) {
  const seconds = (milliseconds) => Math.max(0, Math.ceil((milliseconds - Date.now()) / 1000));
  const since = link.since === null ? null : clock(link.since / 1000);
  const retry = link.retry === null ? "trying now" : `next try in ${seconds(link.retry)} s`;
  const texts = {
    opening: since === null ? "connecting" : "connecting again",
    live: `live, newest ${word(since)}`,
    polling: `no event stream, asked at ${word(since)}`,
    stale: since === null ? `no answer, ${retry}` : `stale since ${since}, ${retry}`,
  };
  setAttributes(document.body, { "data-link": link.kind });
  setText(find("link-text"), texts[link.kind]);
  announcements.follow(link.kind);
}

new Link(take, tell);
