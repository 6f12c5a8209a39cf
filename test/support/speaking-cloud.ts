import type { Adapter, ConsoleType, Diagnostics, Line } from '../../adapters/contract.ts'
import { CloudError } from '../../adapters/errors.ts'
import { adapters } from '../../adapters/registry.ts'
import { sandbox } from '../../adapters/sandbox/index.ts'

/** What its consoles do, and how many are open. */
export const speaking = { off: false, floods: false, deaf: false, open: 0, taken: 0, sent: 0 }

/** What its guests were told, and why they do not do it; empty: they do. */
export const told = { passwords: [] as string[], refuses: '' }

const IDLE = { octets: 0, packets: 0, errors: 0, dropped: 0 }
/** What its machines have used; `off`: they turn out to be off. */
export const counted = {
  off: false,
  said: {
    driver: 'libvirt',
    hypervisor: 'kvm',
    memory: { maximumKiB: 524_288, told: { current: 262_144, rss: 300_000 } },
    cpus: [{ id: 0, time: 17_300_000_000 }],
    disks: [{ name: 'vda', reads: 112, readBytes: 262_144, writes: 48, writtenBytes: 12_288 }],
    cards: [{ name: 'vnet1', mac: 'fa:16:3e:00:00:01', received: { ...IDLE, octets: 2_070, packets: 26 }, sent: IDLE }],
  } satisfies Diagnostics as Diagnostics,
}

/** How often a guest is asked to shut down before it is started anew, and by which tokens it was. */
export const restarted = { patience: 0, tokens: [] as string[] }

const FLOOD = new Uint8Array(65_536)

/** A console that says hello, and then gives back what it is told; or one that never stops. */
const console_ = ({ protocol }: ConsoleType, limit: AbortSignal): Line => {
  const ready: Uint8Array[] = [new TextEncoder().encode(`hello by ${protocol}\n`)]
  let wake = () => {}
  let closed = false
  speaking.open++
  const close = () => {
    if (!closed) speaking.open--
    closed = true
    wake()
  }
  limit.addEventListener('abort', close)
  return {
    send(bytes) {
      speaking.taken += bytes.length
      ready.push(bytes)
      wake()
    },
    async receive() {
      while (!ready.length && !closed && !speaking.floods)
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      if (closed) return null
      if (!speaking.floods) return ready.shift()!
      speaking.sent += FLOOD.length
      return FLOOD
    },
    drained: async () => {
      if (speaking.deaf) await new Promise(() => {})
    },
    close,
  }
}

/** What the embedded cloud has no guests for. */
const SPOKEN = ['server.remote_console', 'server.change_password', 'server.diagnostics']

const cloud: Adapter = {
  ...sandbox,
  type: 'speaking',
  lacks: Object.fromEntries(Object.entries(sandbox.lacks).filter(([name]) => !SPOKEN.includes(name))),
  connect(connection, surroundings) {
    const { server, ...more } = sandbox.connect(connection, surroundings)
    return {
      ...more,
      server: {
        ...server,
        async diagnose() {
          if (counted.off) throw new CloudError('conflict', 'Only a server that runs has used anything.')
          return counted.said
        },
        async restart(id, token) {
          restarted.tokens.push(token)
          if (restarted.patience-- > 0) return 'going'
          await server.reboot(id, true)
          return 'done'
        },
        async changePassword(_, password) {
          if (told.refuses) throw new CloudError('conflict', told.refuses)
          told.passwords.push(password)
        },
        remoteConsole: {
          types: [
            { protocol: 'vnc', type: 'novnc' },
            { protocol: 'serial', type: 'serial' },
          ],
          async admit() {
            if (speaking.off) throw new CloudError('conflict', 'Only a server that runs has a console.')
          },
          async connect(_, type, limit) {
            if (speaking.off) throw new CloudError('conflict', 'Only a server that runs has a console.')
            return console_(type, limit)
          },
        },
      },
    }
  },
}

/** Registers the cloud type `speaking`: the embedded cloud, if its guests had consoles, and did as they are told. */
export const speakingCloudType = (): void => {
  adapters.speaking = async () => cloud
}
