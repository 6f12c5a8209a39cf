import { sql } from 'drizzle-orm'
import { beforeEach, describe, expect, it } from 'vitest'
import type { Cloud, Json, Mark, VolumeSpec } from '../../../adapters/contract.ts'
import { CloudError } from '../../../adapters/errors.ts'
import { adapters } from '../../../adapters/registry.ts'
import { plantFaults, remembered } from '../../../adapters/sandbox/backdoor.ts'
import type { Fault } from '../../../adapters/sandbox/faults.ts'
import { sandbox } from '../../../adapters/sandbox/index.ts'
import { vsphere } from '../../../adapters/vsphere/index.ts'
import { volumeById } from '../../../db/queries/block-storage/volumes.ts'
import type { Rewrite } from '../../../db/schema/index.ts'
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
const onCloud = async <K extends 'volume' | 'snapshot'>(kind: K) =>
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

describe('a volume that is written anew', () => {
  const fault = (method: string, kind: Fault, more = {}) =>
    plantFaults(plimsoll.host.cloudState, plimsoll.cloudId('sandbox'), [
      { method, fault: kind, message: 'No.', ...more },
    ])
  const reimaged = async () => {
    const volume = await createVolume(plimsoll, at(), { size: 10 })
    const image_id = await imageNamed(plimsoll.as('demo'))
    expect((await act(volume, { 'os-reimage': { image_id } })).status).toBe(202)
    return { volume, image_id }
  }
  /** Until its cloud has been asked for the other object, and that says so. */
  const until = async (volume: string, how: (rewrite: Rewrite) => unknown) => {
    for (let round = 0; round < 40; round++) {
      const { rewrite } = (await volumeById(plimsoll.db, volume))!.volume
      if (rewrite && how(rewrite)) return
      await plimsoll.settle({ rounds: 1 }).catch(() => undefined)
    }
    throw new Error('it never came so far')
  }

  it('says what it is made of once it is, and not before', async () => {
    const { volume, image_id } = await reimaged()
    expect(await volumeOf(volume)).toMatchObject({ status: 'downloading', bootable: 'false' })
    expect((await volumeOf(volume)).volume_image_metadata).toBeUndefined()
    await plimsoll.settle()
    expect(await volumeOf(volume)).toMatchObject({
      ...{ status: 'available', bootable: 'true', volume_image_metadata: { image_id } },
    })
  })

  it('says what it said where that comes to nothing', async () => {
    await fault('volume.create', 'definitive', { after: 1 })
    const { volume } = await reimaged()
    await plimsoll.settle()
    expect(await volumeOf(volume)).toMatchObject({ status: 'error', bootable: 'false' })
    expect((await volumeOf(volume)).volume_image_metadata).toBeUndefined()
  })

  it('is done where its cloud refuses to remove what was there before, and that is told of', async () => {
    await fault('volume.remove', 'definitive')
    const { volume } = await reimaged()
    await plimsoll.settle()
    expect((await volumeOf(volume)).status).toBe('available')
    expect(await onCloud('volume')).toHaveLength(2)
    const entries = await plimsoll.db.all<{ detail: string }>(
      sql`select detail from journal where action = 'leave' and resource_id = ${volume}`,
    )
    const [old] = (await onCloud('volume')).filter(({ spec }) => spec.source === null)
    expect(entries.map(({ detail }) => JSON.parse(detail))).toEqual([{ native_id: old!.id, reason: 'No.' }])
  })

  it.each([
    ['nothing of it is there yet', () => true],
    ['the fresh object is there', ({ fresh }: Rewrite) => fresh],
    ['the old object is to go', ({ old }: Rewrite) => old],
  ])('leaves nothing when it is deleted by force while %s', async (_, far) => {
    if (_.includes('old')) await fault('volume.remove', 'throttled', { count: 3 })
    const { volume } = await reimaged()
    await until(volume, far)
    expect((await act(volume, { 'os-force_delete': {} }, 'admin')).status).toBe(202)
    await plimsoll.settle()
    expect([await onCloud('volume'), await volumeOf(volume)]).toEqual([[], undefined])
  })

  describe('by a copy that takes its time', () => {
    /** Copies go on whether anybody asks after them or not. */
    const copies = { last: null as (() => Promise<unknown>) | null, over: false }
    const end = async () => {
      copies.over = true
      await copies.last!()
    }
    const copying: typeof sandbox = {
      ...sandbox,
      type: 'copying',
      connect(connection, surroundings) {
        const { volume, ...more } = sandbox.connect(connection, surroundings)
        const make = async (wish: Json) => {
          const { spec, mark } = wish as unknown as { spec: VolumeSpec; mark: Mark }
          const copy = () => volume!.create(spec, mark)
          if (!spec.source || copies.over) return copy()
          copies.last = copy
          return { task: wish }
        }
        const create = (spec: VolumeSpec, mark: Mark) => make({ spec, mark } as unknown as Json)
        return { ...more, volume: { ...volume!, create, poll: make } }
      },
    }
    beforeEach(() => {
      copies.over = false
      adapters.copying = async () => copying
      return start('copying')
    })

    it('leaves nothing when it is deleted by force, however long that takes', async () => {
      const { volume } = await reimaged()
      await until(volume, ({ task }) => task)
      expect((await act(volume, { 'os-force_delete': {} }, 'admin')).status).toBe(202)
      plimsoll.clock.advance(600_000)
      await plimsoll.settle({ rounds: 3 }).catch(() => undefined)
      await end()
      await plimsoll.settle()
      expect([await onCloud('volume'), await volumeOf(volume)]).toEqual([[], undefined])
    })

    it('is done though its source goes meanwhile', async () => {
      const volume = await createVolume(plimsoll, at(), { size: 10 })
      const snapshot = await made('snapshot', volume)
      expect((await act(volume, { revert: { snapshot_id: snapshot } })).status).toBe(202)
      await until(volume, ({ task }) => task)
      await plimsoll.db.run(sql`update bindings set phase = 'deleting' where resource_id = ${snapshot}`)
      await plimsoll.settle({ rounds: 3 }).catch(() => undefined)
      await end()
      await plimsoll.settle()
      expect([(await onCloud('volume')).length, (await volumeOf(volume)).status]).toEqual([1, 'available'])
    })
  })

  it.each([
    ['once where its cloud would not know a repeated call', 'none', 1],
    ['again in the same words where its cloud knows a repeated call', 'token', 2],
  ] as const)('is asked for %s, and shows late what the first one made', async (_, once, calls) => {
    const called: { spec: VolumeSpec; at: number }[] = []
    const type = `knowing_${once}`
    adapters[type] = async () => ({
      ...sandbox,
      type,
      connect(connection, surroundings) {
        const { volume, ...more } = sandbox.connect(connection, surroundings)
        const settleMs = 60_000
        const realm: NonNullable<Cloud['volume']> = {
          ...volume!,
          ...{ once, settleMs },
          async create(spec, mark) {
            const made = await volume!.create(spec, mark)
            if (!spec.source) return made
            called.push({ spec, at: plimsoll.clock.now })
            if (called.length > 1) return made
            await at().put(`${base}/volumes/${mark.resource}`, { volume: { name: 'other' } })
            throw new CloudError('ambiguous', 'Nobody answered.')
          },
          find: async (mark, spec) =>
            called.some(({ at: then }) => plimsoll.clock.now < then + settleMs) ? null : volume!.find(mark, spec),
        }
        return { ...more, volume: realm }
      },
    })
    await start(type)
    const { volume } = await reimaged()
    await plimsoll.settle()
    expect([called.map(({ spec }) => spec.name), (await volumeOf(volume)).status]).toEqual([
      Array(calls).fill(volume),
      'available',
    ])
  })

  it('is not handed back meanwhile', async () => {
    const { volume } = await reimaged()
    await until(volume, ({ fresh }) => fresh)
    plimsoll.clock.advance(120_000)
    expect(refusal(await act(volume, { 'os-unmanage': {} }, 'admin'))).toEqual([
      400,
      'Invalid volume: Something is under way with it, or with a part of it.',
    ])
    await plimsoll.settle()
    expect((await act(volume, { 'os-unmanage': {} }, 'admin')).status).toBe(202)
    expect(await onCloud('volume')).toHaveLength(1)
  })

  it('is one that was made', async () => {
    await fault('volume.create', 'definitive', { count: 1 })
    const volume = await createVolume(plimsoll, at(), { size: 10 })
    expect((await volumeOf(volume)).status).toBe('error')
    const image_id = await imageNamed(plimsoll.as('demo'))
    expect(refusal(await act(volume, { 'os-reimage': { image_id } }))).toEqual([
      400,
      'Invalid volume: It was never made: there is nothing to write over.',
    ])
    expect((await at().delete(`${base}/volumes/${volume}`)).status).toBe(202)
  })

  it('is not said to be anything else meanwhile', async () => {
    const { volume } = await reimaged()
    const reset = () => act(volume, { 'os-reset_status': { status: 'available' } }, 'admin')
    expect(refusal(await reset())).toEqual([400, expect.stringMatching(/^Invalid volume: It is being written anew/)])
    await plimsoll.settle()
    expect((await reset()).status).toBe(202)
  })
})

