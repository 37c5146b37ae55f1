// How the jobs of a type are repeated, and how long an attempt may take. What is not set comes from the queue.
import { written } from '../../core/format.js';
import { POLICY, policyFacts, policyFields } from '../../parts/policy.js';
import { editSettings, settingsPanel } from '../../parts/settings.js';

const FIELDS = inherited => [
  ...policyFields(inherited),
  { name: 'timeout_seconds', label: 'Timeout', kind: 'seconds', placeholder: 'none', hint: 'An attempt that takes longer has failed.' },
];
const pick = row => Object.fromEntries([...POLICY, 'timeout_seconds'].map(name => [name, row?.[name] ?? null]));

export function policy({ type, state, reload }) {
  const part = settingsPanel({
    title: 'Retries and timeout', id: 'policy', note: 'Of jobs that say nothing else of their own. What is not set here comes from the queue.',
    edit: () => editSettings({
      id: 'edit-policy', title: `Retries of ${type}`, path: `types/${encodeURIComponent(type)}`, reload,
      lead: 'It holds for live jobs too. What is left empty is inherited.',
      fields: FIELDS(state().inherited), values: pick(state().row), said: `Settings of ${type} are changed`,
    }),
  });
  return {
    element: part.element,
    draw({ row, inherited }) {
      part.draw([
        ...policyFacts(pick(row), inherited),
        ['Timeout', row?.timeout_seconds == null ? 'none' : `${written(row.timeout_seconds)} an attempt`],
      ], JSON.stringify([pick(row), inherited]));
    },
  };
}
