/** Small disks and packages as other tools write them, made byte by byte. */

const SECTOR = 512
const GRAIN_SECTORS = 128
/** Entries of a grain table. */
const ENTRIES = 512

const bytesOf = async (stream: ReadableStream<Uint8Array>): Promise<Uint8Array> =>
  new Uint8Array(await new Response(stream).arrayBuffer())
const deflate = (data: Uint8Array<ArrayBuffer>): Promise<Uint8Array> =>
  bytesOf(new Blob([data]).stream().pipeThrough(new CompressionStream('deflate')))

const joined = (parts: Uint8Array[]): Uint8Array<ArrayBuffer> => {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}
const padded = (part: Uint8Array): Uint8Array => joined([part, new Uint8Array(-part.length & (SECTOR - 1))])
const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text)

/** The sparse header: `gdOffset` all ones says that the directory is at the end. */
const header = (capacity: number, gdOffset: bigint, streamed: boolean): Uint8Array => {
  const sector = new Uint8Array(SECTOR)
  const view = new DataView(sector.buffer)
  sector.set(utf8('KDMV'))
  view.setUint32(4, streamed ? 3 : 1, true)
  view.setUint32(8, streamed ? 0x30001 : 0x3, true)
  view.setBigUint64(12, BigInt(capacity), true)
  view.setBigUint64(20, BigInt(GRAIN_SECTORS), true)
  view.setBigUint64(28, 1n, true)
  view.setBigUint64(36, 20n, true)
  view.setUint32(44, ENTRIES, true)
  view.setBigUint64(56, gdOffset, true)
  view.setBigUint64(64, BigInt(GRAIN_SECTORS), true)
  sector.set(utf8('\n \r\n'), 73)
  view.setUint16(77, streamed ? 1 : 0, true)
  return sector
}

/** A marker takes a sector of its own: how many sectors follow, and of what. */
const marker = (sectors: number, type: number): Uint8Array => {
  const sector = new Uint8Array(SECTOR)
  const view = new DataView(sector.buffer)
  view.setBigUint64(0, BigInt(sectors), true)
  view.setUint32(12, type, true)
  return sector
}

/** A stream-optimised VMDK of `mib` MiB whose first grain says `content`. */
export const streamOptimized = async (mib: number, content: string): Promise<Uint8Array<ArrayBuffer>> => {
  const capacity = mib * 2048
  const descriptor = new Uint8Array(20 * SECTOR)
  descriptor.set(
    utf8(
      `# Disk DescriptorFile\nversion=1\nCID=fffffffe\nparentCID=ffffffff\ncreateType="streamOptimized"\n\nRDONLY ${capacity} SPARSE "disk.vmdk"\n\nddb.adapterType = "lsilogic"\nddb.geometry.sectors = "63"\n`,
    ),
  )
  const grain = new Uint8Array(GRAIN_SECTORS * SECTOR)
  grain.set(utf8(content))
  const packed = await deflate(grain)
  const grainHead = new Uint8Array(12)
  new DataView(grainHead.buffer).setUint32(8, packed.length, true)
  const parts = [
    header(capacity, 0xffff_ffff_ffff_ffffn, true),
    descriptor,
    new Uint8Array((GRAIN_SECTORS - 21) * SECTOR),
    padded(joined([grainHead, packed])),
  ]
  const at = () => parts.reduce((sum, part) => sum + part.length, 0) / SECTOR
  const table = new Uint8Array(ENTRIES * 4)
  new DataView(table.buffer).setUint32(0, GRAIN_SECTORS, true)
  parts.push(marker(table.length / SECTOR, 1))
  const tableAt = at()
  parts.push(table)
  const directory = padded(new Uint8Array(4 * Math.ceil(capacity / GRAIN_SECTORS / ENTRIES)))
  new DataView(directory.buffer).setUint32(0, tableAt, true)
  parts.push(marker(directory.length / SECTOR, 2))
  const directoryAt = at()
  parts.push(directory, marker(1, 3), header(capacity, BigInt(directoryAt), true), new Uint8Array(SECTOR))
  return joined(parts)
}

/** The head of a sparse disk as `qemu-img` writes it without further words. */
export const monolithicSparse = (mib: number): Uint8Array =>
  joined([header(mib * 2048, 26n, false), new Uint8Array(8192)])

export interface Packed {
  name: string
  data: Uint8Array
}

/** A tar archive in the POSIX form. */
export const tar = (files: Packed[]): Uint8Array<ArrayBuffer> =>
  joined([
    ...files.flatMap(({ name, data }) => {
      const head = new Uint8Array(SECTOR)
      head.set(utf8(name).slice(0, 100))
      head.set(utf8('0000644\0'), 100)
      head.set(utf8(`${data.length.toString(8).padStart(11, '0')}\0`), 124)
      head.set(utf8('00000000000\0'), 136)
      head.set(utf8('        '), 148)
      head.set(utf8('0ustar\x0000'), 156)
      const sum = head.reduce((total, byte) => total + byte, 0)
      head.set(utf8(`${sum.toString(8).padStart(6, '0')}\0 `), 148)
      return [head, padded(data)]
    }),
    new Uint8Array(2 * SECTOR),
  ])

