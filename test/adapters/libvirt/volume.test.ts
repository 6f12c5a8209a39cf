import { describe, expect, it } from 'vitest'
import type { Mark, VolumeSpec } from '../../../adapters/contract.ts'
import { libvirt } from '../../../adapters/libvirt/index.ts'
import { NAMESPACE, writeNote } from '../../../adapters/libvirt/marks.ts'
import {
  goneName,
  imageBase,
  imageName,
  logPoolName,
  markIn,
  nameFor,
  partName,
} from '../../../adapters/libvirt/records/volume-name.ts'
import { KEPT } from '../../../adapters/libvirt/wire/procedures.ts'
import { estate, IDS } from './estate.ts'
import { connection, OPTIONS, surroundings } from './scripted.ts'

const DEPLOYMENT = '5e0e2f0e-6f5b-4f2e-9d6c-3f7f9b8a1c11'
const mark: Mark = {
  deployment: DEPLOYMENT,
  project: '0123456789abcdef0123456789abcdef',
  kind: 'volume',
  resource: 'ffffffff-ffff-4fff-bfff-ffffffffffff',
  token: '3f8a5a3c-0001-4a4b-8c8d-000000000001',
  epoch: 29_900_000,
}
const spec: VolumeSpec = { name: 'data', sizeGiB: 3, zone: 'kvm1', type: null, source: null }
const GIB = 2 ** 30
const PLACE = { host: 'kvm1', pool: 'fast' }

const connected = (deployment = DEPLOYMENT) => {
  const host = estate()
  const cloud = libvirt.connect(
    connection({ deployment }),
    surroundings(async () => host.line()),
  )
  return { host, cloud, volume: cloud.volume!, attachment: cloud.attachment! }
}

describe('the name of a volume', () => {
  it('is its mark, in what LVM takes', () => {
    expect(nameFor(mark, PLACE)).toMatch(/^[a-zA-Z0-9+_.-]{1,127}$/)
    for (const each of [mark, { ...mark, project: '' }, { ...mark, deployment: 'd1', epoch: 0 }])
      expect(markIn(nameFor(each, PLACE), PLACE)).toEqual(each)
  })

  it('is no mark on another host, nor in another pool', () => {
    for (const elsewhere of [
      { ...PLACE, host: 'kvm2' },
      { ...PLACE, pool: 'slow' },
    ])
      expect(markIn(nameFor(mark, PLACE), elsewhere)).toBeUndefined()
  })

  it.each(['web.qcow2', 'plimsoll.qcow2', 'plimsoll.volume.dA.bA.dA.dA.z', 'plimsoll.ship.wa.wb.wc.wd.1', ''])(
    'is none where it is %o',
    (name) => expect(markIn(name, PLACE)).toBeUndefined(),
  )
})

describe('a volume', () => {
  it('is made once for a token, in the form of its pool, grows, and goes', async () => {
    const { volume, host } = connected()
    expect(await volume.find(mark, spec)).toBeNull()
    const made = await volume.create(spec, mark)
    expect(made).toMatchObject({ mark, sizeGiB: 3, zone: 'kvm1', server: null, health: 'ready' })
    expect(await volume.create(spec, mark)).toEqual(made)
    expect(await volume.find(mark, spec)).toEqual(made)
    const { id } = made as { id: string }
    expect(await volume.update!(id, { ...spec, name: 'other' })).toEqual(made)
    expect(await volume.update!(id, { ...spec, sizeGiB: 5 })).toMatchObject({ sizeGiB: 5 })
    await expect(volume.update!(id, spec)).rejects.toMatchObject({ code: 'definitive' })
    await volume.remove(id, mark)
    await volume.remove(id, mark)
    expect(await volume.get(id)).toBeNull()
    expect(host.done).toEqual(['STORAGE_VOL_CREATE_XML raw', `STORAGE_VOL_RESIZE ${5 * GIB}`, 'STORAGE_VOL_DELETE'])
  })

  it('is refused where it would be a copy, of a type, or nowhere', async () => {
    const { volume } = connected()
    for (const wrong of [
      { ...spec, source: { kind: 'volume' as const, id: 'kvm1/fast/data.raw' } },
      { ...spec, type: 'gold' },
      { ...spec, zone: 'kvm9' },
    ])
      await expect(volume.create(wrong, mark)).rejects.toMatchObject({ code: 'definitive' })
  })

  it("of somebody else is neither changed nor removed, be it another deployment's or nobody's", async () => {
    const { volume, host } = connected()
    const other = { ...mark, deployment: 'ffffffff-6f5b-4f2e-9d6c-3f7f9b8a1c11' }
    const theirs = libvirt.connect(
      connection({ deployment: other.deployment }),
      surroundings(async () => host.line()),
    )
    const { id } = (await theirs.volume!.create(spec, other)) as { id: string }
    expect((await volume.get(id))?.mark).toBeUndefined()
    for (const each of [id, 'kvm1/fast/data.raw']) {
      await expect(volume.remove(each, mark)).rejects.toMatchObject({ code: 'definitive' })
      await expect(volume.update!(each, { ...spec, sizeGiB: 9 })).rejects.toMatchObject({ code: 'definitive' })
    }
    expect(host.done).toEqual(['STORAGE_VOL_CREATE_XML raw'])
  })
})

