import { expect, it } from 'vitest'
import type { Line } from '../../../adapters/contract.ts'
import { libvirt } from '../../../adapters/libvirt/index.ts'
import { AUTH_LIST, LIFE, LISTEN, OPEN } from '../../../adapters/libvirt/wire/procedures.ts'
import { encode } from '../../../adapters/libvirt/wire/xdr.ts'
import { accepting, connection, lineTo, message, OPTIONS, surroundings } from './scripted.ts'

const UUID = 'ab9a9070-9fe1-49da-9cbd-2243b39ef98e'
const told = (number: number) =>
  message(
    { procedure: number, type: 2, serial: 0 },
    encode(LIFE.told, { callback: 1, domain: { name: 'web', uuid: UUID, id: -1 }, event: 5, detail: 0 }),
  )

/** A host that tells of a domain once it is listened to, and then hangs up or stays; or does not even say that it does. */
const telling = (then: 'stays' | 'hangs up' | 'is mute'): Line => {
  const line = lineTo(({ procedure, serial }) => {
    const answer = (body: Uint8Array) => message({ procedure, serial }, body)
    if (procedure === AUTH_LIST.number) return [answer(encode(AUTH_LIST.result, { types: [] }))]
    if (procedure === OPEN.number) return [answer(new Uint8Array())]
    if (procedure !== LISTEN.number) return null
    if (then === 'is mute') return []
    // What is no event of life is passed over, and what happens twice is told once.
    return [answer(encode(LISTEN.result, { callback: 1 })), told(319), told(LIFE.number), told(LIFE.number)]
  })
  const { send } = line
  return accepting({
    ...line,
    send(bytes) {
      send(bytes)
      if (then === 'hangs up' && new DataView(bytes.buffer).getUint32(12) === LISTEN.number) line.close()
    },
  })
}

it('what happens to a domain is told as it happens, and a host that hangs up is listened to again', async () => {
  const two = connection({
    options: { ...OPTIONS, hosts: [...OPTIONS.hosts, { name: 'kvm2', uri: 'qemu+tls://kvm2.example/system' }] },
  })
  let dialled = 0
  const pauses: number[] = []
  const around = {
    ...surroundings(async (to) => {
      if (to.kind !== 'tls' || to.host !== 'kvm1.example') throw new Error('connect ECONNREFUSED')
      return telling(++dialled < 3 ? 'hangs up' : 'stays')
    }),
    // A pause before the next try passes at once; one between looks at a line never does.
    sleep: (ms: number) => {
      pauses.push(ms)
      return ms > 5_000 ? new Promise<void>(() => {}) : new Promise<void>((resolve) => setTimeout(resolve, 1))
    },
  }
  const ending = new AbortController()
  const heard: string[] = []
  for await (const changes of libvirt.connect(two, around).watch!(ending.signal)) {
    heard.push(...changes.map(({ kind, id }) => `${kind} ${id}`))
    if (heard.length === 3) ending.abort()
  }
  expect(heard).toEqual(Array(3).fill(`server kvm1/${UUID}`))
  expect(pauses).toContain(5_000)
})

it.each<[string, () => Line]>([
  ['lets nobody in', () => lineTo(() => [])],
  ['does not answer who wants to listen', () => telling('is mute')],
])('a host that %s is given up in time, and tried again', async (_, line) => {
  let dialled = 0
  const around = { ...surroundings(async () => (++dialled < 3 ? line() : telling('stays'))), timeoutMs: 20 }
  const ending = new AbortController()
  const sleep = (ms: number) => (ms > 5_000 ? new Promise<void>(() => {}) : Promise.resolve())
  for await (const _changes of libvirt.connect(connection(), { ...around, sleep }).watch!(ending.signal)) ending.abort()
  expect(dialled).toBeGreaterThanOrEqual(3)
})
