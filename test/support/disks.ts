/** Small images of every kind that is looked into: real headers over bytes that are different everywhere. */

const GIB = 2 ** 30
const SECTOR = 512
const encode = (text: string) => Uint8Array.from(text, (letter) => letter.charCodeAt(0))

const laid = (size: number, ...parts: [at: number, bytes: Uint8Array][]): Uint8Array<ArrayBuffer> => {
  const bytes = new Uint8Array(size)
  for (const [at, part] of parts) bytes.set(part, at)
  return bytes
}
const big = (value: number, length = 8) =>
  Uint8Array.from({ length }, (_, i) => Math.floor(value / 256 ** (length - 1 - i)) % 256)
const little = (value: number, length = 8) => big(value, length).reverse()

/** Bytes that a seed fixes and nobody would guess. */
export const noise = (size: number, seed = 1): Uint8Array<ArrayBuffer> => {
  const bytes = new Uint8Array(size)
  let state = seed
  for (let i = 0; i < size; i++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    bytes[i] = state >>> 24
  }
  return bytes
}

/** A disk as it is, with a hole of zeros in the middle of it. */
export const rawDisk = (size = 1_600_000): Uint8Array<ArrayBuffer> => {
  const bytes = noise(size)
  bytes.fill(0, 524_288, Math.min(size, 1_048_576))
  return bytes
}

export const qcow2Disk = ({ virtual = 2 * GIB, backing = 0, incompatible = 0 } = {}): Uint8Array<ArrayBuffer> =>
  laid(
    196_608,
    [0, encode('QFI\xfb')],
    [4, big(3, 4)],
    [8, big(backing)],
    [24, big(virtual)],
    [72, big(incompatible)],
    [65_536, noise(65_536)],
  )

export const vmdkDisk = ({ virtual = 3 * GIB, type = 'streamOptimized' } = {}): Uint8Array<ArrayBuffer> => {
  const descriptor = `# Disk DescriptorFile\nversion=1\nCID=fffffffe\nparentCID=ffffffff\ncreateType="${type}"\nRDONLY ${virtual / SECTOR} SPARSE "disk.vmdk"\nddb.adapterType = "lsilogic"\n`
  return laid(
    131_072,
    [0, encode('KDMV')],
    [4, little(3, 4)],
    [8, little(0x30001, 4)],
    [12, little(virtual / SECTOR)],
    [20, little(128)],
    [28, little(1)],
    [36, little(20)],
    [44, little(512, 4)],
    [56, Uint8Array.of(255, 255, 255, 255, 255, 255, 255, 255)],
    [64, little(128)],
    [73, encode('\n \r\n')],
    [77, little(1, 2)],
    [SECTOR, encode(descriptor)],
    [65_536, noise(65_536)],
  )
}

export const vhdDisk = (virtual = 4 * GIB): Uint8Array<ArrayBuffer> => {
  const footer = laid(SECTOR, [0, encode('conectix')], [48, big(virtual)])
  return laid(66_048, [0, noise(65_536)], [65_536, footer])
}
export const vhdxDisk = () => laid(70_000, [0, encode('vhdxfile')])
export const vdiDisk = (virtual = 5 * GIB) =>
  laid(
    70_000,
    [0, encode('<<< Image >>>\n')],
    [64, Uint8Array.of(0x7f, 0x10, 0xda, 0xbe)],
    [76, Uint8Array.of(1)],
    [368, little(virtual)],
  )
export const isoDisk = () => laid(70_000, [0x8001, encode('CD001')])

/** https://www.gnu.org/software/tar/manual/html_node/Standard.html */
const member = (name: string, content: Uint8Array): Uint8Array => {
  const octal = (value: number, length: number) => encode(`${value.toString(8).padStart(length - 1, '0')}\0`)
  const head = laid(
    SECTOR,
    [0, encode(name)],
    [100, octal(0o644, 8)],
    [108, octal(0, 8)],
    [116, octal(0, 8)],
    [124, octal(content.length, 12)],
    [136, octal(0, 12)],
    [148, encode('        ')],
    [156, encode('0')],
    [257, encode('ustar\0')],
    [263, encode('00')],
  )
  const sum = head.reduce((total, byte) => total + byte, 0)
  head.set(encode(`${sum.toString(8).padStart(6, '0')}\0 `), 148)
  return laid(SECTOR + Math.ceil(content.length / SECTOR) * SECTOR, [0, head], [SECTOR, content])
}