const hex = async (algorithm: string, data: Uint8Array): Promise<string> =>
  [...new Uint8Array(await crypto.subtle.digest(algorithm, data as Uint8Array<ArrayBuffer>))]
    .map((byte) => byte.toString(16).padStart(2, '0'))
    .join('')

/** The descriptor of a machine with one disk and one card. */
export const ovf = (disk: { name: string; size: number; mib: number }, more = ''): string =>
  `<?xml version="1.0" encoding="UTF-8"?>
<Envelope xmlns="http://schemas.dmtf.org/ovf/envelope/1" xmlns:ovf="http://schemas.dmtf.org/ovf/envelope/1" xmlns:rasd="http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_ResourceAllocationSettingData" xmlns:vssd="http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_VirtualSystemSettingData" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
  <References><File ovf:href="${disk.name}" ovf:id="file1" ovf:size="${disk.size}"${more}/></References>
  <DiskSection><Info>Disks</Info><Disk ovf:capacity="${disk.mib}" ovf:capacityAllocationUnits="byte * 2^20" ovf:diskId="vmdisk1" ovf:fileRef="file1" ovf:format="http://www.vmware.com/interfaces/specifications/vmdk.html#streamOptimized"/></DiskSection>
  <NetworkSection><Info>Networks</Info><Network ovf:name="VM Network"><Description>VM Network</Description></Network></NetworkSection>
  <VirtualSystem ovf:id="appliance">
    <Info>A machine</Info>
    <Name>appliance</Name>
    <OperatingSystemSection ovf:id="96"><Info>Guest</Info></OperatingSystemSection>
    <ProductSection><Info>Properties</Info><Property ovf:key="user-data" ovf:type="string" ovf:userConfigurable="true" ovf:value=""/></ProductSection>
    <VirtualHardwareSection>
      <Info>Hardware</Info>
      <System><vssd:ElementName>Hardware</vssd:ElementName><vssd:InstanceID>0</vssd:InstanceID><vssd:VirtualSystemIdentifier>appliance</vssd:VirtualSystemIdentifier><vssd:VirtualSystemType>vmx-15</vssd:VirtualSystemType></System>
      <Item><rasd:Description>CPUs</rasd:Description><rasd:ElementName>CPUs</rasd:ElementName><rasd:InstanceID>1</rasd:InstanceID><rasd:ResourceType>3</rasd:ResourceType><rasd:VirtualQuantity>1</rasd:VirtualQuantity></Item>
      <Item><rasd:Description>Memory</rasd:Description><rasd:ElementName>Memory</rasd:ElementName><rasd:InstanceID>2</rasd:InstanceID><rasd:ResourceType>4</rasd:ResourceType><rasd:VirtualQuantity>512</rasd:VirtualQuantity></Item>
      <Item><rasd:Address>0</rasd:Address><rasd:ElementName>SCSI 0</rasd:ElementName><rasd:InstanceID>3</rasd:InstanceID><rasd:ResourceSubType>lsilogic</rasd:ResourceSubType><rasd:ResourceType>6</rasd:ResourceType></Item>
      <Item><rasd:AddressOnParent>0</rasd:AddressOnParent><rasd:ElementName>Disk 1</rasd:ElementName><rasd:HostResource>ovf:/disk/vmdisk1</rasd:HostResource><rasd:InstanceID>4</rasd:InstanceID><rasd:Parent>3</rasd:Parent><rasd:ResourceType>17</rasd:ResourceType></Item>
      <Item><rasd:AddressOnParent>7</rasd:AddressOnParent><rasd:AutomaticAllocation>true</rasd:AutomaticAllocation><rasd:Connection>VM Network</rasd:Connection><rasd:ElementName>Card 1</rasd:ElementName><rasd:InstanceID>5</rasd:InstanceID><rasd:ResourceSubType>VmxNet3</rasd:ResourceSubType><rasd:ResourceType>10</rasd:ResourceType></Item>
    </VirtualHardwareSection>
  </VirtualSystem>
</Envelope>
`

/** A package with its manifest; `change` exchanges files after their sums were taken. */
export const ova = async (
  disk: Uint8Array,
  mib: number,
  { algorithm = 'SHA-1', change = {} }: { algorithm?: string; change?: Record<string, Uint8Array> } = {},
): Promise<Uint8Array<ArrayBuffer>> => {
  const descriptor = utf8(ovf({ name: 'disk1.vmdk', size: disk.length, mib }))
  const manifest = utf8(
    `${algorithm.replace('-', '')}(appliance.ovf)= ${await hex(algorithm, descriptor)}\n${algorithm.replace('-', '')}(disk1.vmdk)= ${await hex(algorithm, disk)}\n`,
  )
  return tar(
    [
      { name: 'appliance.ovf', data: descriptor },
      { name: 'appliance.mf', data: manifest },
      { name: 'disk1.vmdk', data: disk },
    ].map(({ name, data }) => ({ name, data: change[name] ?? data })),
  )
}
