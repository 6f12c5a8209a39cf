import { describe, expect, it } from 'vitest'
import type {
  Mark,
  Outcome,
  Realm,
  Seen,
  SnapshotSeen,
  SnapshotSpec,
  VolumeSeen,
  VolumeSpec,
} from '../../../adapters/contract.ts'
import { isTask } from '../../../adapters/contract.ts'
import { libvirt } from '../../../adapters/libvirt/index.ts'
import { type Agent, NAMESPACE, writeNote } from '../../../adapters/libvirt/marks.ts'
import { estate, IDS } from './estate.ts'
import { connection, surroundings } from './scripted.ts'

const markOf = (kind: Mark['kind'], turn: number): Mark => ({
  deployment: '5e0e2f0e-6f5b-4f2e-9d6c-3f7f9b8a1c11',
  project: '0123456789abcdef0123456789abcdef',
  kind,
  resource: `ffffffff-ffff-4fff-bfff-00000000000${turn}`,
  token: `3f8a5a3c-0001-4a4b-8c8d-00000000000${turn}`,
  epoch: 29_900_000,
})
const spec: VolumeSpec = { name: 'data', sizeGiB: 3, zone: 'kvm1', type: null, source: null }
const mark = markOf('snapshot', 1)

const connected = async (timeoutMs = 5_000) => {
  const host = estate()
  host.store.type = 'dir'
  const around = { ...surroundings(async () => host.line()), sleep: () => new Promise<void>(() => {}), timeoutMs }
  const cloud = libvirt.connect(connection({ deployment: mark.deployment }), around)
  const volume = (await cloud.volume!.create(spec, markOf('volume', 0))) as VolumeSeen
  host.done.length = 0
  return { host, cloud, volume, snapshot: cloud.snapshot!, wish: { name: 's', description: '', volume: volume.id } }
}

const polled = async (realm: Realm<SnapshotSpec, SnapshotSeen>, outcome: Outcome<SnapshotSeen>) =>
  isTask(outcome) ? realm.poll!(outcome.task) : expect.fail('it is there already')

it('a snapshot is a whole copy, once for a token, of which volumes are made, and it goes', async () => {
  const { host, cloud, volume, snapshot, wish } = await connected()
  expect(await snapshot.find(mark, wish)).toBeNull()
  const made = (await snapshot.create(wish, mark)) as Seen
  expect(made).toMatchObject({ mark, health: 'ready', sizeGiB: 3 })
  expect(await snapshot.create(wish, mark)).toEqual(made)
  expect(await snapshot.find(mark, wish)).toEqual(made)
  expect((await snapshot.list()).items).toEqual([made])
  expect((await cloud.volume!.list()).items.map(({ id }) => id)).not.toContain(made.id)
  const source = { kind: 'snapshot' as const, id: made.id }
  const grown = await cloud.volume!.create({ ...spec, sizeGiB: 5, source }, markOf('volume', 2))
  expect(grown).toMatchObject({ sizeGiB: 5, health: 'ready' })
  const clone = { ...spec, source: { kind: 'volume' as const, id: volume.id } }
  expect(await cloud.volume!.create(clone, markOf('volume', 3))).toMatchObject({ sizeGiB: 3, health: 'ready' })
  for (const wrong of [
    { ...clone, sizeGiB: 1 },
    { ...clone, zone: 'kvm9' },
  ])
    await expect(cloud.volume!.create(wrong, markOf('volume', 4))).rejects.toMatchObject({ code: 'definitive' })
  await snapshot.remove(made.id, mark)
  await snapshot.remove(made.id, mark)
  expect(await snapshot.get(made.id)).toBeNull()
  expect(host.volumes.filter(({ name }) => name.endsWith('.making'))).toEqual([])
})

it('a copy of which not all is there is nobody’s, and no second one is begun while its host goes on', async () => {
  const { host, snapshot, wish } = await connected()
  host.copying.interrupted = true
  host.copying.goesOn = true
  const first = await snapshot.create(wish, mark)
  expect(await snapshot.find(mark, wish)).toBeNull()
  expect((await snapshot.list()).items).toMatchObject([{ mark, health: 'pending' }])
  const second = await polled(snapshot, first)
  expect(host.done.filter((call) => call.includes('FROM'))).toHaveLength(1)
  expect(isTask(second)).toBe(true)
})

