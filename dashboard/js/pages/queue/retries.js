// How the failed jobs of a queue are repeated.
import { POLICY, policyFacts, policyFields } from '../../parts/policy.js';
import { editSettings, settingsPanel } from '../../parts/settings.js';
import { pathOf } from './pause.js';

const pick = row => Object.fromEntries(POLICY.map(name => [name, row?.[name] ?? null]));

export function retries({ queue, state, reload }) {
  const part = settingsPanel({
    title: 'Retries', id: 'retries', name: 'retry policy', note: 'Of jobs that say nothing else of their own; a type’s settings go first.',
    edit: () => editSettings({
      id: 'edit-retries', title: `Retries of ${queue}`, path: pathOf(queue), reload,
      lead: 'It holds for live jobs too. What is left empty is inherited.',
      fields: policyFields(state().common), values: pick(state().settings), said: `Retries of ${queue} are changed`,
    }),
  });
  return {
    element: part.element,
    draw: ({ settings, common }) => part.draw(policyFacts(pick(settings), common), JSON.stringify([pick(settings), common])),
  };
}
