// The link to the coordinator: server-sent events, and a fetched state where they fail or fall silent.

const stateAddress = "api/v1/state";
const eventsAddress = "api/v1/events";
const answerMilliseconds = 5000;
/** A stream without news for so long is opened anew. Heartbeats are comments, which no page sees. */
const silenceMilliseconds = 20000;
const shortestPause = 500;
const longestPause = 10000;

/**
 * Follows the coordinator's state through restarts and cut links.
 *
 * `onState` gets each state. `onLink` gets what is known of the link, once a second and when it changes:
 * `kind` is opening, live, polling (states are fetched because no event stream opens) or stale; `since` is when the
 * newest state came and `retry` when the next attempt is made, both in milliseconds since 1970.
 */
export class Link {
  #onState;
  #onLink;
  #stream = null;
  #kind = "opening";
  #since = null;
  #retry = null;
  #failures = 0;
  #pause = null;
  #isAsking = false;

  constructor(onState, onLink) {
    this.#onState = onState;
    this.#onLink = onLink;
    setInterval(() => this.#tick(), 1000);
    addEventListener("online", () => this.#hurry());
    document.addEventListener("visibilitychange", () => document.hidden || this.#hurry());
    this.#attempt();
  }

  /** Asks for the state, and opens the stream anew once there is an answer. */
  async #attempt() {
    if (this.#isAsking) return;
    this.#isAsking = true;
    clearTimeout(this.#pause);
    this.#retry = null;
    try {
      const answer = await fetch(stateAddress, { cache: "no-store", signal: AbortSignal.timeout(answerMilliseconds) });
      if (!answer.ok) throw new Error(`${stateAddress} answered ${answer.status}`);
      this.#take(await answer.json());
      if (this.#kind === "stale") this.#become("opening");
      this.#open();
    } catch {
      this.#fail("stale");
    } finally {
      this.#isAsking = false;
    }
  }

  #open() {
    this.#close();
    const stream = new EventSource(eventsAddress);
    this.#stream = stream;
    stream.addEventListener("open", () => this.#become("live"));
    stream.addEventListener("state", (event) => {
      this.#failures = 0;
      this.#take(JSON.parse(event.data));
      this.#become("live");
    });
    stream.addEventListener("error", () => {
      if (stream === this.#stream) this.#fail(this.#failures > 0 ? "polling" : "opening");
    });
  }

  #close() {
    this.#stream?.close();
    this.#stream = null;
  }

  #take(state) {
    this.#since = Date.now();
    this.#onState(state);
  }

  #fail(kind) {
    this.#close();
    clearTimeout(this.#pause);
    const pause = Math.min(longestPause, shortestPause * 2 ** this.#failures) * (0.8 + 0.4 * Math.random());
    this.#failures += 1;
    this.#retry = Date.now() + pause;
    this.#pause = setTimeout(() => this.#attempt(), pause);
    this.#become(kind);
  }

  #become(kind) {
    this.#kind = kind;
    this.#onLink({ kind, since: this.#since, retry: this.#retry });
  }

  #tick() {
    if (this.#stream && Date.now() - this.#since > silenceMilliseconds) this.#attempt();
    this.#become(this.#kind);
  }

  #hurry() {
    if (this.#retry !== null) this.#attempt();
  }
}
