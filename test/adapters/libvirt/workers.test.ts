import { describe, expect, it } from 'vitest'
import type { Line, LineTo } from '../../../adapters/contract.ts'
import { libvirt } from '../../../adapters/libvirt/index.ts'
import { AUTH_LIST, SASL_BEGIN, SASL_WAYS } from '../../../adapters/libvirt/wire/procedures.ts'
import { type Connect, dialBy } from '../../../functions/runtime/sockets.ts'
import { estate, IDS } from './estate.ts'
import { connection, plays, surroundings } from './scripted.ts'

/** A socket of Workers behind which a host is. */
const plugTo = (line: Line): ReturnType<Connect> => ({
  opened: Promise.resolve({}),
  readable: new ReadableStream<Uint8Array>({
    async pull(controller) {
      const piece = await line.receive()
      if (piece) controller.enqueue(piece)
      else controller.close()
    },
  }),
  writable: new WritableStream<Uint8Array>({ write: (bytes) => line.send(bytes) }),
  close: async () => line.close(),
})

const asking = (said: string[]) => [
  plays(AUTH_LIST, () => ({ types: [1] })),
  plays(SASL_WAYS, () => ({ mechanisms: 'PLAIN' })),
  plays(SASL_BEGIN, ({ data }) => {
    said.push(String.fromCharCode(...data))
    return { complete: 1, empty: 1, data: [] }
  }),
]

describe('from Workers a KVM host', () => {
  const credentials = { username: 'plimsoll', password: 'tea' }

  it('is reached over a socket with TLS, and logged in to', async () => {
    const [said, asked] = [[] as string[], [] as unknown[]]
    const dial = dialBy((...how) => {
      asked.push(how)
      return plugTo(estate().line(asking(said)))
    })
    const around = { ...surroundings((to: LineTo) => dial(to, null, () => false)), runtime: 'workers' as const }
    const { server } = libvirt.connect(connection({ credentials }), around)
    const { items, complete } = await server.list()
    expect([complete, items.map(({ id }) => id)]).toEqual([true, [IDS.web, IDS.db]])
    expect(said).toEqual(['\0plimsoll\0tea'])
    expect(asked).toEqual([
      [
        { hostname: 'kvm1.example', port: 16_514 },
        { secureTransport: 'on', allowHalfOpen: false },
      ],
    ])
  })

  it('is reached by no other way, and believed for nothing else', async () => {
    const dial = dialBy(() => expect.fail('nothing is asked for'))
    const tls = { kind: 'tls', host: 'kvm1.example', port: 16_514, client: null } as const
    const never = () => false
    await expect(dial({ kind: 'tcp', host: 'kvm1.example', port: 1 }, null, never)).rejects.toThrow('TLS alone')
    const client = { certificate: 'c', key: 'k' }
    await expect(dial({ ...tls, client }, null, never)).rejects.toThrow('no certificate')
    await expect(dial(tls, { ca: 'x' } as never, never)).rejects.toThrow('public authorities alone')
  })

  it('that cannot be reached is closed, and says why', async () => {
    const closed: string[] = []
    const dial = dialBy(() => ({
      ...plugTo(estate().line()),
      opened: Promise.reject(new Error('proxy request failed')),
      close: async () => void closed.push('closed'),
    }))
    const tls = { kind: 'tls', host: 'kvm1.example', port: 16_514, client: null } as const
    await expect(dial(tls, null, () => false)).rejects.toThrow('proxy request failed')
    expect(closed).toEqual(['closed'])
  })
})
