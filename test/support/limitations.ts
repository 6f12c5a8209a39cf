import { type Adapter, CAPABILITIES } from '../../adapters/contract.ts'

/** A case of the adapter suite that a cloud does not pass, and why. */
export interface Limitation {
  title: string
  reason: string
}

/** What is true of every cloud in this version. */
const EVERYWHERE = [
  'Object storage is a reserved name in the catalogue: there is no service behind it yet.',
  'Allowed address pairs are kept exactly by the embedded cloud and on KVM hosts (IPv4 alone there). EC2 keeps no list: the check of source and destination of an interface with a pair is off, so its server may send from any address, and takes what is routed to it, as far as security groups let it; nothing is delivered to an address that is only a pair, unless a route leads there, and groups that name a group do not count pairs.',
  'A port has a QoS policy and options of DHCP where its cloud keeps to them: the embedded one does. No cloud marks packets (DSCP) or keeps bandwidth free, so rules that say so are in policies that nothing has.',
  'No cloud is asked to resolve names: `dns-integration` is not offered, and ports, networks and floating IPs have no `dns_name`. A guest is told its own name, which is that of its server.',
  'A network that has no segments lives on one cloud; whether segments of two clouds reach each other is wired by operators, who say so.',
  'A port has fixed IPv4 addresses of one subnet on EC2, the first of them for good; IPv6 subnets exist above the line only where a cloud carries them.',
  'Workers refuse private addresses: a cloud in a private network is reached from Node, or through a tunnel.',
  'Uploaded images are converted on Node alone, by `qemu-img`, where the machine has it and can keep it apart; elsewhere a cloud takes them in its own formats or not at all.',
  'A server that is refused for want of room goes on to no other zone or cloud once it has volumes, those that are made with it among them: they are in their zone.',
  'The block storage API takes a volume out of a server by the rules of the compute API, and says 409 where these do not allow it; Cinder says 409 to everybody but Nova. `os-force_detach` is bound by none.',
  'A volume is in one server at a time (no multiattach), and no guest is told tags of its devices: networks with one are refused, those of volumes are shown by the API alone.',
  'After an older database was put back, what it lost of a server has `delete_on_termination` as the cloud itself has it (false for what was made here, whose end is kept in a row alone), and of `boot_index` the disk that it boots from: clouds have no place for the rest.',
  'At most 100 networks, subnets, ports, or rules are made in one request.',
  'Request bodies are 1 MiB at most, but for image data; of that 100 MB pass a Worker, and any size passes Node.',
]

const PROVED = {
  real: 'on the real thing',
  simulator: 'on a simulator',
  schema: 'against a schema only',
}

/** The page of what does not work, from what the adapters and their tests themselves say. */
export const limitationsPage = (adapters: { adapter: Adapter; skipped: Limitation[] }[]): string =>
  [
    '# What Plimsoll cannot do',
    'Printed from the adapters and the skip lists of their tests: `npx vitest run test/limitations -u` writes it anew. An action that',
    'a cloud lacks is refused with 409 and the sentence below; `GET /broker/v1/capabilities` tells the same beforehand.',
    '',
    '## Everywhere',
    '',
    ...EVERYWHERE.map((each) => `- ${each}`),
    ...adapters.flatMap(({ adapter, skipped }) => section(adapter, skipped)),
    '',
  ]
    .join('\n')
    .replace('# What Plimsoll cannot do\n', '# What Plimsoll cannot do\n\n')

const section = (
  { type, runtimes, maturity, lacks, unverified = {}, reservedAddresses, imageFormats, wayOut = '' }: Adapter,
  skipped: Limitation[],
): string[] => {
  const { head, tail } = reservedAddresses
  const takes = imageFormats.length ? ` Takes uploaded images as ${imageFormats.join(', ')}.` : ''
  const unproved = CAPABILITIES.filter((name) => unverified[name] !== undefined)
  return [
    '',
    `## \`${type}\``,
    '',
    `Runs on ${runtimes.map((each) => (each === 'node' ? 'Node' : 'Workers')).join(' and ')}; proved ${PROVED[maturity]}. Keeps the first ${head} and the last ${tail} addresses of every subnet.${takes} ${wayOut}`.trimEnd(),
    '',
    '| not available | why |',
    '|---|---|',
    ...CAPABILITIES.filter((name) => lacks[name] !== undefined).map((name) => `| \`${name}\` | ${lacks[name]} |`),
    ...(unproved.length ? ['', 'There, and unverified:', ''] : []),
    ...unproved.map((name) => `- \`${name}\`: ${unverified[name]}`),
    ...(skipped.length ? ['', 'Cases of the shared suite that do not apply:', ''] : []),
    ...skipped.map(({ title, reason }) => `- ${title}: ${reason}`),
  ]
}
