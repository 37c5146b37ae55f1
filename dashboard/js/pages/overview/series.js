// Rows of GET /stats/history and /stats/latency as evenly spaced points. Pure.
export const FLOW = ['enqueued', 'completed', 'failed'];

// One point a bucket up to the newest bucket that is over: one that is still filling would look like a slump. `fill(point,
// row)` puts a row into its point; `blank` is what a point without rows says.
export function series({ items, bucket_seconds }, size, now, blank, fill) {
  const bucket = bucket_seconds * 1000;
  const offset = items.length ? Date.parse(items[0].at) % bucket : 0;
  const newest = Math.floor((now - offset) / bucket - 1) * bucket + offset;
  const points = Array.from({ length: size }, (_, index) => ({ at: newest - (size - 1 - index) * bucket, ...blank }));
  for (const item of items) {
    const point = points[size - 1 - Math.round((newest - Date.parse(item.at)) / bucket)];
    if (point) fill(point, item, bucket_seconds);
  }
  return points;
}

// Jobs a second; an empty bucket is zero.
export const flow = (history, size, now) => series(history, size, now, { enqueued: 0, completed: 0, failed: 0 },
  (point, row, bucket) => { for (const name of FLOW) point[name] += Number(row[name] ?? 0) / bucket; });

// Milliseconds of `what` (wait or run); an empty bucket is unknown.
export const latency = (history, size, now, what) => series(history, size, now, { p50: null, p95: null, p99: null },
  (point, row) => {
    for (const name of ['p50', 'p95', 'p99']) {
      const seconds = row[`${what}_${name}_seconds`];
      point[name] = seconds === null || seconds === undefined ? null : Number(seconds) * 1000;
    }
  });
