import { DOWNLOAD, GET_HOSTNAME, UPLOAD, type VolumeRef } from './procedures.ts'
import type { Session } from './session.ts'
import { joined } from './xdr.ts'

/** As large as libvirt's own clients make what follows a call. */
const PIECE = 262_120
/** So much is on its way at once: libvirt reads no further while its disk is behind, and answers no call then. */
const AHEAD = 4 * 2 ** 20

/**
 * Writes bytes into a volume from a place on, as they come.
 * @param goesOn asked before each piece of the data; false: it is enough for now
 * @returns how many bytes were written
 */
export const writeInto = async (
  host: Session,
  volume: VolumeRef,
  offset: number,
  data: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  goesOn: () => boolean = () => true,
): Promise<number> => {
  const flow = await host.open(UPLOAD, { volume, offset, length: 0, flags: 0 })
  let sent = 0
  let heard = 0
  for await (const bytes of data) {
    for (let at = 0; at < bytes.length; at += PIECE) flow.send(bytes.subarray(at, at + PIECE))
    sent += bytes.length
    if (sent - heard > AHEAD) {
      await host.call(GET_HOSTNAME, null)
      heard = sent
    }
    if (!goesOn()) break
  }
  await flow.finish()
  return sent
}

/** All bytes of a volume, or the last ones of them. @param most of more only the end is given */
export const readFrom = async (
  host: Session,
  volume: VolumeRef,
  { offset = 0, length = 0, most }: { offset?: number; length?: number; most: number },
): Promise<Uint8Array> => {
  const flow = await host.open(DOWNLOAD, { volume, offset, length, flags: 0 })
  let pieces: Uint8Array[] = []
  let held = 0
  for (let piece = await flow.receive(); piece; piece = await flow.receive()) {
    pieces.push(piece)
    held += piece.length
    if (held > 2 * most) {
      pieces = [joined(pieces).slice(-most)]
      held = most
    }
  }
  await flow.finish()
  return joined(pieces).slice(-most)
}

/** Bytes of a volume from a place on, as they come: of more than so many at a time each has to be taken before the next is asked for. */
export async function* piecesOf(
  host: Session,
  volume: VolumeRef,
  offset: number,
  length: number,
): AsyncGenerator<Uint8Array> {
  for (let at = offset; at < offset + length; at += AHEAD) {
    const asked = Math.min(AHEAD, offset + length - at)
    yield await readFrom(host, volume, { offset: at, length: asked, most: asked })
  }
}