it('a volume of a pool that two hosts share is ours on that where it was made, and untouched from the other', async () => {
  const host = estate()
  const hosts = [...OPTIONS.hosts, { name: 'kvm2', uri: 'qemu+tls://kvm2.example/system' }]
  const around = surroundings(async () => host.line())
  const cloud = libvirt.connect(connection({ deployment: DEPLOYMENT, options: { ...OPTIONS, hosts } }), around)
  const { id } = (await cloud.volume!.create(spec, mark)) as { id: string }
  const other = id.replace('kvm1/', 'kvm2/')
  const { items } = await cloud.volume!.list()
  expect(items.filter((each) => each.mark).map((each) => each.id)).toEqual([id])
  expect(items.map((each) => each.id)).toContain(other)
  await expect(cloud.volume!.remove(other, mark)).rejects.toMatchObject({ code: 'definitive' })
  const there = IDS.db.replace('kvm1/', 'kvm2/')
  await cloud.server.mark!(there, { ...mark, kind: 'server' })
  const wish = { server: there, volume: other, device: null }
  await expect(cloud.attachment!.create(wish, mark)).rejects.toThrow('made on another host')
  expect(host.done).toEqual(['STORAGE_VOL_CREATE_XML raw', 'DOMAIN_SET_METADATA db 2'])
})

describe('a volume of a zone of several hosts', () => {
  const rack = (names: string[], away: string[] = [], estates = new Map<string, ReturnType<typeof estate>>()) => {
    const hosts = names.map((name) => ({ name, uri: `qemu+tls://${name}.example/system`, zone: 'z' }))
    for (const name of names) if (!estates.has(name)) estates.set(name, estate())
    const cloud = libvirt.connect(
      connection({ deployment: DEPLOYMENT, options: { ...OPTIONS, hosts } }),
      surroundings(async (to) => {
        const name = to.kind === 'tls' ? to.host.replace('.example', '') : ''
        if (away.includes(name)) throw new Error('connect ECONNREFUSED')
        return estates.get(name)!.line()
      }),
    )
    return { estates, volume: cloud.volume! }
  }
  const there = { ...spec, zone: 'z' }
  const hostOf = ({ id }: { id?: string }) => id?.split('/', 1)[0]

  it('is found wherever it is, also once there are more hosts', async () => {
    const { volume, estates } = rack(['a', 'b'])
    for (const token of ['t1', 't2', 't3', 't4', 't5', 't6']) {
      const own = { ...mark, token }
      const made = await volume.create(there, own)
      const { volume: later } = rack(['c', 'b', 'a', 'd'], [], estates)
      expect(await later.find(own, there)).toEqual(made)
    }
  })

  it('goes to the host that it prefers, which others that come or go do not change', async () => {
    const tokens = Array.from({ length: 12 }, (_, i) => `token-${i}`)
    const placed = async (names: string[]) => {
      const { volume } = rack(names)
      return Promise.all(
        tokens.map(async (token) => hostOf((await volume.create(there, { ...mark, token })) as { id: string })),
      )
    }
    const [three, two] = [await placed(['a', 'b', 'c']), await placed(['b', 'a'])]
    expect(new Set(three)).toEqual(new Set(['a', 'b', 'c']))
    for (const [i, host] of three.entries()) if (host !== 'c') expect(two[i]).toBe(host)
  })

  it('is not said to be nowhere while a host does not answer that may have it', async () => {
    const { volume, estates } = rack(['a', 'b'])
    const made = await volume.create(there, mark)
    const host = hostOf(made as { id: string })!
    const other = host === 'a' ? 'b' : 'a'
    expect(await rack(['a', 'b'], [other], estates).volume.find(mark, there)).toEqual(made)
    await expect(rack(['a', 'b'], [host], estates).volume.find(mark, there)).rejects.toMatchObject({
      code: 'ambiguous',
    })
    expect(await volume.find({ ...mark, token: 'none' }, there)).toBeNull()
  })
})

