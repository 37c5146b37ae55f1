// The rows of GET /stats/history as evenly spaced rates. Pure.
export const SERIES = ['enqueued', 'completed', 'failed'];

// One point a bucket, all queues together, empty buckets as zero, up to the newest bucket that is over: one that is
// still filling would look like a slump.
export function series({ items, bucket_seconds }, size, now) {
  const bucket = bucket_seconds * 1000;
  const offset = items.length ? Date.parse(items[0].at) % bucket : 0;
  const newest = Math.floor((now - offset) / bucket - 1) * bucket + offset;
  const points = Array.from({ length: size }, (_, index) => ({
    at: newest - (size - 1 - index) * bucket, enqueued: 0, completed: 0, failed: 0,
  }));
  for (const item of items) {
    const point = points[size - 1 - Math.round((newest - Date.parse(item.at)) / bucket)];
    if (point) for (const name of SERIES) point[name] += Number(item[name]) / bucket_seconds;
  }
  return points;
}

// The top of the scale: the next of 1, 2, 3, 4, 5, 6, 8, 10, 20 … so that it does not jump with every point.
export function ceiling(points) {
  const most = Math.max(0.1, ...points.flatMap(point => SERIES.map(name => point[name])));
  const power = 10 ** Math.floor(Math.log10(most));
  return [1, 2, 3, 4, 5, 6, 8, 10].map(step => step * power).find(step => step >= most * 0.999);
}