it('the data of a disk that a guest writes to are copied by its machine, whole before that ends', async () => {
  const { host, cloud, volume, snapshot, wish } = await connected()
  await cloud.server.mark!(IDS.web, markOf('server', 5))
  const plug = { server: IDS.web, volume: volume.id, device: null, boot: false }
  await cloud.attachment!.create(plug as never, markOf('attachment', 6))
  host.done.length = 0
  const first = await snapshot.create(wish, mark)
  const second = await polled(snapshot, first)
  await expect(snapshot.create(wish, markOf('snapshot', 7))).rejects.toMatchObject({ code: 'conflict' })
  host.mirror.ready = true
  expect(await polled(snapshot, second)).toMatchObject({ mark, health: 'ready', sizeGiB: 3 })
  expect(host.done.filter((call) => call.includes('BLOCK'))).toEqual([
    expect.stringMatching(/^DOMAIN_BLOCK_COPY web vd/),
    expect.stringMatching(/^DOMAIN_BLOCK_JOB_ABORT web vd/),
  ])
  expect(host.mirror.path).toBe('')
  expect(host.volumes.filter(({ name }) => name.endsWith('.making'))).toEqual([])
})

it('a volume that somebody unknown has open is refused for now, and nothing is left of the copy', async () => {
  const { host, snapshot, wish } = await connected()
  host.copying.fails = 'qemu-img: Failed to get shared "write" lock'
  await expect(snapshot.create(wish, mark)).rejects.toMatchObject({ code: 'conflict' })
  expect(host.volumes.filter(({ name }) => name.includes('snapshot'))).toEqual([])
})

