import { describe, expect, it } from 'vitest'
import type { Line } from '../../../adapters/contract.ts'
import { CloudError } from '../../../adapters/errors.ts'
import { fewAtATime } from '../../../adapters/libvirt/records/few.ts'
import { AUTH_LIST, AUTH_POLKIT, GET_HOSTNAME, LIST_DOMAINS, OPEN } from '../../../adapters/libvirt/wire/procedures.ts'
import { openSession } from '../../../adapters/libvirt/wire/session.ts'
import { encode, joined, uint } from '../../../adapters/libvirt/wire/xdr.ts'
import { lineTo, message, plays, Said, scripted } from './scripted.ts'

const OPENS = [plays(AUTH_LIST, () => ({ types: [0] })), plays(OPEN, () => null)]

const refused = async (call: Promise<unknown>): Promise<CloudError> => {
  const error = await call.then(
    () => null,
    (thrown: unknown) => thrown,
  )
  expect(error).toBeInstanceOf(CloudError)
  return error as CloudError
}

describe('a session with a host', () => {
  it('asks how to log in, opens the driver, and asks on', async () => {
    const heard: number[] = []
    const line = scripted([...OPENS, plays(GET_HOSTNAME, () => ({ hostname: 'rack7-kvm1' }))], heard)
    const session = await openSession(line, 'qemu:///system')
    expect(await session.call(GET_HOSTNAME, null)).toEqual({ hostname: 'rack7-kvm1' })
    expect(heard).toEqual([66, 1, 59])
  })

  it('lets polkit decide where the host wants that', async () => {
    const heard: number[] = []
    const polkit = [plays(AUTH_LIST, () => ({ types: [2] })), plays(AUTH_POLKIT, () => ({ complete: 1 })), OPENS[1]!]
    await openSession(scripted(polkit, heard), 'qemu:///system')
    expect(heard).toEqual([66, 70, 1])
  })

  it('is denied in words where the host wants a login that is not spoken', async () => {
    const { code, detail } = await refused(
      openSession(scripted([plays(AUTH_LIST, () => ({ types: [1] }))]), 'qemu:///system'),
    )
    expect([code, detail.operatorMessage]).toEqual(['denied', expect.stringContaining('SASL')])
  })

  it('tells answers apart by their serial, in whatever order and pieces they come', async () => {
    const held: Uint8Array[] = []
    const line = lineTo(({ procedure, serial }) => {
      if (procedure === 66) return [message({ procedure, serial }, encode(AUTH_LIST.result, { types: [] }))]
      if (procedure === 1) return [message({ procedure, serial }, new Uint8Array())]
      held.push(message({ procedure, serial }, encode(GET_HOSTNAME.result, { hostname: `host-${serial}` })))
      if (held.length < 3) return []
      const all = held.toReversed().flatMap((each) => [...each])
      return Array.from({ length: Math.ceil(all.length / 7) }, (_, i) => Uint8Array.from(all.slice(7 * i, 7 * i + 7)))
    })
    const session = await openSession(line, 'qemu:///system')
    const answers = await Promise.all([1, 2, 3].map(() => session.call(GET_HOSTNAME, null)))
    expect(answers.map(({ hostname }) => hostname)).toEqual(['host-3', 'host-4', 'host-5'])
  })

  it('reads a thousand answers that come as one, and one that comes byte by byte', async () => {
    const answer = ({ procedure, serial }: { procedure: number; serial: number }) =>
      message({ procedure, serial }, encode(GET_HOSTNAME.result, { hostname: `host-${serial}` }))
    const held: Uint8Array[] = []
    const line = lineTo(({ procedure, serial }) => {
      if (procedure === 66) return [message({ procedure, serial }, encode(AUTH_LIST.result, { types: [] }))]
      if (procedure === 1) return [message({ procedure, serial }, new Uint8Array())]
      if (serial === 3) return Array.from(answer({ procedure, serial }), (byte) => Uint8Array.of(byte))
      held.push(answer({ procedure, serial }))
      return held.length < 1_000 ? [] : [joined(held)]
    })
    const session = await openSession(line, 'qemu:///system')
    expect(await session.call(GET_HOSTNAME, null)).toEqual({ hostname: 'host-3' })
    const answers = await Promise.all(Array.from({ length: 1_000 }, () => session.call(GET_HOSTNAME, null)))
    expect([answers[0], answers.at(-1)]).toEqual([{ hostname: 'host-4' }, { hostname: 'host-1003' }])
  })

  it('passes over events, which nobody asked for', async () => {
    const line = lineTo(({ procedure, serial }) => [
      message({ procedure: 318, type: 2, serial: 0 }, new Uint8Array(40)),
      message({ procedure, serial }, procedure === 66 ? encode(AUTH_LIST.result, { types: [] }) : new Uint8Array()),
    ])
    await openSession(line, 'qemu:///system')
  })

  it.each([
    [42, 'not_found', 'VIR_ERR_NO_DOMAIN'],
    [55, 'conflict', 'VIR_ERR_OPERATION_INVALID'],
    [3, 'definitive', 'VIR_ERR_NO_SUPPORT'],
    [88, 'denied', 'VIR_ERR_ACCESS_DENIED'],
    [9, 'ambiguous', 'VIR_ERR_OPERATION_FAILED'],
    [4711, 'ambiguous', 'VIR_ERR_4711'],
  ])('has error %i of libvirt as %s', async (number, code, cloudCode) => {
    const line = scripted([
      ...OPENS,
      plays(LIST_DOMAINS, () => {
        throw new Said(number, `secret path /var/lib/x${'x'.repeat(10_000)}`)
      }),
    ])
    const session = await openSession(line, 'qemu:///system')
    const error = await refused(session.call(LIST_DOMAINS, { wanted: 1, flags: 0 }))
    expect([error.code, error.detail.cloudCode]).toEqual([code, cloudCode])
    expect(error.message).not.toContain('secret')
    expect(error.detail.operatorMessage?.length).toBeLessThan(600)
  })
})

