import type { Diagnostics, NativeId } from '../../contract.ts'
import { CloudError } from '../../errors.ts'
import { gone } from '../../shared/refusals.ts'
import { child, childrenOf, type Element, parseXml } from '../../shared/xml.ts'
import type { Context } from '../context.ts'
import { domainOf } from '../records/domain.ts'
import { atHostOf, partsOf } from '../records/ids.ts'
import { DOMAIN_STATS, DOMAIN_XML } from '../wire/procedures.ts'

/** Of virDomainStatsTypes: balloon, virtual processors, interfaces and blocks. */
const WANTED = 4 | 8 | 16 | 32

/** By libvirt's names: https://libvirt.org/html/libvirt-libvirt-domain.html#virConnectGetAllDomainStats */
type Counted = Map<string, number | string>

/** What is counted of each of a kind, as `net.0.rx.bytes`: they are numbered, and one may have been taken away. */
const each = (counted: Counted, kind: string): { at: number; of: (field: string) => number; name: string }[] => {
  const numbers = [...counted.keys()].flatMap((field) => {
    const [first, at] = field.split('.')
    return first === kind && /^\d{1,4}$/.test(at ?? '') ? [Number(at)] : []
  })
  return [...new Set(numbers)].map((at) => ({
    at,
    of: (field) => Number(counted.get(`${kind}.${at}.${field}`) ?? 0),
    name: String(counted.get(`${kind}.${at}.name`) ?? ''),
  }))
}

const macsIn = (domain: Element): Map<string, string> =>
  new Map(
    childrenOf(child(domain, 'devices'), 'interface').flatMap((card): [string, string][] => {
      const [name, mac] = [child(card, 'target')?.attributes.get('dev'), child(card, 'mac')?.attributes.get('address')]
      return name && mac ? [[name, mac]] : []
    }),
  )

const BALLOON = 'balloon.'

const read = (counted: Counted, domain: Element): Diagnostics => {
  const macs = macsIn(domain)
  const memory = [...counted].filter(([field]) => field.startsWith(BALLOON) && field !== 'balloon.maximum')
  return {
    driver: 'libvirt',
    hypervisor: domain.attributes.get('type') === 'kvm' ? 'kvm' : 'qemu',
    memory: {
      maximumKiB: Number(counted.get('balloon.maximum') ?? 0),
      told: Object.fromEntries(memory.map(([field, value]) => [field.slice(BALLOON.length), Number(value)])),
    },
    cpus: each(counted, 'vcpu').map(({ at: id, of }) => ({ id, time: of('time') })),
    disks: each(counted, 'block').map(({ name, of }) => ({
      name,
      reads: of('rd.reqs'),
      readBytes: of('rd.bytes'),
      writes: of('wr.reqs'),
      writtenBytes: of('wr.bytes'),
    })),
    cards: each(counted, 'net').map(({ name, of }) => {
      const way = (to: 'rx' | 'tx') => ({
        octets: of(`${to}.bytes`),
        packets: of(`${to}.pkts`),
        errors: of(`${to}.errs`),
        dropped: of(`${to}.drop`),
      })
      return { name, mac: macs.get(name) ?? '', received: way('rx'), sent: way('tx') }
    }),
  }
}

/** What the machine of a server has used since its power went on. @throws `conflict` while that is off */
export const diagnose = async (context: Context, id: NativeId): Promise<Diagnostics> => {
  const [uuid = ''] = partsOf(id, 1)
  const found = await atHostOf(context, id, async (host) => {
    const domain = await domainOf(host, uuid)
    if (!domain) return null
    const { ref } = domain
    if (ref.id < 0) throw new CloudError('conflict', 'Only a server that runs has used anything.')
    const [{ records }, { xml }] = await Promise.all([
      host.call(DOMAIN_STATS, { domains: [ref], stats: WANTED, flags: 0 }),
      host.call(DOMAIN_XML, { domain: ref, flags: 0 }),
    ])
    const counted = new Map(records[0]?.stats.map(({ field, value }) => [field, value]))
    return read(counted, parseXml(xml))
  })
  return found ?? Promise.reject(gone(id))
}
