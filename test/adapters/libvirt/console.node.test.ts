import { describe, expect, it } from 'vitest'
import type { Brought, ConsoleType, Line, LineTo } from '../../../adapters/contract.ts'
import { libvirt } from '../../../adapters/libvirt/index.ts'
import { NAMESPACE, type Note, writeNote } from '../../../adapters/libvirt/marks.ts'
import * as calls from '../../../adapters/libvirt/wire/procedures.ts'
import { responseTo } from '../../../adapters/libvirt/wire/rfb.ts'
import { accepting, connection, lineTo, message, OPTIONS, plays, Said, surroundings } from './scripted.ts'

const UUID = 'ab9a9070-9fe1-49da-9cbd-2243b39ef98e'
const ID = `kvm1/${UUID}`
const VNC: ConsoleType = { protocol: 'vnc', type: 'novnc' }
const SERIAL: ConsoleType = { protocol: 'serial', type: 'serial' }
const HERE = 'qemu:///system'
const LISTENS =
  '<graphics type="vnc" port="5907" autoport="yes" listen="127.0.0.1"><listen type="address" address="127.0.0.1"/></graphics>'
const MADE = { size: 'k.tiny', image: '', configDrive: false, pool: 'disks' }
const [STREAM, MORE, OK] = [3, 2, 0]
const NONE = new Uint8Array()
const text = (bytes: Uint8Array | null) => bytes && new TextDecoder().decode(bytes)
const bytes = (said: string) => new TextEncoder().encode(said)

/** One end of a line, with what was sent to the other. */
const pipe = (answer: (said: Uint8Array, say: (bytes: Uint8Array) => void) => void, greeting = NONE) => {
  const ready: (Uint8Array | null)[] = greeting.length ? [greeting] : []
  let wake = () => {}
  const say = (piece: Uint8Array | null) => {
    ready.push(piece)
    wake()
  }
  const line: Line = {
    send: (said) => answer(said, say),
    async receive() {
      while (!ready.length) await new Promise<void>((resolve) => (wake = resolve))
      return ready.shift() ?? null
    },
    close: () => say(null),
  }
  return line
}

interface Scene {
  screen?: string
  runs?: boolean
  made?: Note['made'] | null
  deployment?: string
  uri?: string
  /** How often somebody else changes the password before it is used. */
  stolen?: number
}