describe('the agent in a guest', () => {
  const told = async (agent: Agent, timeoutMs?: number) => {
    const world = await connected(timeoutMs)
    const { host, cloud, volume, snapshot, wish } = world
    const made = { size: 'k.tiny', image: '', configDrive: false, pool: 'fast', agent }
    const note = writeNote({ mark: markOf('server', 5), host: 'kvm1', made }, host.uuids.web)
    host.notes.set(host.uuids.web, note.replace('<server>', `<server xmlns="${NAMESPACE}">`))
    const plug = { server: IDS.web, volume: volume.id, device: null, boot: false }
    await cloud.attachment!.create(plug as never, markOf('attachment', 6))
    host.done.length = 0
    const whole = async () => {
      const going = await polled(snapshot, await snapshot.create(wish, mark))
      host.mirror.ready = true
      return polled(snapshot, going)
    }
    return {
      ...world,
      whole,
      calls: () => host.done.map((call) => call.split(' ')[0]).filter((call) => /FS|ABORT/.test(call!)),
    }
  }

  it('holds its files still while a copy of its disk ends, and no longer', async () => {
    const { whole, calls } = await told({ quiesce: 'wanted' })
    expect(await whole()).toMatchObject({ health: 'ready' })
    expect(calls()).toEqual(['DOMAIN_FSFREEZE', 'DOMAIN_BLOCK_JOB_ABORT', 'DOMAIN_FSTHAW'])
  })

  it('that does not answer is done without, and is told to go on in case it heard', async () => {
    const { whole, calls, host } = await told({ quiesce: 'wanted' })
    host.agent.hears = false
    expect(await whole()).toMatchObject({ health: 'ready' })
    expect(calls()).toEqual(['DOMAIN_FSFREEZE', 'DOMAIN_FSTHAW', 'DOMAIN_BLOCK_JOB_ABORT'])
  })

  it('is waited for where its image says that there is no copy without', async () => {
    const { whole, calls, host, snapshot, wish } = await told({ quiesce: 'required' })
    host.agent.hears = false
    await expect(whole()).rejects.toMatchObject({ code: 'conflict', message: 'The guest does not answer yet.' })
    expect(calls()).not.toContain('DOMAIN_BLOCK_JOB_ABORT')
    host.agent.hears = true
    expect(await snapshot.create(wish, mark)).toMatchObject({ health: 'ready' })
  })

  it('that cannot do it is waited for in the same way: what a guest answers says nothing of its cloud', async () => {
    const { whole, calls, host } = await told({ quiesce: 'required' })
    host.agent.fails = "unable to execute QEMU agent command 'guest-fsfreeze-freeze': failed to open /data"
    await expect(whole()).rejects.toMatchObject({
      code: 'conflict',
      message: 'The guest does not hold its files still.',
      detail: { operatorMessage: expect.stringContaining('/data') },
    })
    expect(calls()).toEqual(['DOMAIN_FSFREEZE', 'DOMAIN_FSTHAW'])
  })

  it.each(['wanted', 'required'] as const)('that hangs does not use up the time of the call: %s', async (quiesce) => {
    const { whole, calls, host } = await told({ quiesce }, 400)
    host.agent.hangs = true
    const copying = whole()
    if (quiesce === 'wanted') expect(await copying).toMatchObject({ health: 'ready' })
    else
      await expect(copying).rejects.toMatchObject({
        code: 'conflict',
        message: 'The guest does not hold its files still.',
        detail: { operatorMessage: 'no answer in 200 ms' },
      })
    // libvirt is told as well how long it may wait, and the guest to go on whatever became of it.
    expect(host.agent.patience).toBe(1)
    const after = quiesce === 'wanted' ? ['DOMAIN_BLOCK_JOB_ABORT'] : []
    expect(calls()).toEqual(['DOMAIN_FSFREEZE', 'DOMAIN_FSTHAW', ...after])
  })

  it('is told to go on by nobody else than the copy for which it holds still', async () => {
    const { calls, host, snapshot, wish } = await told({ quiesce: 'wanted' })
    const going = await polled(snapshot, await snapshot.create(wish, mark))
    host.mirror.ready = true
    const ends = await Promise.all([polled(snapshot, going), polled(snapshot, going)])
    // The other goes on later, however long the copy took until here.
    expect(ends.map(isTask).sort()).toEqual([false, true])
    expect(calls()).toEqual(['DOMAIN_FSFREEZE', 'DOMAIN_BLOCK_JOB_ABORT', 'DOMAIN_FSTHAW'])
    expect(await snapshot.create(wish, mark)).toMatchObject({ health: 'ready' })
  })

  it('that was not told to go on is told by the next step', async () => {
    const { whole, calls, host, snapshot, wish } = await told({ quiesce: 'wanted' })
    host.agent.thaws = false
    expect(isTask(await whole())).toBe(true)
    expect(await snapshot.find(mark, wish)).toBeNull()
    host.agent.thaws = true
    host.copying.goesOn = true
    host.done.length = 0
    expect(isTask(await snapshot.create(wish, mark))).toBe(true)
    expect(calls()).toEqual(['DOMAIN_FSTHAW'])
  })

  it('is told to go on where nobody goes on with the copy, but removes it', async () => {
    const { whole, calls, host, snapshot } = await told({ quiesce: 'wanted' })
    host.agent.thaws = false
    expect(isTask(await whole())).toBe(true)
    host.agent.thaws = true
    host.done.length = 0
    const [left] = (await snapshot.list()).items
    await snapshot.remove(left!.id, mark)
    expect(calls()).toEqual(['DOMAIN_FSTHAW'])
    host.mirror.ready = false
    const { id } = (await whole()) as Seen
    host.done.length = 0
    await snapshot.remove(id, mark)
    expect(calls()).toEqual([])
  })

  it('sets the password of root, or of whom its image says', async () => {
    const { cloud, host } = await told({ admin: 'cloud' })
    await cloud.server.changePassword!(IDS.web, 'tea & biscuits')
    expect(host.agent.passwords).toEqual(['cloud: tea & biscuits'])
    host.agent.hears = false
    await expect(cloud.server.changePassword!(IDS.web, 'x')).rejects.toMatchObject({ code: 'conflict' })
    host.agent.hears = true
    host.agent.fails = "unable to execute QEMU agent command 'guest-set-user-password': child process has failed"
    await expect(cloud.server.changePassword!(IDS.web, 'x')).rejects.toMatchObject({
      code: 'conflict',
      message: 'The guest did not set the password of cloud.',
    })
    const other = await told({})
    await other.cloud.server.changePassword!(IDS.web, 'x')
    expect(other.host.agent.passwords).toEqual(['root: x'])
  })
})
