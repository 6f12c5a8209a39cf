import { knownBy } from '../suites/outcomes.ts'

const of = (client: string, ...commands: string[]) => commands.map((command) => `${client} ${command}`)

/** What the services themselves refuse in an installation like this one: the list says each command once, whether it could succeed or not. */
const AS_THEY_COME = {
  'Nova refuses it, too: a shelved server is off its host at once by its default (`shelved_offload_time`), nothing deleted is kept (`reclaim_instance_interval`), and no migration goes on.':
    of('nova', 'shelve-offload', 'restore', 'server-migration-show', 'live-migration-abort'),
  'Cinder refuses it, too: no type of groups is the default, there is no cluster of that name, and the record to import is none.':
    of('cinder', 'group-type-default', 'cluster-show', 'cluster-enable', 'cluster-disable', 'backup-import'),
  'Glance refuses it, too: there is no such store, locations are not shown (`show_multiple_locations`), and there is no cache.':
    of(
      'glance',
      ...['stores-delete', 'location-add', 'location-update', 'location-delete', 'cache-list', 'cache-nodes-list'],
    ),
}

export const knownOf = knownBy(AS_THEY_COME, {
  'It asks for a password on a terminal.': of('nova', 'set-password'),
  'The embedded cloud runs no guests, so there is nothing to count.': of('nova', 'diagnostics'),
  'No cloud shows screens by SPICE.': of('nova', 'get-spice-console'),
  'No cloud makes a server dump its memory.': of('nova', 'trigger-crash-dump'),
  'Clouds move machines between their hosts by themselves.': of('nova', 'migrate', 'live-migration', 'evacuate'),
  'Services of Nova are zones of clouds, which are no processes: an operator disables a cloud.': of(
    'nova',
    ...['service-force-down', 'service-delete'],
  ),
  'A cloud is handed an image for the project of the first server that needs it.': of('nova', 'aggregate-cache-images'),
  'Services of Cinder are zones of clouds, which are no processes: an operator disables a cloud.': of(
    'cinder',
    ...['service-disable', 'service-enable', 'service-get-log', 'service-set-log', 'freeze-host', 'thaw-host'],
    ...['failover-host', 'work-cleanup'],
  ),
  'A disk stays of the type that it was made of.': of('cinder', 'retype'),
  'Records of backups are not given out: a backup is a snapshot of its cloud.': of('cinder', 'backup-export'),
  'Snapshots are taken over by our mark alone, so that one whose mark was taken off is not there to be deleted.': of(
    'cinder',
    ...['snapshot-manage', 'snapshot-delete'],
  ),
  'A cloud connects a disk to a server itself, and nobody else by a connector.': of(
    'cinder',
    ...['attachment-create', 'attachment-show', 'attachment-update', 'attachment-delete'],
  ),
  'Data of an image has no address of its own, and takes none.': of('glance', 'add-location'),
})
