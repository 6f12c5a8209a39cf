import { beforeEach, describe, expect, it } from 'vitest'
import { adapters } from '../../../adapters/registry.ts'
import { plantFaults, remembered } from '../../../adapters/sandbox/backdoor.ts'
import { sandbox } from '../../../adapters/sandbox/index.ts'
import { vsphere } from '../../../adapters/vsphere/index.ts'
import { createVolume, imageNamed } from '../../support/builders.ts'
import { type Plimsoll, startPlimsoll } from '../../support/harness.ts'

let plimsoll: Plimsoll
let base: string
const start = async (type = 'sandbox') => {
  plimsoll = await startPlimsoll({ clouds: [{ name: 'sandbox', type }] })
  base = `/volume/v3/${plimsoll.projectId('demo')}`
}
beforeEach(() => start())
const at = (who = 'demo') => plimsoll.as(who).with({ 'OpenStack-API-Version': 'volume 3.70' })
const volumeOf = async (id: string) => (await at().get(`${base}/volumes/${id}`)).body.volume
const backupOf = async (id: string) => (await at().get(`${base}/backups/${id}`)).body.backup
const act = (id: string, body: unknown, who = 'demo') => at(who).post(`${base}/volumes/${id}/action`, body)
const begun = async (kind: 'backup' | 'snapshot', volume_id: string): Promise<string> => {
  const { status, body } = await at().post(`${base}/${kind}s`, { [kind]: { volume_id } })
  expect([status, body]).toMatchObject([202, { [kind]: { id: expect.any(String) } }])
  return body[kind].id
}
const made = async (kind: 'backup' | 'snapshot', volume: string): Promise<string> => {
  const id = await begun(kind, volume)
  await plimsoll.settle()
  plimsoll.clock.advance(1_000)
  return id
}
const onCloud = async (kind: 'volume' | 'snapshot') =>
  (await remembered(plimsoll.host.cloudState, plimsoll.cloudId('sandbox'), kind)).filter(
    ({ goneAt }) => goneAt === null,
  )
const refusal = ({ status, body }: { status: number; body: { badRequest: { message: string } } }) => [
  status,
  body.badRequest?.message,
]
const COPYING = [400, expect.stringMatching(/^Invalid volume: A snapshot or a backup of it is being made/)]

describe('a volume of which a backup is being made', () => {
  it('is there until the backup is', async () => {
    const volume = await createVolume(plimsoll, at(), {})
    const backup = await begun('backup', volume)
    expect(refusal(await at().delete(`${base}/volumes/${volume}`))).toEqual(COPYING)
    expect(refusal(await at().delete(`${base}/volumes/${volume}?cascade=True`))).toEqual(COPYING)
    expect(refusal(await act(volume, { 'os-force_delete': {} }, 'admin'))).toEqual(COPYING)
    await plimsoll.settle()
    expect((await backupOf(backup)).status).toBe('available')
    expect((await at().delete(`${base}/volumes/${volume}`)).status).toBe(202)
    await plimsoll.settle()
    expect([(await onCloud('volume')).length, (await onCloud('snapshot')).length]).toEqual([0, 1])
  })

  it('goes as before where the backup is given up', async () => {
    const volume = await createVolume(plimsoll, at(), {})
    const backup = await begun('backup', volume)
    const given = await at('admin').post(`${base}/backups/${backup}/action`, { 'os-force_delete': null })
    expect(given.status).toBe(202)
    expect((await at().delete(`${base}/volumes/${volume}`)).status).toBe(202)
    await plimsoll.settle()
    expect([await onCloud('volume'), await onCloud('snapshot')]).toEqual([[], []])
  })

  it.each(['backup', 'snapshot'] as const)(
    'is not given away, nor written anew, before its %s is there',
    async (kind) => {
      const volume = await createVolume(plimsoll, at(), { size: 10 })
      const whole = await made('backup', await createVolume(plimsoll, at(), {}))
      await begun(kind, volume)
      const transfer = { volume_id: volume, no_snapshots: true }
      expect(refusal(await at().post(`${base}/volume-transfers`, { transfer }))).toEqual(COPYING)
      const restore = { volume_id: volume }
      expect(refusal(await at().post(`${base}/backups/${whole}/restore`, { restore }))).toEqual(COPYING)
      const image_id = await imageNamed(plimsoll.as('demo'))
      expect(refusal(await act(volume, { 'os-reimage': { image_id } }))).toEqual(COPYING)
      await plimsoll.settle()
      expect((await act(volume, { 'os-reimage': { image_id } })).status).toBe(202)
    },
  )

  it('stays when its server goes, with which it was to go', async () => {
    const nova = plimsoll.as('demo').with({ 'OpenStack-API-Version': 'compute 2.90' })
    const [imageRef, flavors] = [
      await imageNamed(plimsoll.as('demo')),
      (await nova.get('/compute/v2.1/flavors')).body.flavors,
    ]
    const volume = await createVolume(plimsoll, at(), {})
    const disk = { uuid: volume, source_type: 'volume', destination_type: 'volume', delete_on_termination: true }
    const { body } = await nova.post('/compute/v2.1/servers', {
      server: {
        ...{ name: 'db', imageRef, flavorRef: flavors[0].id, networks: 'none' },
        block_device_mapping_v2: [
          { uuid: imageRef, source_type: 'image', destination_type: 'local', boot_index: 0 },
          { ...disk, boot_index: -1 },
        ],
      },
    })
    await plimsoll.settle()
    expect([body, (await volumeOf(volume)).status]).toMatchObject([{ server: {} }, 'in-use'])
    const slow = { method: 'snapshot.create', fault: 'throttled', count: 8 } as const
    await plantFaults(plimsoll.host.cloudState, plimsoll.cloudId('sandbox'), [slow])
    const asked = await at().post(`${base}/backups`, { backup: { volume_id: volume, force: true } })
    expect((await nova.delete(`/compute/v2.1/servers/${body.server.id}`)).status).toBe(204)
    await plimsoll.settle()
    expect((await backupOf(asked.body.backup.id)).status).toBe('available')
    expect((await volumeOf(volume)).status).toBe('available')
  })
})

describe('a volume whose snapshots are parts of it', () => {
  it('is not written anew while it has any', async () => {
    const lacks = { ...sandbox.lacks, 'volume.backup': vsphere.lacks['volume.backup']! }
    adapters.keeping = async () => ({ ...sandbox, type: 'keeping', lacks })
    await start('keeping')
    const volume = await createVolume(plimsoll, at(), { size: 10 })
    const snapshot = await made('snapshot', volume)
    const image_id = await imageNamed(plimsoll.as('demo'))
    const kept = [
      400,
      expect.stringMatching(/has snapshots, and cannot be written anew: Snapshots are parts of their disk/),
    ]
    expect(refusal(await act(volume, { revert: { snapshot_id: snapshot } }))).toEqual(kept)
    expect(refusal(await act(volume, { 'os-reimage': { image_id } }))).toEqual(kept)
    await at().delete(`${base}/snapshots/${snapshot}`)
    await plimsoll.settle()
    expect((await act(volume, { 'os-reimage': { image_id } })).status).toBe(202)
  })
})
