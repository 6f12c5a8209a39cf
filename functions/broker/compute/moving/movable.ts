import type { MovingParts } from '../../../../db/queries/compute/moving.ts'
import type { ServerRow } from '../../../../db/queries/compute/servers.ts'
import { MOVABLE } from '../metadata-rules.ts'

/*
 * A server is movable where its user says that it may begin again from its image, on another machine: all that was on the
 * disk of the old one is lost. Nothing is moved without that word, and nothing that the new machine would lack.
 */

/** Why a server cannot begin again from its image elsewhere, a sentence; null: it can, and its user agrees. Pure. */
export const whyNotMovable = (
  { metadata, imageId, forkMode, oldFlavor }: Pick<ServerRow, 'metadata' | 'imageId' | 'forkMode' | 'oldFlavor'>,
  { volumes, plugged, forks, placed }: MovingParts,
): string | null => {
  if (metadata[MOVABLE] !== 'true') return `Its metadata do not say ${MOVABLE}=true.`
  if (imageId === null) return 'It was not booted from an image.'
  if (volumes > 0) return 'It has volumes, which stay where they are.'
  if (plugged > 0) return 'A port was plugged into it after it was made.'
  if (forkMode !== null) return 'It goes on from another server, and not from its image.'
  if (oldFlavor !== null) return 'A resize of it is neither confirmed nor reverted.'
  if (forks > 0) return 'Others are forks of it.'
  // What was adopted was made by somebody else, who alone knows with which user data.
  return placed ? null : 'It was adopted: nobody here knows all that it was made with.'
}
