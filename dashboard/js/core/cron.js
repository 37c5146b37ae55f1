// A cron expression in plain words: "every weekday at 09:00 in Europe/Berlin". Pure.
// It only reads: whether an expression is right, and when it comes next, is the API's to say (GET /next-runs).
const DAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];
const MONTHS = ['January', 'February', 'March', 'April', 'May', 'June', 'July', 'August', 'September', 'October', 'November', 'December'];
const MACROS = {
  '@hourly': '0 * * * *', '@daily': '0 0 * * *', '@midnight': '0 0 * * *', '@weekly': '0 0 * * 0',
  '@monthly': '0 0 1 * *', '@yearly': '0 0 1 1 *', '@annually': '0 0 1 1 *',
};
const UNITS = { s: 'second', sec: 'second', m: 'minute', min: 'minute', h: 'hour', hr: 'hour', d: 'day', w: 'week', mon: 'month', y: 'year', yr: 'year' };
const ORDINALS = ['', 'first', 'second', 'third', 'fourth', 'fifth'];

const list = words => (words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`);
const two = number => String(number).padStart(2, '0');

function nth(number) {
  if (number % 100 > 10 && number % 100 < 14) return `${number}th`;
  return `${number}${['th', 'st', 'nd', 'rd'][number % 10] ?? 'th'}`;
}

// "15 minutes", "90s", "1 h 30 min", "day"
function interval(text) {
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)?\s*([a-z]+)\s*/gy)];
  if (!parts.length || parts.map(part => part[0]).join('') !== text) return null;
  const words = parts.map(([, number = '1', name]) => {
    const unit = UNITS[name] ?? UNITS[name.replace(/s$/, '')] ?? name.replace(/s$/, '');
    if (!Object.values(UNITS).includes(unit)) return null;
    if (Number(number) === 1) return parts.length > 1 ? `1 ${unit}` : unit;
    return `${Number(number)} ${unit}s`;
  });
  return words.includes(null) ? null : `every ${words.join(' ')}`;
}

// One field: { any, step, values, items }. `items` keep ranges together, for the words; null where it cannot be read.
function field(text, low, high, names = [], special = () => null) {
  const number = word => {
    const index = names.findIndex(name => name.slice(0, 3).toLowerCase() === word);
    const value = index >= 0 ? index + (low === 0 ? 0 : 1) : /^\d+$/.test(word) ? Number(word) : NaN;
    return value >= low && value <= high ? value : null;
  };
  const found = { any: text === '*', star: text.startsWith('*'), step: null, values: [], items: [], special: [] };
  for (const item of text.split(',')) {
    const other = special(item, number);
    if (other) { found.special.push(other); continue; }
    const match = /^(?:(\*)|(\w+)(?:-(\w+))?)(?:\/(\d+))?$/.exec(item);
    if (!match) return null;
    const [, star, first, last, step] = match;
    const from = star ? low : number(first);
    const to = last ? number(last) : star || step ? high : from;
    if (from === null || to === null || to < from || step === '0') return null;
    if (star && step && text === item) found.step = Number(step);
    const values = [];
    for (let value = from; value <= to; value += Number(step ?? 1)) values.push(value);
    found.values.push(...values);
    if (!step && last && to > from) found.items.push([from, to]);
    else found.items.push(...values.map(value => [value, value]));
  }
  found.values = [...new Set(found.values)].sort((a, b) => a - b);
  if (found.step === 1) Object.assign(found, { any: true, step: null });
  return found;
}

const spans = (items, word) => list(items.map(([from, to]) => (from === to ? word(from) : `${word(from)} to ${word(to)}`)));
const hourSpan = items => spans(items.map(([from, to]) => [`${two(from)}:00`, `${two(to)}:59`]), word => word);

// { at: 'at 09:00' } names moments of a day; { every: 'every 5 minutes', within } goes on all day, or within hours.
function times(minute, hour) {
  const past = list(minute.values.map(String));
  const each = minute.any ? 'every minute' : minute.step && 60 % minute.step === 0 ? `every ${minute.step} minutes` : null;
  if (each) return { every: each, within: hour.any ? '' : hour.step ? `in every ${nth(hour.step)} hour` : `from ${hourSpan(hour.items)}` };
  if (hour.any) {
    if (past === '0') return { every: 'every hour', within: '' };
    if (minute.step) return { every: `every ${minute.step} minutes from each full hour`, within: '' };
    return { every: `at ${past} ${past === '1' ? 'minute' : 'minutes'} past every hour`, within: '' };
  }
  if (hour.step && 24 % hour.step === 0 && minute.values.length === 1) {
    return { every: `every ${hour.step} hours`, within: past === '0' ? '' : `at ${past} past` };
  }
  if (minute.values.length === 1 && hour.items.length === 1 && hour.values.length > 2) {
    const [[from, to]] = hour.items;
    return { every: 'every hour', within: `from ${two(from)}:${two(past)} to ${two(to)}:${two(past)}` };
  }
  const moments = hour.values.flatMap(h => minute.values.map(m => `${two(h)}:${two(m)}`));
  if (moments.length <= 6) return { at: `at ${list(moments)}` };
  return { every: `at ${past} minutes past the hour`, within: `from ${hourSpan(hour.items)}` };
}

function monthDays(day, of) {
  const special = day.special.map(word => `last ${word}`);
  if (day.step) return `on every ${nth(day.step)} day ${of}`;
  const days = day.items.length ? [spans(day.items, nth)] : [];
  return `on the ${list([...days, ...special])} ${of}`;
}

function weekDays(weekday, of, many) {
  const days = [...new Set(weekday.values.map(value => value % 7))].sort((a, b) => (a || 7) - (b || 7));
  const special = weekday.special.map(({ day, which }) => `the ${which} ${DAYS[day % 7]} ${of}`);
  const plain = days.join() === '1,2,3,4,5' ? (many ? 'weekdays' : 'weekday')
    : days.length ? list(days.map(day => (many ? `${DAYS[day]}s` : DAYS[day]))) : null;
  if (special.length) return `on ${list([plain && (many ? plain : `every ${plain}`), ...special].filter(Boolean))}`;
  return many ? `on ${plain}` : `every ${plain}`;
}

// The words of an expression without its zone, and whether the zone matters to it; null where it cannot be read.
function read(cron) {
  const text = String(cron).trim().replace(/\s+/g, ' ').toLowerCase();
  const every = /^@?every (.+)$/.exec(text);
  if (every) {
    const words = interval(every[1]);
    return words && { words, zoned: false };
  }
  const parts = (MACROS[text] ?? text).split(' ');
  if (parts.length !== 5) return null;
  const [minute, hour] = [field(parts[0], 0, 59), field(parts[1], 0, 23)];
  const day = field(parts[2], 1, 31, [], item => ({ l: 'day', lw: 'weekday' }[item] ?? null));
  const month = field(parts[3], 1, 12, MONTHS);
  const weekday = field(parts[4], 0, 7, DAYS, (item, number) => {
    const [, last, name, which] = /^(?:(\d)l|(\w+)#([1-5]))$/.exec(item) ?? [];
    const value = number(last ?? name ?? '');
    return value === null ? null : { day: value, which: last ? 'last' : ORDINALS[which] };
  });
  if (!minute || !hour || !day || !month || !weekday) return null;

  const months = month.any ? '' : month.step ? `every ${nth(month.step)} month` : spans(month.items, value => MONTHS[value - 1]);
  const of = months ? `of ${months}` : 'of every month';
  const { at, every: often, within } = times(minute, hour);
  const byDay = !day.any && monthDays(day, of);
  const byWeek = !weekday.any && weekDays(weekday, of, Boolean(often) || Boolean(byDay));
  // Cron takes either of the two, unless one of them begins with a star.
  const both = byDay && byWeek && (day.star || weekday.star
    ? `${byDay} that is a ${list(weekday.values.map(value => DAYS[value % 7]))}` : `${byDay} and ${byWeek}`);
  const days = both || byDay || byWeek || (at ? 'every day' : '');
  const inMonths = months && !byDay && !weekday.special.length
    ? `${/ to /.test(months) ? 'from' : 'in'} ${months}` : '';
  const words = at ? [days, inMonths, at] : [often, within, days, inMonths];
  return { words: words.filter(Boolean).join(' '), zoned: Boolean(at || days || within || inMonths) };
}

// "every weekday at 09:00 in Europe/Berlin"; the expression itself where it cannot be read.
export function words(cron, zone = '') {
  const found = read(cron);
  if (!found) return String(cron);
  if (!zone || !found.zoned) return found.words;
  return `${found.words} ${zone === 'UTC' ? 'UTC' : `in ${zone}`}`;
}

export const isRead = cron => read(cron) !== null;
