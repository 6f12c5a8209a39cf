import { knownBy } from '../suites/outcomes.ts'

const of = (client: string, ...commands: string[]) => commands.map((command) => `${client} ${command}`)

export const knownOf = knownBy({
  'A shelved server is off its host at once, as with Nova’s own default (`shelved_offload_time`).': of(
    'nova',
    'shelve-offload',
  ),
  'It asks for a password on a terminal.': of('nova', 'set-password'),
  'The embedded cloud runs no guests, so there is nothing to count.': of('nova', 'diagnostics'),
  'No cloud shows screens by SPICE.': of('nova', 'get-spice-console'),
  'No cloud makes a server dump its memory.': of('nova', 'trigger-crash-dump'),
  'Deleted servers are not kept.': of('nova', 'restore'),
  'Clouds move machines between their hosts by themselves.': of(
    'nova',
    ...['migrate', 'live-migration', 'server-migration-show', 'live-migration-abort', 'evacuate'],
  ),
  'Services of Nova are zones of clouds, which are no processes: an operator disables a cloud.': of(
    'nova',
    ...['service-force-down', 'service-delete'],
  ),
  'Services of Cinder are zones of clouds, which are no processes and in no cluster: an operator disables a cloud.': of(
    'cinder',
    ...['service-disable', 'service-enable', 'service-get-log', 'service-set-log', 'cluster-show', 'cluster-enable'],
    ...['cluster-disable', 'freeze-host', 'thaw-host', 'failover-host', 'work-cleanup'],
  ),
  'A cloud is handed an image for the project of the first server that needs it.': of('nova', 'aggregate-cache-images'),
  'A disk stays of the type that it was made of.': of('cinder', 'retype'),
  'Records of backups are not given out or taken in: a backup is a snapshot of its cloud.': of(
    'cinder',
    ...['backup-export', 'backup-import'],
  ),
  'Snapshots are taken over by our mark alone.': of('cinder', ...['snapshot-manage', 'snapshot-delete']),
  'A cloud connects a disk to a server itself, and nobody else by a connector.': of(
    'cinder',
    ...['attachment-create', 'attachment-show', 'attachment-update', 'attachment-delete'],
  ),
  'No type of groups is the default, as with Cinder’s own.': of('cinder', 'group-type-default'),
  'Where data of an image lies is not shown and not said, and its one copy is not taken away.': of(
    'glance',
    ...['stores-delete', 'location-add', 'add-location', 'location-update', 'location-delete'],
  ),
  'There is no cache of images.': of('glance', 'cache-list', 'cache-nodes-list'),
})
