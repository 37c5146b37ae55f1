// What went through a queue in the last hour, as columns of a minute, and the sum of it in words.
import { el, setText } from '../../core/dom.js';
import { count, plural } from '../../core/format.js';
import { source } from '../../core/source.js';
import { panel } from '../../parts/controls.js';
import { spark } from '../../parts/spark.js';

const SPAN = { since_seconds: 3600, bucket_seconds: 60 };
const sum = (points, name) => points.reduce((all, point) => all + Number(point[name]), 0);

export function throughput({ queue, scope }) {
  const columns = spark();
  const words = el('p.soft.num.said');
  const history = source(scope, {
    wanted: () => ({ path: 'stats/history', query: { queue, ...SPAN } }), every: 20_000,
    render() {
      const points = history.value()?.items;
      if (!points) return;
      const said = `${count(sum(points, 'completed'))} completed, ${plural(sum(points, 'failed'), 'failed attempt')}`;
      setText(words, said);
      columns.draw(points, `In the last hour: ${said}`);
    },
  });
  return panel({ title: 'Last hour', actions: words }, el('div.panel-body', {},
    columns.element, el('p.spark-scale', { 'aria-hidden': 'true' }, el('span', {}, '1 h ago'), el('span', {}, 'now'))));
}
