import { describe, expect, it } from 'vitest'
import type { GroupPolicy, Mark, ServerSpec } from '../../../adapters/contract.ts'
import { assertRoom, forgetSeat, hostFor, hostsOf, withRoom } from '../../../adapters/libvirt/compute/place.ts'
import { libvirt } from '../../../adapters/libvirt/index.ts'
import { NAMESPACE, writeNote } from '../../../adapters/libvirt/marks.ts'
import { readOptions } from '../../../adapters/libvirt/options.ts'
import { domainOf } from '../../../adapters/libvirt/records/domain.ts'
import { onHost } from '../../../adapters/libvirt/wire/host.ts'
import { deaf, estate } from './estate.ts'
import { connection, OPTIONS, surroundings } from './scripted.ts'

const HOSTS = ['kvm1', 'kvm2']

/** A zone of two hosts, with a machine of somebody else on each. */
const zone = () => {
  const hosts = new Map(HOSTS.map((name) => [`${name}.example`, estate()]))
  const silent = new Set<string>()
  let now = 1_000_000
  const around = {
    ...surroundings(async (to) => (to.kind === 'tls' && !silent.has(to.host) ? hosts.get(to.host)!.line() : deaf())),
    now: () => now,
  }
  const given = {
    ...OPTIONS,
    hosts: HOSTS.map((name) => ({ name, uri: `qemu+tls://${name}.example/system`, zone: 'z' })),
  }
  const context = {
    connection: connection({ options: given }),
    surroundings: around,
    options: readOptions(given).options,
  }
  const pass = (ms: number) => {
    now += ms
  }
  return { context, hosts, silent, pass, estateOf: (name: string) => hosts.get(`${name}.example`)! }
}
const marked = (): Mark => ({
  deployment: 'd1',
  project: 'p1',
  kind: 'server',
  resource: crypto.randomUUID(),
  token: crypto.randomUUID(),
  epoch: 9,
})
const wanted = (ramMiB: number, policy?: GroupPolicy): ServerSpec => ({
  name: 's',
  size: { native: 'k.tiny', vcpus: 1, ramMiB, diskGiB: 0 },
  image: '',
  zone: 'z',
  ports: [],
  keypair: null,
  publicKey: null,
  userData: null,
  metadata: {},
  configDrive: false,
  drive: null,
  fork: null,
  boot: null,
  group: policy ? { id: 'g1', policy, mostPerHost: null, native: null } : null,
})
/** All that a host has left beside the machine that runs there. */
const LAST = 16 * 1024 - 512 - 2_048

describe('the last room of a zone', () => {
  it('is had by one of those who meet there, and the others are told that there is none', async () => {
    const { context } = zone()
    const asked = await Promise.allSettled([1, 2, 3, 4].map(() => hostFor(context, wanted(LAST), marked())))
    const had = asked.flatMap((each) => (each.status === 'fulfilled' ? [each.value.name] : []))
    expect(had.sort()).toEqual(['kvm1', 'kvm2'])
    for (const each of asked) if (each.status === 'rejected') expect(each.reason).toMatchObject({ code: 'capacity' })
  })

  it('is had again by whoever asks again, and by another one once it is given back', async () => {
    const { context } = zone()
    const [one, two, three] = [marked(), marked(), marked()]
    const { name } = await hostFor(context, wanted(LAST), one)
    await hostFor(context, wanted(LAST), two)
    expect((await hostFor(context, wanted(LAST), one)).name).toBe(name)
    await expect(hostFor(context, wanted(LAST), three)).rejects.toMatchObject({ code: 'capacity' })
    await forgetSeat(context, 'z', one)
    expect((await hostFor(context, wanted(LAST), three)).name).toBe(name)
  })

  it('is free again once whoever took it has not come', async () => {
    const { context, pass } = zone()
    for (const mark of [marked(), marked()]) await hostFor(context, wanted(LAST), mark)
    pass(599_000)
    await expect(hostFor(context, wanted(LAST), marked())).rejects.toMatchObject({ code: 'capacity' })
    pass(2_000)
    await hostFor(context, wanted(LAST), marked())
  })

  it('is not taken by two who grow into it', async () => {
    const { context, estateOf } = zone()
    const mark = { ...marked(), resource: estateOf('kvm1').uuids.db }
    const note = writeNote({ mark, host: 'kvm1', shelved: true }, mark.resource)
    estateOf('kvm1').notes.set(mark.resource, note.replace('<server>', `<server xmlns="${NAMESPACE}">`))
    let inside = 0
    const grow = () =>
      onHost(context, context.options.hosts[0]!, async (host) => {
        const domain = (await domainOf(host, mark.resource))!
        await withRoom(context, host, domain, { vcpus: 1, ramMiB: LAST }, async () => {
          inside++
          await expect(hostFor(context, { ...wanted(LAST + 1) }, marked())).rejects.toMatchObject({ code: 'capacity' })
          expect((await hostFor(context, wanted(LAST), marked())).name).toBe('kvm2')
        })
        // What is shelved counts for nobody else.
        await assertRoom(context, host, { ...domain, ramMiB: LAST })
      })
    await grow()
    expect(inside).toBe(1)
    expect((await hostFor(context, wanted(LAST), marked())).name).toBe('kvm1')
  })
})