/** A machine with a screen and a serial port, on a host with whatever is said of it. */
const stage = ({
  screen = LISTENS,
  runs = true,
  made = MADE,
  deployment = 'd1',
  uri = HERE,
  stolen = 0,
}: Scene = {}) => {
  const set: string[] = []
  const dialled: LineTo[] = []
  let password = ''
  const typed: string[] = []
  const mark = { deployment, project: 'p1', kind: 'server' as const, resource: UUID, token: 't1', epoch: 7 }
  const note = writeNote({ mark, host: 'kvm1', ...(made ? { made } : {}) }, UUID)
  const domain = { name: 'vm', uuid: UUID, id: runs ? 3 : -1 }
  const xml = `<domain><name>vm</name><uuid>${UUID}</uuid><metadata>${note.replace('<server>', `<server xmlns="${NAMESPACE}">`)}</metadata><memory>1</memory><vcpu>1</vcpu><devices>${screen}</devices></domain>`
  const script = [
    plays(calls.AUTH_LIST, () => ({ types: [] })),
    plays(calls.OPEN, () => null),
    plays(calls.GET_HOSTNAME, () => ({ hostname: 'kvm1' })),
    plays(calls.FIND_DOMAIN, () => ({ domain })),
    plays(calls.DOMAIN_XML, () => ({ xml })),
    plays(calls.DOMAIN_STATE, () => ({ state: runs ? 1 : 5, reason: 1 })),
    plays(calls.IS_PERSISTENT, () => ({ persistent: 1 })),
    plays(calls.HAS_SAVED, () => ({ result: 0 })),
    plays(calls.UPDATE_DEVICE, ({ xml: device, flags }) => {
      password = stolen-- > 0 ? 'theirs' : (/passwd="([^"]+)"/.exec(device)?.[1] ?? '')
      set.push(`${flags} ${/passwdValidTo="([^"]+)"/.exec(device)?.[1]}`)
      return null
    }),
  ]
  const host = () =>
    lineTo(({ procedure, serial, type, status }, body) => {
      if (type === STREAM) {
        if (status === OK) return [message({ procedure, serial, type: STREAM, status: OK }, NONE)]
        typed.push(text(body)!)
        return [message({ procedure, serial, type: STREAM, status: MORE }, bytes(text(body)!.toUpperCase()))]
      }
      if (procedure === calls.OPEN_CONSOLE.number) return [message({ procedure, serial }, NONE)]
      const play = script.find(({ number }) => number === procedure)
      if (!play) throw new Said(39, `unknown procedure: ${procedure}`)
      return [message({ procedure, serial }, play.answer(body))]
    })
  const challenge = Uint8Array.from({ length: 16 }, (_, i) => 255 - i)
  /** QEMU's screen, which then gives back what it is told. */
  const vnc = () => {
    let step = 0
    return pipe((said, say) => {
      if (step === 0) say(Uint8Array.of(1, 2))
      else if (step === 1) say(challenge)
      else if (step === 2) {
        const right = String(said) === String(responseTo(challenge, password))
        say(Uint8Array.of(0, 0, 0, right ? 0 : 1))
      } else say(said)
      step++
    }, bytes('RFB 003.008\n'))
  }
  const dial = async (to: LineTo): Promise<Line> => {
    dialled.push(to)
    return to.kind === 'unix' || (to.kind === 'tcp' && to.port === 16_509)
      ? host()
      : to.kind === 'tls'
        ? accepting(host())
        : vnc()
  }
  const options = { ...OPTIONS, hosts: [{ name: 'kvm1', uri }], plain_tcp: true }
  const cloud = libvirt.connect(connection({ options }), surroundings(dial))
  const consoles = cloud.server.remoteConsole as Brought
  const open = (type = VNC, limit = new AbortController().signal) => consoles.connect(ID, type, limit)
  return { consoles, open, set, dialled, typed, admit: (type = VNC) => consoles.admit(ID, type) }
}

/** Comes in as noVNC does. */
const shakeHands = async (screen: Line) => {
  const heard = [text(await screen.receive())]
  screen.send(bytes('RFB 003.008\n'))
  heard.push(String(await screen.receive()))
  screen.send(Uint8Array.of(1))
  heard.push(String(await screen.receive()))
  return heard
}

describe('the password of a screen', () => {
  it('answers a challenge as noVNC does', () => {
    const challenge = Uint8Array.from({ length: 16 }, (_, i) => i)
    const response = responseTo(challenge, 's3cr3t')
    expect(Buffer.from(response).toString('hex')).toBe('fad22eb56ea2791495fc75681a1e92a4')
  })
})

