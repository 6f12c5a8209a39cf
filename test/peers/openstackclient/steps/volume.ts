import { has } from '../../support/match.ts'
import { ask, gone, refused, type Step, tell, until } from '../story.ts'

const status = (value: string, name = 'v1') => until(`volume show ${name}`, { status: value })

/** Disks of their own: made, grown, plugged into vm1 and out again, copied. */
export const volume = (seen: (moment: string) => Step[]): Step[] => [
  ask('volume create --size 1 v1', { name: 'v1', size: 1, status: /creating|available/ }, { v1: 'id' }),
  status('available'),
  ...seen('volume made'),
  ask('volume list', has({ Name: 'v1', Size: 1 })),
  ask('volume show v1', { id: /^[0-9a-f-]{36}$/, size: 1, bootable: /false/i }),
  tell('volume set --description hold --property a=b v1'),
  ask('volume show v1', { description: 'hold', properties: { a: 'b' } }),
  tell('volume set --size 2 v1'),
  until('volume show v1', { status: 'available', size: 2 }),
  ...seen('volume grown'),
  refused('volume set --size 1 v1', /New size|greater|extend/i),

  ask('server add volume vm1 v1', { 'Volume ID': '{v1}' }),
  status('in-use'),
  ask('server volume list vm1', has({ 'Volume ID': '{v1}' })),
  ...seen('volume attached'),
  refused('volume delete v1', /status must be|Invalid volume/i),
  tell('server remove volume vm1 v1'),
  status('available'),
  ...seen('volume detached'),

  ask('volume snapshot create --volume v1 vs1', { name: 'vs1', size: 2 }, { vs1: 'id' }),
  until('volume snapshot show vs1', { status: 'available' }),
  ...seen('snapshot made'),
  ask('volume snapshot list', has({ Name: 'vs1', Size: 2 })),
  tell('volume snapshot set --description copy vs1'),
  ask('volume snapshot show vs1', { description: 'copy', volume_id: '{v1}' }),
  ask('volume create --snapshot vs1 --size 2 v2', { name: 'v2', snapshot_id: '{vs1}' }, { v2: 'id' }),
  status('available', 'v2'),
  tell('volume delete v2'),
  gone('volume show {v2}'),
  tell('volume snapshot delete vs1'),
  gone('volume snapshot show {vs1}'),
  tell('volume delete v1'),
  gone('volume show {v1}'),
  ask('volume list', []),
]
