import { knownBy } from '../suites/outcomes.ts'

const of = (client: string, ...commands: string[]) => commands.map((command) => `${client} ${command}`)

export const knownOf = knownBy({
  'The embedded cloud runs no guests: nobody logs in, and there is nothing to count.': of(
    'nova',
    ...['set-password', 'diagnostics'],
  ),
  'No cloud makes a server dump its memory.': of('nova', 'trigger-crash-dump'),
  'Clouds move machines between their hosts by themselves.': of('nova', 'migrate', 'live-migration'),
  'Services of Nova are zones of clouds, which are no processes: an operator disables a cloud.': of(
    'nova',
    ...['service-force-down', 'service-delete'],
  ),
  'A cloud is handed an image for the project of the first server that needs it.': of('nova', 'aggregate-cache-images'),
  'What a process logs, and how much, is its operator’s, and told to nobody by its API.': of(
    'cinder',
    ...['service-get-log', 'service-set-log'],
  ),
  'Records of backups are not given out: a backup is a snapshot of its cloud.': of('cinder', 'backup-export'),
  'A cloud connects a disk to a server itself, and nobody else by a connector.': of('cinder', 'attachment-update'),
  'Data of an image has no address of its own, and takes none.': of('glance', 'add-location'),
})
