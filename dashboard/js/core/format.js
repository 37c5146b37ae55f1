// Numbers, times and statuses as words. Pure: the clock is an argument, nothing touches the page.

const whole = new Intl.NumberFormat('en');
const short = new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 });
export const CAP = 10_000; // forge.stats() counts no further than this

// `over` says that the number was cut off at the cap: 10,000+.
export function count(number, over = false) {
  const value = Number(number);
  const text = value >= 10_000_000 ? short.format(value) : whole.format(value);
  return over ? `${text}+` : text;
}

// A live number of a row of the statistics; how far it was counted comes with it.
export const counted = (row, name) => count(row[name], row.capped && row[name] >= (row.counted_to ?? CAP));

export const capital = text => (text ? `${text[0].toUpperCase()}${text.slice(1)}` : '');

// The database speaks in clauses: "the queue a is paused". A reader gets a sentence.
export function sentence(clause) {
  const words = (clause ?? '').trim();
  return words && `${capital(words)}${/[.!?]$/.test(words) ? '' : '.'}`;
}

export const plural = (number, one, many = `${one}s`) => `${count(number)} ${number === 1 ? one : many}`;

export function rate(number, seconds) {
  const each = seconds > 0 ? number / seconds : 0;
  if (each === 0) return '0/s';
  return each < 10 ? `${each.toFixed(1)}/s` : `${whole.format(Math.round(each))}/s`;
}

const STEPS = [['d', 86_400], ['h', 3_600], ['min', 60]];

// The largest unit, and the next one while the first is small: 4 d, 2 h 5 min, 3 min 20 s, 12 s, 40 ms.
export function duration(milliseconds) {
  const seconds = Math.max(0, milliseconds / 1000);
  if (seconds < 1) return `${Math.floor(seconds * 1000)} ms`;
  for (const [index, [unit, size]] of STEPS.entries()) {
    if (seconds < size) continue;
    const first = Math.floor(seconds / size);
    const [nextUnit, nextSize] = STEPS[index + 1] ?? [];
    const second = nextUnit ? Math.floor((seconds % size) / nextSize) : 0;
    return first < 10 && second ? `${first} ${unit} ${second} ${nextUnit}` : `${first} ${unit}`;
  }
  return `${Math.floor(seconds)} s`;
}

const UNITS = { ms: 0.001, s: 1, sec: 1, second: 1, min: 60, m: 60, minute: 60, h: 3600, hour: 3600, d: 86_400, day: 86_400, w: 604_800, week: 604_800 };

// Seconds of a length as people write it: "90", "1.5 h", "2 min 30 s", "7 days". null: it is none.
export function seconds(text) {
  const parts = [...text.trim().matchAll(/(\d+(?:\.\d+)?)\s*([a-z]*)\s*/giy)];
  if (!parts.length || parts.map(part => part[0]).join('') !== text.trim()) return null;
  let sum = 0;
  for (const [, number, unit] of parts) {
    const name = unit.toLowerCase();
    const size = UNITS[name] ?? UNITS[name.replace(/s$/, '')];
    if (unit === '' ? parts.length > 1 : size === undefined) return null;
    sum += Number(number) * (size ?? 1);
  }
  return sum;
}

// The same the other way round, exactly: 5400 is "1 h 30 min".
export function written(length) {
  if (length < 1) return `${length * 1000} ms`;
  const words = [];
  let rest = length;
  for (const [unit, size] of STEPS) {
    const whole = Math.floor(rest / size);
    if (whole) words.push(`${whole} ${unit}`);
    rest -= whole * size;
  }
  if (rest > 0) words.push(`${Number(rest.toFixed(3))} s`);
  return words.join(' ') || '0 s';
}

const day = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', year: 'numeric' });
const MONTH = 30 * 86_400_000;

export function relative(when, now) {
  const distance = when - now;
  if (Math.abs(distance) > MONTH) return day.format(when);
  if (Math.abs(distance) < 1000) return 'now';
  return distance < 0 ? `${duration(-distance)} ago` : `in ${duration(distance)}`;
}

// How long something has lasted that still does; below a second there is nothing to read.
export const age = milliseconds => (milliseconds < 1000 ? '0 s' : duration(milliseconds));

const clock = new Intl.DateTimeFormat('en-GB', {
  day: 'numeric', month: 'short', year: 'numeric', hour: '2-digit', minute: '2-digit',
  second: '2-digit', fractionalSecondDigits: 3, timeZoneName: 'shortOffset',
});
export const exact = when => clock.format(when);
export const timeOfDay = when => when.toLocaleTimeString('en-GB');

const dayAndTime = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit' });
// The time of day within a day of now, and the date with it further away.
export const clockTime = (when, now) => (Math.abs(when - now) < 43_200_000 ? timeOfDay(when) : dayAndTime.format(when));

export function bytes(number) {
  if (number < 1024) return `${number} B`;
  if (number < 1024 * 1024) return `${(number / 1024).toFixed(1)} KB`;
  return `${(number / 1024 / 1024).toFixed(1)} MB`;
}

// A status as the page names and colours it. PENDING is three things to a reader: due, later, or backing off.
export function status(job, now) {
  const later = job.scheduled_at && new Date(job.scheduled_at) > now;
  switch (job.status) {
    case 'PENDING':
      if (!later) return { word: 'Ready', tone: 'ready' };
      return { word: job.attempts > 0 ? 'Retrying' : 'Scheduled', tone: 'quiet' };
    case 'PROCESSING':
      return { word: job.cancel_requested_at ? 'Cancelling' : 'Processing', tone: 'processing' };
    case 'COMPLETED': return { word: 'Completed', tone: 'completed' };
    case 'DEAD': return { word: 'Dead', tone: 'dead' };
    case 'CANCELLED': return { word: 'Cancelled', tone: 'quiet' };
    case 'WAITING': return { word: 'Waiting', tone: 'quiet' };
    default: return { word: String(job.status), tone: 'quiet' };
  }
}

// An error without the module of its class: "forge.errors.PermanentError: no such user" is long where there is little room.
export const brief = text => String(text ?? '').replace(/^(?:\w+\.)+(?=\w+:)/, '');

// First line of an error, for lists.
export const firstLine = text => String(text ?? '').trimStart().split('\n', 1)[0];