describe('a volume that something stands on', () => {
  it.each<[string, (host: ReturnType<typeof estate>, path: string) => void]>([
    [
      'a disk of a domain, somewhere below',
      ({ chain }, path) =>
        chain.push(
          `<backingStore type='file'><source file='/pool/middle'/><backingStore type='file'><source file='${path}'/><backingStore/></backingStore></backingStore>`,
        ),
    ],
    ['a volume of a pool', ({ images }, path) => images.set('data.raw', { format: 'qcow2', backing: path })],
  ])('stays as it is: %s', async (_, stand) => {
    const { cloud, volume, attachment, host } = connected()
    await cloud.server.mark!(IDS.db, { ...mark, kind: 'server' })
    const { id } = (await volume.create(spec, mark)) as { id: string }
    host.done.length = 0
    stand(host, id.replace('kvm1/fast/', '/pool/'))
    const conflict = { code: 'conflict' }
    await expect(volume.remove(id, mark)).rejects.toMatchObject(conflict)
    await expect(volume.update!(id, { ...spec, sizeGiB: 9 })).rejects.toMatchObject(conflict)
    const wish = { server: IDS.db, volume: id, device: null }
    await expect(attachment.create(wish, mark)).rejects.toMatchObject(conflict)
    expect(host.done).toEqual([])
  })
})

it('is had of LVM as a whole, which forgets what thin ones were written beyond their room', async () => {
  const { volume, host } = connected()
  await volume.create(spec, mark)
  expect(host.created[0]).toContain(`<allocation unit="bytes">${3 * GIB}</allocation>`)
})

it('a disk that is made anew in several attempts is as large as the one before', async () => {
  const { cloud, host } = connected()
  host.store.type = 'dir'
  const own: Mark = { ...mark, kind: 'server', resource: host.uuids.db }
  const base = imageBase({ ...mark, kind: 'image' })
  for (const [name, gib] of [
    [imageName(base, PLACE), 1],
    [partName(own, 'root', PLACE), 7],
  ] as const) {
    host.volumes.push({ pool: 'fast', name, key: `/pool/${name}` })
    host.images.set(name, { format: 'qcow2' })
    host.sizes.set(name, gib * GIB)
  }
  const made = { size: 'k.tiny', image: `*/${base}`, configDrive: false, pool: 'fast' }
  const note = writeNote({ mark: own, host: 'kvm1', made }, host.uuids.db)
  host.notes.set(host.uuids.db, note.replace('<server>', `<server xmlns="${NAMESPACE}">`))
  host.store.full = true
  await expect(cloud.server.rebuild!(IDS.db, `*/${base}`, 'r1')).rejects.toMatchObject({ code: 'ambiguous' })
  expect(host.done).toContain('STORAGE_VOL_DELETE')
  host.store.full = false
  await cloud.server.rebuild!(IDS.db, `*/${base}`, 'r1')
  expect(host.created.at(-1)).toContain(`<capacity unit="bytes">${7 * GIB}</capacity>`)
})

describe('a server that is made anew', () => {
  const own = { ...mark, kind: 'server' as const }
  const made = { size: 'k.tiny', image: '*/x', configDrive: false, pool: 'fast', rebuilt: 'r1' }

  it('is promised its room again before it runs, where it was shelved', async () => {
    const { cloud, host } = connected()
    host.store.type = 'dir'
    host.noted('db', { mark: own, host: 'kvm1', made, shelved: true })
    await cloud.server.rebuild!(IDS.db, '*/x', 'r1')
    expect(host.done).toEqual(['DOMAIN_SET_METADATA db 2', 'DOMAIN_CREATE db'])
    expect(host.notes.get(host.uuids.db)).not.toContain('shelved')
  })

  it('is none that runs from another disk than its own', async () => {
    const { cloud, host } = connected()
    host.store.type = 'dir'
    host.noted('db', { mark: own, host: 'kvm1', made, rescued: { token: 't', target: 'vda', disk: '' } })
    const name = partName(own, 'rescue', PLACE)
    const xml = `<disk type='volume'><source pool='fast' volume='${name}'/><target dev='vdb'/></disk>`
    host.disks.set(name, { uuid: host.uuids.db, xml, flags: KEPT })
    for (const token of ['r1', 'r2'])
      await expect(cloud.server.rebuild!(IDS.db, '*/x', token)).rejects.toMatchObject({ code: 'definitive' })
    expect(host.done).toEqual([])
  })
})