describe('many things of a host', () => {
  it('are asked for a few at a time, and come in their order', async () => {
    let [now, most] = [0, 0]
    const things = Array.from({ length: 40 }, (_, i) => i)
    const done = await fewAtATime(things, async (thing) => {
      most = Math.max(most, ++now)
      await new Promise((resolve) => setTimeout(resolve, thing % 3))
      now--
      return 2 * thing
    })
    expect(done).toEqual(things.map((thing) => 2 * thing))
    expect(most).toBe(5)
  })
})

describe('a host that is hostile, or no libvirt', () => {
  const cases: [string, Uint8Array[] | null, string][] = [
    ['hangs up', null, 'hung up'],
    ['tells a length that is none', [encode(uint, 3)], 'a message of 3 bytes'],
    ['tells a length beyond every limit', [encode(uint, 0x7fff_ffff)], 'a message of 2147483647 bytes'],
    ['speaks HTTP', [new TextEncoder().encode('HTTP/1.1 400 Bad Request\r\n\r\n')], 'a message of'],
    ['answers what was not asked', [message({ serial: 99 }, new Uint8Array())], 'not asked'],
    ['answers with half a body', [message({ serial: 1 }, new Uint8Array(2))], 'are left'],
    ['answers with a status that is none', [message({ serial: 1, status: 9 }, new Uint8Array())], 'a status of 9'],
    [
      'tells and tells what nobody listens to',
      Array(1_001).fill(message({ procedure: 318, type: 2, serial: 0 }, new Uint8Array(40))),
      'too much that was not asked',
    ],
    [
      'never ends',
      Array(9).fill(message({ procedure: 318, type: 2, serial: 0 }, new Uint8Array(33_554_432 - 28))),
      'more than 268435456 bytes',
    ],
    ['says nothing, and hangs up', [new Uint8Array(), new Uint8Array()], 'hung up'],
  ]
  it.each(cases)('%s: the answer is unclear, and whoever waits hears of it', async (_, said, why) => {
    const { code, detail } = await refused(openSession(closing(lineTo(() => said)), 'qemu:///system'))
    expect([code, detail.operatorMessage]).toEqual(['ambiguous', expect.stringContaining(why)])
  })

  /** One that hangs up when it has said what it had to say. */
  const closing = (line: Line): Line => ({
    ...line,
    send(bytes) {
      line.send(bytes)
      line.close()
    },
  })

  it('sends noise: refused, whatever it is', async () => {
    let state = 11
    const next = () => {
      state = (state * 1_103_515_245 + 12_345) % 2_147_483_648
      return state
    }
    for (let i = 0; i < 300; i++) {
      const noise = Uint8Array.from({ length: 1 + (next() % 90) }, () => (next() % 3 ? 0 : next() >> 8))
      await refused(openSession(closing(lineTo(() => [noise])), 'qemu:///system'))
    }
  })
})
