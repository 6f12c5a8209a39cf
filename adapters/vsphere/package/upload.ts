import type { ImageData } from '../../contract.ts'
import { refuse } from '../../shared/refusals.ts'
import { type Member, membersOf } from '../../shared/tar.ts'
import { childrenOf, type Element, parseXml } from '../../shared/xml.ts'
import type { Context } from '../context.ts'
import { readVmdk, VMDK_HEADER } from './vmdk.ts'

/** A file on its way to a host, as a range of the uploaded data. */
export interface UploadedFile extends Member {
  /** From the manifest: WebCrypto's name of the algorithm, and the sum in hex. */
  sum: { algorithm: string; hex: string } | null
}
/** What was uploaded, opened: one disk, or a machine's description with its files. */
export type Upload =
  | { kind: 'disk'; files: [UploadedFile]; capacityKiB: number }
  | { kind: 'machine'; files: UploadedFile[]; descriptor: string }

const MOST_DESCRIPTOR = 1 << 20

/** Lines as `SHA256(disk1.vmdk)= 9f86…`. */
const sumsIn = (manifest: string): Map<string, UploadedFile['sum']> =>
  new Map(
    manifest.split('\n').flatMap((line) => {
      const [, bits, name, hex] = /^SHA-?(1|256|512)\s*\((.+)\)\s*=\s*([0-9a-f]+)\s*$/i.exec(line) ?? []
      return name ? [[name, { algorithm: `SHA-${bits}`, hex: hex!.toLowerCase() }] as const] : []
    }),
  )

const attribute = (element: Element, name: string): string | undefined =>
  [...element.attributes].find(([key]) => key === name || key.endsWith(`:${name}`))?.[1]

/** The files that a descriptor refers to. @throws `definitive` for packages that would have to be unpacked here */
const filesOf = (descriptor: string): string[] => {
  const envelope = readXml(descriptor)
  if (childrenOf(envelope, 'VirtualSystemCollection').length > 0)
    refuse('The OVA holds several machines; an image is one.')
  return childrenOf(envelope, 'References').flatMap((references) =>
    childrenOf(references, 'File').map((file) => {
      const href = attribute(file, 'href') ?? ''
      const packed = attribute(file, 'compression') ?? 'identity'
      if (packed !== 'identity' || attribute(file, 'chunkSize') !== undefined)
        refuse(`File ${href} of the OVA is compressed or cut into chunks; the disks have to be in it as they are.`)
      return href
    }),
  )
}

const readXml = (text: string): Element => {
  try {
    return parseXml(text)
  } catch {
    return refuse('The descriptor of the OVA is not XML that can be read.')
  }
}

/**
 * Opens uploaded data as far as its headers: what vSphere would not take is refused before anything is asked of it.
 * https://www.dmtf.org/standards/ovf (DSP0243: package, descriptor, manifest)
 * @throws `definitive` for what cannot be imported, in words
 */
export const openUpload = async ({ surroundings }: Context, data: ImageData): Promise<Upload> => {
  const read = async (offset: number, length: number): Promise<Uint8Array> =>
    new Uint8Array(await new Response(await surroundings.blobs.read(data.blob, { offset, length })).arrayBuffer())
  const sector = (offset: number, size: number) => read(offset, Math.min(size, VMDK_HEADER))

  if (data.format === 'vmdk/bare') {
    if (data.arch !== 'x86_64') refuse('A disk alone is taken for x86_64; for ARM an OVA has to name the guest.')
    const { capacityKiB } = readVmdk(await sector(0, data.sizeBytes))
    const disk = { name: 'disk.vmdk', offset: 0, size: data.sizeBytes, sum: null }
    return { kind: 'disk', files: [disk], capacityKiB }
  }
  if (data.format !== 'vmdk/ova') refuse(`This cloud imports no images of format ${data.format}.`)
  const members = await membersOf(read, data.sizeBytes)
  const [first] = members
  if (!first || !/\.ovf$/i.test(first.name) || first.size > MOST_DESCRIPTOR)
    return refuse('The OVA does not begin with the descriptor of its machine.')
  const bytes = await read(first.offset, first.size)
  const descriptor = new TextDecoder().decode(bytes)
  const manifest = members.find(({ name }) => /\.mf$/i.test(name) && name.length < 256)
  const sums =
    manifest && manifest.size <= MOST_DESCRIPTOR
      ? sumsIn(new TextDecoder().decode(await read(manifest.offset, manifest.size)))
      : new Map<string, UploadedFile['sum']>()
  await assertSum(bytes, sums.get(first.name) ?? null)
  const files: UploadedFile[] = []
  for (const name of filesOf(descriptor)) {
    const member =
      members.find((each) => each.name === name) ?? refuse(`The OVA lacks file ${name}, which its descriptor names.`)
    if (/\.vmdk$/i.test(name)) readVmdk(await sector(member.offset, member.size))
    files.push({ ...member, sum: sums.get(name) ?? null })
  }
  return { kind: 'machine', files, descriptor }
}

const assertSum = async (bytes: Uint8Array, sum: UploadedFile['sum']): Promise<void> => {
  if (!sum) return
  const digest = new Uint8Array(await crypto.subtle.digest(sum.algorithm, bytes as Uint8Array<ArrayBuffer>))
  const hex = [...digest].map((byte) => byte.toString(16).padStart(2, '0')).join('')
  if (hex !== sum.hex) refuse('The OVA is damaged: its descriptor is not the one of its manifest.')
}