it('an image that nobody has any more goes with the disk that a server was rescued with', async () => {
  const { cloud, host } = connected()
  host.store.type = 'dir'
  const own: Mark = { ...mark, kind: 'server', resource: host.uuids.db }
  const image = imageName(imageBase({ ...mark, kind: 'image' }), PLACE)
  const rescue = partName(own, 'rescue', PLACE)
  for (const name of [image, goneName(image), rescue]) {
    host.volumes.push({ pool: 'fast', name, key: `/pool/${name}` })
    host.images.set(name, { format: 'qcow2', ...(name === rescue && { backing: `/pool/${image}` }) })
  }
  host.noted('db', { mark: own, host: 'kvm1', rescued: { token: 'r1', target: 'vdb', disk: '' } })
  await cloud.server.unrescue!(IDS.db)
  expect(host.volumes.map(({ name }) => name)).toEqual(['root.qcow2', 'data.raw'])
  expect(host.done).toContain('DOMAIN_CREATE db')
})

it('that a pool is not started does not say that its volumes are gone', async () => {
  const { cloud, volume, host } = connected()
  host.pools.push({ name: 'slow', uuid: mark.resource })
  host.asleep.add('slow')
  expect((await volume.list()).complete).toBe(false)
  expect((await cloud.attachment!.list()).complete).toBe(false)
  host.asleep.clear()
  expect((await volume.list()).complete).toBe(true)
})

it('what consoles said is in pools that count for nothing', async () => {
  const { cloud, volume, host } = connected()
  const [before, room] = [await volume.list(), (await cloud.zones())[0]]
  const log = logPoolName({ ...mark, kind: 'server' }, 'kvm1')
  host.pools.push({ name: log, uuid: mark.resource })
  expect(await volume.list()).toEqual(before)
  expect((await cloud.zones())[0]).toEqual(room)
  expect(await volume.get(`kvm1/${log}/data.raw`)).toBeNull()
  expect(await volume.create(spec, mark)).toMatchObject({ sizeGiB: 3 })
})

describe('the format of a volume', () => {
  const server: Mark = { ...mark, kind: 'server' }

  it('is that in which it was made, whatever its guest wrote there', async () => {
    const { cloud, volume, attachment, host } = connected()
    await cloud.server.mark!(IDS.db, server)
    const { id } = (await volume.create(spec, mark)) as { id: string }
    const name = id.slice('kvm1/fast/'.length)
    host.images.set(name, { format: 'qcow2', backing: '/etc/shadow' })
    await attachment.create({ server: IDS.db, volume: id, device: null }, mark)
    expect(host.formatOf(name)).toBe('raw')
  })

  it("of somebody else's is that in which a server of ours had it", async () => {
    const { cloud, attachment, host } = connected()
    await cloud.server.mark!(IDS.db, server)
    await cloud.server.mark!(IDS.web, { ...server, resource: 'r2' })
    host.images.set('root.qcow2', { format: 'qcow2', backing: '/pool/base.qcow2' })
    await cloud.server.remove(IDS.web, { ...server, resource: 'r2' })
    const wish = { server: IDS.db, volume: 'kvm1/fast/root.qcow2', device: null }
    for (let i = 0; i < 2; i++) {
      const { id: pair } = (await attachment.create(wish, mark)) as { id: string }
      expect(host.formatOf('root.qcow2')).toBe('qcow2')
      await attachment.remove(pair, mark)
    }
  })

  it('is not guessed: one that no server of ours had goes into a server as its bytes, or not at all', async () => {
    const { cloud, attachment, host } = connected()
    await cloud.server.mark!(IDS.db, server)
    for (const name of ['plain', 'image', 'overlay']) host.volumes.push({ pool: 'fast', name, key: `/pool/${name}` })
    host.images.set('image', { format: 'qcow2' })
    host.images.set('overlay', { format: 'raw', backing: '/etc/shadow' })
    const put = (name: string) => attachment.create({ server: IDS.db, volume: `kvm1/fast/${name}`, device: null }, mark)
    await put('plain')
    expect(host.formatOf('plain')).toBe('raw')
    for (const name of ['image', 'overlay']) await expect(put(name)).rejects.toThrow('an image that a guest wrote')
  })
})

