import type { ImageRealm, ImageSeen, ImageSpec } from '../../contract.ts'
import { looking } from '../records/looking.ts'

/** As nothing is made there yet, nothing is an image. */
export const image = (): ImageRealm => {
  const none = async () => ({ items: [], complete: true })
  return { ...looking<ImageSpec, ImageSeen>('Images'), get: async () => null, list: none, catalog: none }
}
