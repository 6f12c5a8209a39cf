import { refuse } from '../../shared/refusals.ts'

/* The head of an image (https://gitlab.com/qemu-project/qemu/-/blob/master/docs/interop/qcow2.txt). */

/** As much of it as is looked at. */
export const HEAD = 104
const MAGIC = 0x51_46_49_fb
/** Data in another file than the image. */
const ELSEWHERE = 1 << 2
/** More than any disk that a machine of QEMU has. */
const MOST = 2 ** 46

/**
 * Bytes of the disk inside of an image.
 * @throws `definitive` for what is no image, or one that has some of its data in another file
 */
export const diskBytesIn = (head: Uint8Array): number => {
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength)
  if (head.length < HEAD || view.getUint32(0) !== MAGIC) return refuse('The data is no qcow2 image.')
  const version = view.getUint32(4)
  if (version !== 2 && version !== 3) return refuse(`The image is qcow2 of version ${version}; 2 and 3 are taken.`)
  if (view.getBigUint64(8) !== 0n) return refuse('The image stands on another file.')
  if (view.getUint32(32) !== 0) return refuse('The image is encrypted.')
  if (version === 3 && view.getUint32(76) & ELSEWHERE) return refuse('The image has its data in another file.')
  const bytes = Number(view.getBigUint64(24))
  return bytes > 0 && bytes <= MOST ? bytes : refuse('The disk in the image is of no size that there is.')
}
