import type { Entities } from '../records/entities.ts'
import { digest } from '../records/hash.ts'

type Line = [share: number, text: string]

const uuid = (seed: string): string => {
  const hex = digest(seed) + digest(`${seed}+`)
  return [hex.slice(0, 8), hex.slice(8, 12), `4${hex.slice(13, 16)}`, `a${hex.slice(17, 20)}`, hex.slice(20, 32)].join(
    '-',
  )
}

/** The host name that cloud-init derives from a server's name. */
const hostname = (name: string): string =>
  name
    .toLowerCase()
    .replace(/[^a-z0-9-]+/g, '-')
    .replace(/^-+|(?<!-)-+$/g, '') || 'localhost'

const networkLines = (ports: Entities['port'][]): Line[] => {
  const rule = '++++++++++++++++++++++++++++++++++++++++Net device info++++++++++++++++++++++++++++++++++++++++'
  const rows = ports.flatMap(({ spec: { mac, addresses } }, i) =>
    addresses.map(({ address }) => `ci-info: | eth${i} | True | ${address.padEnd(39)} | global | ${mac} |`),
  )
  return [`ci-info: ${rule}`, ...rows, 'ci-info: | lo   | True | 127.0.0.1 | host | . |'].map((text) => [0.55, text])
}

/** What the guest writes while it boots: the later a line's share, the later it appears. */
const lines = (server: Entities['server'], ports: Entities['port'][]): Line[] => {
  const { spec } = server
  // One that an earlier version made may not say what its guest found.
  const { userDataBytes, authorized } = server.guest ?? { userDataBytes: 0, authorized: null }
  const host = hostname(server.name)
  const source = spec.configDrive ? 'DataSourceConfigDrive [net,ver=2][source=/dev/sr0]' : 'DataSourceSandbox'
  const cards: Line[] = ports.map(({ spec: { mac } }, i) => [
    0.2,
    `virtio_net virtio${i} eth${i}: link up, hwaddr ${mac}`,
  ])
  return [
    [0, 'Linux version 6.12.0-sandbox (builder@sandbox) #1 SMP'],
    [0, `Command line: BOOT_IMAGE=/boot/vmlinuz root=UUID=${uuid(server.id)} ro console=ttyS0`],
    [0.05, `DMI: Sandbox ${server.size}, BIOS 1.0`],
    [0.1, `smpboot: Allowing ${spec.size.vcpus} CPUs, 0 hotplug CPUs`],
    [0.15, `Memory: ${spec.size.ramMiB * 1024}K available`],
    ...cards,
    [0.3, 'EXT4-fs (vda1): mounted filesystem with ordered data mode'],
    [0.4, `systemd[1]: Hostname set to <${host}>.`],
    [0.5, `cloud-init[412]: Cloud-init v. 24.4 running 'init'. Datasource ${source}.`],
    ...(server.guest?.drive ?? []).map(({ path, bytes }): Line => [0.52, `config-2: ${path}, ${bytes} bytes`]),
    ...networkLines(ports),
    [0.7, `cloud-init[412]: user-data: ${userDataBytes} bytes`],
    ...(authorized === null ? [] : [[0.75, `ci-info: authorized key for user cloud: ${authorized}`] as Line]),
    [0.9, `cloud-init[520]: Cloud-init v. 24.4 finished. Datasource ${source}.`],
    [1, `${host} login: `],
  ]
}

/** The console as it stands: it grows while the guest boots and stays when the guest goes off. */
export const consoleText = (
  server: Entities['server'],
  ports: Entities['port'][],
  now: number,
  bootMs: number,
): string => {
  const ran = Math.min(now, server.offAt ?? now) - server.bootAt
  if (ran < 0) return ''
  const written = lines(server, ports).filter(([share]) => share * bootMs <= ran)
  const text = written.map(([share, line]) => `[${((share * bootMs) / 1000).toFixed(6).padStart(12)}] ${line}\n`)
  return text.join('')
}
