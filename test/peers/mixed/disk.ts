const MIB = 2 ** 20
const CLUSTER = 65_536

/** A qcow2 of version 2, as any tool writes it, of `mib` MiB (up to 512) whose first cluster says `content` and which holds nothing else. */
export const qcow2 = (mib: number, content: string): Uint8Array<ArrayBuffer> => {
  // Header, reference table, reference block, the table of the first level, one of the second, data.
  const bytes = new Uint8Array(6 * CLUSTER)
  const view = new DataView(bytes.buffer)
  bytes.set([0x51, 0x46, 0x49, 0xfb])
  view.setUint32(4, 2)
  view.setUint32(20, 16)
  view.setBigUint64(24, BigInt(mib * MIB))
  view.setUint32(36, 1)
  view.setBigUint64(40, BigInt(3 * CLUSTER))
  view.setBigUint64(48, BigInt(CLUSTER))
  view.setUint32(56, 1)
  view.setBigUint64(CLUSTER, BigInt(2 * CLUSTER))
  for (let cluster = 0; cluster < 6; cluster++) view.setUint16(2 * CLUSTER + 2 * cluster, 1)
  const copied = 1n << 63n
  view.setBigUint64(3 * CLUSTER, copied | BigInt(4 * CLUSTER))
  view.setBigUint64(4 * CLUSTER, copied | BigInt(5 * CLUSTER))
  bytes.set(new TextEncoder().encode(content), 5 * CLUSTER)
  return bytes
}