const joined = (parts: Uint8Array[]): Uint8Array<ArrayBuffer> => {
  const size = parts.reduce((total, part) => total + part.length, 0)
  let at = 0
  return laid(
    size,
    ...parts.map((part): [number, Uint8Array] => {
      at += part.length
      return [at - part.length, part]
    }),
  )
}

const ovf = (diskBytes: number, capacityGiB: number) => `<?xml version="1.0" encoding="UTF-8"?>
<Envelope xmlns="http://schemas.dmtf.org/ovf/envelope/1" xmlns:ovf="http://schemas.dmtf.org/ovf/envelope/1"
  xmlns:rasd="http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_ResourceAllocationSettingData"
  xmlns:vssd="http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_VirtualSystemSettingData">
  <References><File ovf:href="disk.vmdk" ovf:id="file1" ovf:size="${diskBytes}"/></References>
  <DiskSection><Info>Disks</Info><Disk ovf:capacity="${capacityGiB}" ovf:capacityAllocationUnits="byte * 2^30" ovf:diskId="vmdisk1" ovf:fileRef="file1" ovf:format="http://www.vmware.com/interfaces/specifications/vmdk.html#streamOptimized"/></DiskSection>
  <VirtualSystem ovf:id="small"><Info>A small machine</Info><Name>small</Name>
    <OperatingSystemSection ovf:id="101"><Info>Its system</Info></OperatingSystemSection>
    <VirtualHardwareSection><Info>Its hardware</Info>
      <System><vssd:ElementName>Virtual Hardware Family</vssd:ElementName><vssd:InstanceID>0</vssd:InstanceID><vssd:VirtualSystemIdentifier>small</vssd:VirtualSystemIdentifier><vssd:VirtualSystemType>vmx-13</vssd:VirtualSystemType></System>
      <Item><rasd:ElementName>1 virtual CPU</rasd:ElementName><rasd:InstanceID>1</rasd:InstanceID><rasd:ResourceType>3</rasd:ResourceType><rasd:VirtualQuantity>1</rasd:VirtualQuantity></Item>
      <Item><rasd:AllocationUnits>byte * 2^20</rasd:AllocationUnits><rasd:ElementName>512 MB of memory</rasd:ElementName><rasd:InstanceID>2</rasd:InstanceID><rasd:ResourceType>4</rasd:ResourceType><rasd:VirtualQuantity>512</rasd:VirtualQuantity></Item>
      <Item><rasd:Address>0</rasd:Address><rasd:ElementName>SCSI controller</rasd:ElementName><rasd:InstanceID>3</rasd:InstanceID><rasd:ResourceSubType>lsilogic</rasd:ResourceSubType><rasd:ResourceType>6</rasd:ResourceType></Item>
      <Item><rasd:AddressOnParent>0</rasd:AddressOnParent><rasd:ElementName>disk0</rasd:ElementName><rasd:HostResource>ovf:/disk/vmdisk1</rasd:HostResource><rasd:InstanceID>4</rasd:InstanceID><rasd:Parent>3</rasd:Parent><rasd:ResourceType>17</rasd:ResourceType></Item>
    </VirtualHardwareSection>
  </VirtualSystem>
</Envelope>
`

/** An archive of an OVF and its one disk. */
export const ovaArchive = ({ virtual = 3 * GIB } = {}): Uint8Array<ArrayBuffer> => {
  const disk = vmdkDisk({ virtual })
  const text = new TextEncoder().encode(ovf(disk.length, virtual / GIB))
  return joined([member('small.ovf', text), member('disk.vmdk', disk), new Uint8Array(2 * SECTOR)])
}

/** What a cloud can be handed, by the adapter's name of the format. */
const DISKS: Record<string, () => Uint8Array<ArrayBuffer>> = {
  'raw/bare': rawDisk,
  'qcow2/bare': qcow2Disk,
  'vmdk/bare': vmdkDisk,
  'vmdk/ova': ovaArchive,
}

/** An image in the first of these formats that there is one of. */
export const diskIn = (formats: string[]): { format: string; bytes: Uint8Array<ArrayBuffer> } => {
  const format = formats.find((each) => Object.hasOwn(DISKS, each))
  if (format === undefined) throw new Error(`no disk in any of ${formats.join(', ')}`)
  return { format, bytes: DISKS[format]!() }
}
