// The audit trail as a table, for owners: who did what, what it was before and after, and who signed in or tried to.
import { h } from './dom.js';
import { count, dateTime } from './format.js';
import { t } from './i18n.js';

const values = (label, row) => row && [h('dt', { text: t(label) }), Object.entries(row).map(([name, value]) => h('dd', {},
  h('code', { text: `${name}: ${typeof value === 'string' ? value : JSON.stringify(value)}` })))];

function details(row) {
  if (!row.before && !row.after) return '–';
  return h('details', {}, h('summary', { text: t('admin.col_audit_details') }),
    h('dl', { class: 'stack' }, values('admin.audit_before', row.before), values('admin.audit_after', row.after)));
}

export const auditTable = {
  path: 'audit', search: 'admin.search_audit', label: 'admin.tab_audit',
  columns: [
    ['audit_time', (row) => h('div', { class: 'stack' }, h('span', { class: 'nowrap', text: dateTime(row.time) }),
      row.times > 1 && h('span', { class: 'field-hint', text: t('admin.audit_times', { count: count(row.times), time: dateTime(row.last_time) }) }))],
    ['audit_who', (row) => (row.admin_id ? `${row.admin_name} #${row.admin_id}` : row.admin_name)],
    ['audit_action', (row) => h('span', { class: 'mono', text: row.action })],
    ['audit_what', (row) => h('span', { class: 'mono', text: `${row.entity}/${row.entity_id}` })],
    ['audit_details', details],
  ],
};
