import { describe, expect, it } from 'vitest'
import { AUTH_LIST, DOWNLOAD, FAULT, GET_HOSTNAME, OPEN, UPLOAD } from '../../../adapters/libvirt/wire/procedures.ts'
import { openSession } from '../../../adapters/libvirt/wire/session.ts'
import { readFrom, writeInto } from '../../../adapters/libvirt/wire/transfer.ts'
import { encode } from '../../../adapters/libvirt/wire/xdr.ts'
import { lineTo, message } from './scripted.ts'

const VOLUME = { pool: 'disks', name: 'v', key: '/disks/v' }
const [REPLY, STREAM] = [1, 3]
const [OK, ERROR, MORE] = [0, 1, 2]
const NONE = new Uint8Array()
const bytes = (length: number, from = 0) => Uint8Array.from({ length }, (_, i) => (from + i) & 255)

const fault = encode(FAULT, {
  ...{ code: 38, domain: 0, message: 'disk full', level: 2, int1: 0, int2: 0 },
  ...{ dom: null, str1: null, str2: null, str3: null, net: null },
})

type Answer = Parameters<typeof lineTo>[0]

/** A host that lets in, and does with transfers what the story says. */
const connected = async (transfer: Answer) =>
  openSession(
    lineTo((header, body) => {
      const { procedure, serial } = header
      if (procedure === AUTH_LIST.number)
        return [message({ procedure, serial }, encode(AUTH_LIST.result, { types: [] }))]
      if (procedure === OPEN.number) return [message({ procedure, serial }, NONE)]
      if (procedure === GET_HOSTNAME.number)
        return [message({ procedure, serial }, encode(GET_HOSTNAME.result, { hostname: 'kvm1' }))]
      return transfer(header, body)
    }),
    'qemu:///system',
  )

describe('bytes of a volume', () => {
  it('are read to their end, whatever comes before the answer to the call', async () => {
    const [first, second] = [bytes(1_000), bytes(500, 7)]
    const session = await connected(({ procedure, serial, type }) => {
      const say = (status: number, body: Uint8Array) => message({ procedure, serial, type: STREAM, status }, body)
      if (type === STREAM) return [say(OK, NONE)]
      return [say(MORE, first), message({ procedure, serial, type: REPLY }, NONE), say(MORE, second), say(MORE, NONE)]
    })
    expect(await readFrom(session, VOLUME, { most: 10_000 })).toEqual(Uint8Array.from([...first, ...second]))
    expect(await readFrom(session, VOLUME, { most: 600 })).toEqual(Uint8Array.from([...first.slice(-100), ...second]))
  })

  it('are written in pieces, and the host has the last word', async () => {
    const got: number[] = []
    let offset = -1
    const session = await connected(({ procedure, serial, type, status }, body) => {
      if (type !== STREAM) {
        offset = UPLOAD.args.read({ bytes: body, at: 0 }).offset
        return [message({ procedure, serial }, NONE)]
      }
      got.push(body.length)
      return status === OK ? [message({ procedure, serial, type: STREAM, status: OK }, NONE)] : []
    })
    expect(await writeInto(session, VOLUME, 65_536, [bytes(300_000), bytes(10)])).toBe(300_010)
    expect([offset, got]).toEqual([65_536, [262_120, 37_880, 10, 0]])
  })

  it('end where there is no more time, with how far they came', async () => {
    const session = await connected(({ procedure, serial, type, status }) =>
      type === STREAM && status !== OK
        ? []
        : [message({ procedure, serial, type: type === STREAM ? STREAM : REPLY, status: OK }, NONE)],
    )
    expect(await writeInto(session, VOLUME, 0, [bytes(10), bytes(10), bytes(10)], () => false)).toBe(10)
  })

  it('are not there where the host says so, at once or in the middle', async () => {
    const atOnce = await connected(({ procedure, serial }) => [message({ procedure, serial, status: ERROR }, fault)])
    await expect(readFrom(atOnce, VOLUME, { most: 10 })).rejects.toMatchObject({
      code: 'ambiguous',
      detail: { operatorMessage: expect.stringContaining('disk full') },
    })
    const later = await connected(({ procedure, serial, type, status }) =>
      type === STREAM
        ? status === OK
          ? [message({ procedure, serial, type: STREAM, status: ERROR }, fault)]
          : []
        : [message({ procedure, serial }, NONE)],
    )
    await expect(writeInto(later, VOLUME, 0, [bytes(10)])).rejects.toMatchObject({
      detail: { cloudCode: 'VIR_ERR_SYSTEM_ERROR' },
    })
    expect((await later.call(GET_HOSTNAME, null)).hostname).toBe('kvm1')
  })

  it('of a transfer that nobody asked for are no answer', async () => {
    const session = await connected(({ procedure, serial }) => [
      message({ procedure, serial: serial + 100, type: STREAM, status: MORE }, bytes(10)),
      message({ procedure, serial }, NONE),
      message({ procedure, serial, type: STREAM, status: MORE }, NONE),
      message({ procedure, serial, type: STREAM, status: OK }, NONE),
    ])
    expect(await readFrom(session, VOLUME, { most: 10 })).toEqual(NONE)
    expect(DOWNLOAD.number).toBe(209)
  })
})