describe('a backup', () => {
  const restored = (id: string, restore = {}) => at().post(`${base}/backups/${id}/restore`, { restore })

  it('is restored by one request at a time', async () => {
    const id = await made('backup', await createVolume(plimsoll, at(), {}))
    const target = await createVolume(plimsoll, at(), {})
    const answers = await Promise.all([restored(id), restored(id), restored(id, { volume_id: target })])
    expect(answers.map(({ status }) => status).toSorted()).toEqual([202, 400, 400])
    await plimsoll.settle()
    expect((await backupOf(id)).status).toBe('available')
  })

  it('rests when the volume goes that was to be made of it', async () => {
    const id = await made('backup', await createVolume(plimsoll, at(), {}))
    const { volume_id } = (await restored(id)).body.restore
    expect((await act(volume_id, { 'os-force_delete': {} }, 'admin')).status).toBe(202)
    expect((await backupOf(id)).status).toBe('available')
    const target = await createVolume(plimsoll, at(), {})
    expect((await restored(id, { volume_id: target })).status).toBe(202)
    expect((await act(target, { 'os-force_delete': {} }, 'admin')).status).toBe(202)
    await plimsoll.settle()
    expect((await backupOf(id)).status).toBe('available')
  })

  it("builds on none of another project's", async () => {
    await plimsoll.newProject('other', { clouds: ['sandbox'] })
    const theirs = `/volume/v3/${plimsoll.projectId('other')}`
    const volume = await createVolume(plimsoll, at(), {})
    const backup = await made('backup', volume)
    const { transfer } = (await at().post(`${base}/volume-transfers`, { transfer: { volume_id: volume } })).body
    const accept = { auth_key: transfer.auth_key }
    const taken = await at('other').post(`${theirs}/volume-transfers/${transfer.id}/accept`, { accept })
    expect(taken.status).toBe(202)
    await plimsoll.settle()
    const asked = { backup: { volume_id: volume, incremental: true } }
    expect(refusal(await at('other').post(`${theirs}/backups`, asked))).toEqual([
      400,
      'Invalid backup: No backups available to do an incremental backup.',
    ])
    expect((await at().delete(`${base}/backups/${backup}`)).status).toBe(202)
  })
})