describe('the screen of a server that was made here', () => {
  it('is logged in to with a password of its own, which ends at once, and asks nobody for it', async () => {
    const { open, set, dialled } = stage()
    const screen = await open()
    expect(await shakeHands(screen)).toEqual(['RFB 003.008\n', '1,1', '0,0,0,0'])
    expect(set).toEqual(['1 2027-01-15T08:10:00', '1 1970-01-02T00:00:00'])
    expect(dialled.filter(({ kind }) => kind === 'tcp')).toEqual([{ kind: 'tcp', host: '127.0.0.1', port: 5907 }])
    screen.send(bytes('key'))
    expect(text(await screen.receive())).toBe('key')
  })

  it('is for who greets it in whatever pieces, and for nobody who speaks otherwise', async () => {
    const screen = await stage().open()
    await screen.receive()
    screen.send(bytes('RFB 003'))
    screen.send(bytes('.008\n\u0001and more'))
    expect([String(await screen.receive()), String(await screen.receive())]).toEqual(['1,1', '0,0,0,0'])
    expect(text(await screen.receive())).toBe('and more')
    for (const wrong of ['RFB 003.003\n', 'GET / HTTP/1.1\r\n\r\n', 'RFB 003.008\n\u0002']) {
      const other = await stage().open()
      await other.receive()
      other.send(bytes(wrong))
      expect(await other.receive()).toBeNull()
    }
  })

  it('is tried again where somebody else came at the same time, and not for ever', async () => {
    const { open, set } = stage({ stolen: 1 })
    expect(await shakeHands(await open())).toHaveLength(3)
    expect(set).toHaveLength(4)
    const busy = stage({ stolen: 99 })
    await expect(busy.open()).rejects.toMatchObject({ code: 'ambiguous' })
    expect(busy.set).toHaveLength(6)
  })

  it('is not there while it is off, and not for another deployment', async () => {
    await expect(stage({ runs: false }).admit()).rejects.toMatchObject({ code: 'conflict' })
    await expect(stage({ runs: false }).open()).rejects.toMatchObject({ code: 'conflict' })
    await expect(stage({ deployment: 'd2' }).open()).rejects.toMatchObject({ code: 'definitive' })
    await expect(stage({ deployment: 'd2' }).open(SERIAL)).rejects.toMatchObject({ code: 'definitive' })
  })

  it.each([
    ['of a host that only TLS leads to', { uri: 'qemu+tls://kvm1.example/system' }, /neither the TLS of libvirt leads/],
    ['at the other end of a tunnel', { uri: 'qemu+tcp://127.0.0.1/system' }, /nor its tunnel/],
    [
      'that speaks something else than VNC',
      { screen: '<graphics type="spice" port="5900"/>' },
      /no screen that speaks VNC/,
    ],
    [
      'at an address of the host',
      { screen: LISTENS.replaceAll('127.0.0.1', '192.0.2.7') },
      /not on its own host alone/,
    ],
  ])('%s is refused in words, before anybody has a URL', async (_, scene, words) => {
    const { admit, open, set } = stage(scene)
    await expect(admit()).rejects.toMatchObject({ code: 'definitive', message: expect.stringMatching(words) })
    await expect(open()).rejects.toMatchObject({ code: 'definitive' })
    // No password is set that nobody can use.
    expect(set).toEqual([])
  })
})

describe('the screen of a machine that was taken over', () => {
  it('keeps its password, which whoever comes is asked for', async () => {
    const { open, set } = stage({ made: null })
    const screen = await open()
    expect(text(await screen.receive())).toBe('RFB 003.008\n')
    screen.send(bytes('RFB 003.008\n'))
    expect(String(await screen.receive())).toBe('1,2')
    expect(set).toEqual([])
  })

  it('may be a socket of its host', async () => {
    const screen = '<graphics type="vnc" socket="/run/vm.sock"><listen type="socket" socket="/run/vm.sock"/></graphics>'
    const { open, dialled } = stage({ screen, made: null })
    await open()
    expect(dialled.at(-1)).toEqual({ kind: 'unix', path: '/run/vm.sock' })
  })
})

describe('a serial console', () => {
  it.each([HERE, 'qemu+tls://kvm1.example/system'])('is brought by libvirt itself: %s', async (uri) => {
    const { open, admit, typed } = stage({ uri })
    await admit(SERIAL)
    const serial = await open(SERIAL)
    serial.send(bytes('ls\n'))
    expect(text(await serial.receive())).toBe('LS\n')
    expect(typed).toEqual(['ls\n'])
    serial.close()
  })

  it('ends with whoever asked for it', async () => {
    const leaving = new AbortController()
    const serial = await stage().open(SERIAL, leaving.signal)
    leaving.abort()
    await expect(serial.receive()).rejects.toMatchObject({ code: 'ambiguous' })
  })

  it('waits for its guest where much is typed', async () => {
    const { open } = stage()
    const serial = await open(SERIAL)
    serial.send(bytes('a'.repeat(20_000)))
    await serial.drained?.()
    expect((await serial.receive())?.length).toBe(20_000)
  })
})