describe('a volume in a server', () => {
  const server: Mark = { ...mark, kind: 'server' }

  it('leaves what is kept at once and what runs once its guest lets go, and may be asked for again meanwhile', async () => {
    const { cloud, volume, attachment, host } = connected()
    await cloud.server.mark!(IDS.web, server)
    const { id } = (await volume.create(spec, mark)) as { id: string }
    const { id: pair } = (await attachment.create({ server: IDS.web, volume: id, device: null }, mark)) as {
      id: string
    }
    host.done.length = 0
    host.guest.holdsOn = true
    await attachment.remove(pair, mark)
    await attachment.remove(pair, mark)
    expect(await volume.get(id)).toMatchObject({ server: IDS.web })
    host.guest.holdsOn = false
    await attachment.remove(pair, mark)
    expect(await volume.get(id)).toMatchObject({ server: null })
    expect(host.done).toEqual([2, 1, 2, 1, 2, 1].map((flags) => `DOMAIN_DETACH_DEVICE_FLAGS web vdc ${flags}`))
  })

  it('is there once, however often two ask for it at once', async () => {
    const { cloud, volume, attachment, host } = connected()
    await cloud.server.mark!(IDS.db, server)
    const { id } = (await volume.create(spec, mark)) as { id: string }
    const wish = { server: IDS.db, volume: id, device: null }
    let looks = 0
    const { attachment: late } = libvirt.connect(
      connection({ deployment: DEPLOYMENT }),
      surroundings(async () => {
        // Between its look and its work the other one is done.
        if (host.done.length === 2 && ++looks === 2) await attachment.create(wish, mark)
        return host.line()
      }),
    )
    expect(await late!.create(wish, mark)).toMatchObject({ health: 'ready', device: '/dev/vdb' })
    expect(host.done.filter((call) => /ATTACH/.test(call))).toEqual(['DOMAIN_ATTACH_DEVICE_FLAGS db vdb 2'])
  })

  it('comes as the next drive and goes again; meanwhile it stays, and is in no other', async () => {
    const { cloud, volume, attachment, host } = connected()
    await cloud.server.mark!(IDS.db, server)
    await cloud.server.mark!(IDS.web, { ...server, resource: 'r2' })
    const { id } = (await volume.create(spec, mark)) as { id: string }
    host.done.length = 0
    const wish = { server: IDS.db, volume: id, device: null }
    const made = await attachment.create(wish, mark)
    expect(made).toMatchObject({ health: 'ready', device: '/dev/vdb' })
    expect(await attachment.create(wish, mark)).toEqual(made)
    expect(await volume.get(id)).toMatchObject({ server: IDS.db })
    await expect(volume.remove(id, mark)).rejects.toMatchObject({ code: 'conflict' })
    await expect(volume.update!(id, { ...spec, sizeGiB: 9 })).rejects.toMatchObject({ code: 'conflict' })
    await expect(attachment.create({ ...wish, server: IDS.web }, mark)).rejects.toMatchObject({ code: 'conflict' })
    const { id: pair } = made as { id: string }
    await attachment.remove(pair, mark)
    await attachment.remove(pair, mark)
    expect(await volume.get(id)).toMatchObject({ server: null })
    // It does not run, so what is kept is all that there is: 2.
    expect(host.done).toEqual(['DOMAIN_ATTACH_DEVICE_FLAGS db vdb 2', 'DOMAIN_DETACH_DEVICE_FLAGS db vdb 2'])
  })

  it('is called as its user would have it where no drive of the machine is, whosever that is, and else as the next', async () => {
    const { cloud, volume, attachment } = connected()
    await cloud.server.mark!(IDS.web, server)
    const called: unknown[] = []
    for (const device of ['/dev/vdm', '/dev/vda', '/dev/vdb', '/dev/sdq', null]) {
      const { id } = (await volume.create(spec, { ...mark, token: `t${device}` })) as { id: string }
      const made = (await attachment.create({ server: IDS.web, volume: id, device }, mark)) as { device: string }
      called.push(made.device)
    }
    // It has `vda`, and boots from `vdb`.
    expect(called).toEqual(['/dev/vdm', '/dev/vdc', '/dev/vdd', '/dev/vde', '/dev/vdf'])
    expect(libvirt.deviceFor?.(null, ['/dev/vdb', '/dev/vdd'])).toBe('/dev/vdc')
  })

  it('is refused for a server that is not ours, a volume of others or of another host, and the one that it boots from', async () => {
    const { cloud, volume, attachment, host } = connected()
    const { id } = (await volume.create(spec, mark)) as { id: string }
    await expect(attachment.create({ server: IDS.db, volume: id, device: null }, mark)).rejects.toMatchObject({
      code: 'definitive',
    })
    await cloud.server.mark!(IDS.web, server)
    const elsewhere = { server: IDS.web, volume: `kvm2/${id.slice(5)}`, device: null }
    await expect(attachment.create(elsewhere, mark)).rejects.toMatchObject({ code: 'definitive' })
    await expect(attachment.remove(`${IDS.web} kvm1/fast/root.qcow2`, mark)).rejects.toMatchObject({
      code: 'definitive',
    })
    expect(host.done.filter((call) => /DEVICE/.test(call))).toEqual([])
  })
})
