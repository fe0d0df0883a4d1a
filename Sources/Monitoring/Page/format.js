// Numbers and times as people read them. What is not known is a dash.

export const unknown = "–";

const isKnown = (value) => typeof value === "number" && Number.isFinite(value);

/** A count with thin spaces between thousands: 12 480. */
export function count(value) {
  if (!isKnown(value)) return unknown;
  return String(Math.round(value)).replace(/\B(?=(\d{3})+$)/g, "\u202f");
}

export function decimal(value, digits) {
  return isKnown(value) ? value.toFixed(digits).replace("-", "−") : unknown;
}

export function percent(ratio, digits = 1) {
  return isKnown(ratio) ? `${(ratio * 100).toFixed(digits)} %` : unknown;
}

/** A rate of learning: 1.0e-3. */
export function exponent(value) {
  return isKnown(value) ? value.toExponential(1) : unknown;
}

/** Bytes with decimal units, as the command line prints them: 184 MB. */
export function bytes(value) {
  if (!isKnown(value)) return unknown;
  const units = ["B", "kB", "MB", "GB", "TB", "PB"];
  let unit = 0;
  while (Math.abs(value) >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  const digits = unit === 0 || value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
  return `${value.toFixed(digits)} ${units[unit]}`;
}

/** A stretch of time in its two largest units: 2 h 5 min. */
export function duration(seconds) {
  if (!isKnown(seconds)) return unknown;
  if (seconds > 0 && seconds < 0.9995) return `${(seconds * 1000).toFixed(seconds < 0.00995 ? 1 : 0)} ms`;
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  if (whole < 86400) return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
  return `${Math.floor(whole / 86400)} d ${Math.floor((whole % 86400) / 3600)} h`;
}

const two = (value) => String(value).padStart(2, "0");

/** The clock time of seconds since 1970: 14:03:27, with the date where it is another day than today. */
export function clock(seconds, now = new Date()) {
  if (!isKnown(seconds)) return unknown;
  const date = new Date(seconds * 1000);
  const time = `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
  if (date.toDateString() === now.toDateString()) return time;
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ${time}`;
}

/** A stretch of time of which nothing below a tenth of a second matters. */
export function lapse(seconds) {
  return isKnown(seconds) && seconds < 9.95 ? `${seconds.toFixed(1)} s` : duration(seconds);
}

/** How long ago something was, by the clock of whoever told of it. */
export function age(seconds, now) {
  return isKnown(seconds) && isKnown(now) ? lapse(Math.max(0, now - seconds)) : unknown;
}

export function word(value) {
  return value === undefined || value === null || value === "" ? unknown : String(value);
}