it('the host that was chosen for a server is forgotten with it, also where somebody else deleted its machine', async () => {
  const { context } = zone()
  const { connection: linked, surroundings: around } = context
  const mark = marked()
  const { name } = await hostFor(context, wanted(64), mark)
  expect(await hostsOf(context, 'z', mark)).toEqual([name])
  await libvirt.connect(linked, around).server.remove(`${name}/${mark.resource}`, mark)
  expect(await hostsOf(context, 'z', mark)).toEqual(HOSTS)
})

describe('a server group', () => {
  const placed = async (policy: GroupPolicy, count: number) => {
    const { context } = zone()
    const asked = await Promise.allSettled(
      Array.from({ length: count }, () => hostFor(context, wanted(64, policy), marked())),
    )
    const hosts = asked.flatMap((each) => (each.status === 'fulfilled' ? [each.value.name] : []))
    return { hosts, refused: asked.flatMap((each) => (each.status === 'rejected' ? [each.reason] : [])) }
  }

  it('keeps servers apart, also those that are asked for at once, and refuses one for which there is no host', async () => {
    const { hosts, refused } = await placed('anti-affinity', 3)
    expect(hosts.sort()).toEqual(['kvm1', 'kvm2'])
    expect(refused).toEqual([
      expect.objectContaining({
        code: 'capacity',
        message: 'The zone has no host left on which the group of the server allows one more.',
      }),
    ])
  })

  it('keeps servers together, or is a wish', async () => {
    expect(new Set((await placed('affinity', 4)).hosts).size).toBe(1)
    expect((await placed('soft-anti-affinity', 4)).hosts.toSorted()).toEqual(['kvm1', 'kvm1', 'kvm2', 'kvm2'])
    expect(new Set((await placed('soft-affinity', 3)).hosts).size).toBe(1)
  })

  it('goes where its servers are by their definitions, and waits while a host is silent that may have one', async () => {
    const { context, estateOf, silent } = zone()
    const mark = { ...marked(), resource: estateOf('kvm2').uuids.db }
    const made = { size: 'k.tiny', image: '', configDrive: false, pool: 'fast', group: 'g1' }
    const note = writeNote({ mark, host: 'kvm2', made }, mark.resource)
    estateOf('kvm2').notes.set(mark.resource, note.replace('<server>', `<server xmlns="${NAMESPACE}">`))
    expect((await hostFor(context, wanted(64, 'affinity'), marked())).name).toBe('kvm2')
    expect((await hostFor(context, wanted(64, 'anti-affinity'), marked())).name).toBe('kvm1')
    const { context: anew, silent: hushed } = zone()
    hushed.add('kvm2.example')
    await expect(hostFor(anew, wanted(64, 'affinity'), marked())).rejects.toMatchObject({ code: 'ambiguous' })
    expect((await hostFor(anew, wanted(64, 'anti-affinity'), marked())).name).toBe('kvm1')
    silent.add('kvm2.example')
    await expect(hostFor(context, wanted(LAST * 2, 'affinity'), marked())).rejects.toMatchObject({ code: 'ambiguous' })
  })
})
