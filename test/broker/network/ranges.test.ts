import fc from 'fast-check'
import { beforeEach, describe, expect, test } from 'vitest'
import { common, compacted, without } from '../../../functions/broker/network/pools/ranges.ts'
import { type Client, type Plimsoll, startPlimsoll } from '../../support/harness.ts'

/* Address planning, whatever is asked: the arithmetic of ranges against sets of single addresses, and a pool against a list. */

const BITS = 6
const range = fc.array(fc.constantFrom('0', '1'), { maxLength: BITS }).map((bits) => bits.join(''))
const ranges = fc.array(range, { maxLength: 6 })
const addresses = (some: string[]): Set<number> =>
  new Set(
    Array.from({ length: 2 ** BITS }, (_, i) => i).filter((i) =>
      some.some((bits) => i.toString(2).padStart(BITS, '0').startsWith(bits)),
    ),
  )
const isFewest = (some: string[]) =>
  some.every((one, i) =>
    some.every((other, j) => i === j || (!one.startsWith(other) && `${one.slice(0, -1)}${+!+one.slice(-1)}` !== other)),
  )

describe('ranges', () => {
  test('in the fewest ranges are the same addresses, in order', () =>
    fc.assert(
      fc.property(ranges, (some) => {
        const fewest = compacted(some)
        expect(addresses(fewest)).toEqual(addresses(some))
        expect(fewest).toEqual(fewest.toSorted())
        expect(fewest.length < 2 || isFewest(fewest)).toBe(true)
      }),
    ))

  test('without others, and what they have in common, are as sets have them', () =>
    fc.assert(
      fc.property(ranges, ranges, (some, others) => {
        const [of, beside] = [addresses(some), addresses(others)]
        expect(addresses(without(some, others))).toEqual(new Set([...of].filter((each) => !beside.has(each))))
        expect(addresses(common(some, others))).toEqual(new Set([...of].filter((each) => beside.has(each))))
      }),
    ))
})

describe('a pool', () => {
  const V2 = '/network/v2.0'
  let plimsoll: Plimsoll
  let demo: Client
  let networks: string[]
  beforeEach(async () => {
    plimsoll = await startPlimsoll()
    demo = plimsoll.as('demo')
    const { body } = await demo.post(`${V2}/networks`, { networks: Array.from({ length: 12 }, () => ({})) })
    networks = body.networks.map(({ id }: { id: string }) => id)
  })

  type Step = { take: number } | { give: number } | { more: number } | { less: number }
  const steps = fc.array(
    fc.oneof<fc.Arbitrary<Step>[]>(
      fc.record({ take: fc.integer({ min: 26, max: 30 }) }),
      fc.record({ give: fc.nat(11) }),
      fc.record({ more: fc.nat(7) }),
      fc.record({ less: fc.nat(7) }),
    ),
    { minLength: 6, maxLength: 18 },
  )
  /** The addresses of a CIDR in 10.0.0.0/16, by their last two numbers. */
  const within = (cidr: string): number[] => {
    const [address, prefix] = cidr.split('/')
    const [, , high, low] = address!.split('.').map(Number)
    return Array.from({ length: 2 ** (32 - Number(prefix)) }, (_, i) => high! * 256 + low! + i)
  }

  test('gives no address twice and loses none, whatever comes and goes', () =>
    fc.assert(
      fc.asyncProperty(steps, async (done) => {
        const asked = { name: 'p', prefixes: ['10.0.0.0/25'], min_prefixlen: 25 }
        const { id } = (await demo.post(`${V2}/subnetpools`, { subnetpool: asked })).body.subnetpool
        const held = new Map<string, { id: string; cidr: string }>()
        const own = new Set(within('10.0.0.0/25'))
        const taken = () => new Set([...held.values()].flatMap(({ cidr }) => within(cidr)))
        const fits = (prefixlen: number) =>
          [...own].some((first) => {
            const size = 2 ** (32 - prefixlen)
            const block = Array.from({ length: size }, (_, i) => first + i)
            return first % size === 0 && block.every((address) => own.has(address) && !taken().has(address))
          })
        for (const step of done) {
          const free = networks.find((network) => !held.has(network))
          if ('take' in step && free) {
            const possible = fits(step.take)
            const subnet = { network_id: free, ip_version: 4, subnetpool_id: id, prefixlen: step.take }
            const { status, body } = await demo.post(`${V2}/subnets`, { subnet })
            expect([step, status]).toEqual([step, possible ? 201 : 500])
            if (!possible) continue
            const block = within(body.subnet.cidr)
            expect(block.every((address) => own.has(address) && !taken().has(address))).toBe(true)
            held.set(free, body.subnet)
          } else if ('give' in step) {
            const subnet = held.get(networks[step.give]!)
            if (!subnet) continue
            expect((await demo.delete(`${V2}/subnets/${subnet.id}`)).status).toBe(204)
            held.delete(networks[step.give]!)
          } else if ('more' in step || 'less' in step) {
            const [verb, eighth] = 'more' in step ? ['add', step.more] : ['remove', (step as { less: number }).less]
            const prefix = `10.0.0.${eighth * 32}/27`
            const used = within(prefix).some((address) => taken().has(address))
            const { status } = await demo.put(`${V2}/subnetpools/${id}/${verb}_prefixes`, { prefixes: [prefix] })
            expect([step, status]).toEqual([step, verb === 'remove' && used ? 400 : 200])
            if (status === 200) for (const each of within(prefix)) verb === 'add' ? own.add(each) : own.delete(each)
          }
        }
        for (const { id: subnet } of held.values()) await demo.delete(`${V2}/subnets/${subnet}`)
        expect((await demo.delete(`${V2}/subnetpools/${id}`)).status).toBe(204)
      }),
      { numRuns: 12 },
    ))
})
