import { unauthorized } from '../auth/policy.ts'
import { Refused } from '../broker/commit.ts'
import { type ImageOnClouds, ImageRefused, imageFor } from '../broker/image.ts'
import { conflict, type Fault, forbidden, notFound } from '../http/fault.ts'
import type { Input } from '../http/operation.ts'

/** The image of the path; 404 in Glance's words. */
export const imageOf = async (
  { context, params }: Pick<Input, 'context' | 'params'>,
  absent = `No image found with ID ${params.id}`,
): Promise<ImageOnClouds> => {
  const found = await imageFor(context, params.id!)
  if (!found) throw notFound(absent)
  return found
}

/** Runs a change; what it was refused for becomes a fault in Glance's words. `action`: the name of its policy. */
export const orFault = async <T>(
  work: Promise<T>,
  action: string,
  image: { id: string; projectId: string | null },
): Promise<T> => {
  try {
    return await work
  } catch (error) {
    if (error instanceof ImageRefused) throw worded(error, action, image)
    if (!(error instanceof Refused)) throw error
    const { refusal } = error
    if (refusal.kind === 'token') throw unauthorized()
    if (refusal.kind === 'guard') throw conflict(`Image ${image.id} was changed by somebody else meanwhile.`)
    if (refusal.kind === 'taken') throw conflict(`Image ID ${image.id} already exists!`)
    throw error
  }
}

const worded = (
  { refusal }: ImageRefused,
  action: string,
  { id, projectId }: { id: string; projectId: string | null },
): Fault => {
  if (refusal.kind === 'protected') return forbidden(`Image ${id} is protected and cannot be deleted.`)
  if (refusal.kind === 'status')
    return conflict(`Image status must be ${refusal.allowed.join(' or ')}, but it is ${refusal.status}.`)
  return forbidden(
    projectId === null
      ? `You are not authorized to complete ${action} action. Image ${id} belongs to the catalogue of its cloud.`
      : `You are not authorized to complete ${action} action.`,
  )
}
