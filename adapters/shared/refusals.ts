import { CloudError } from '../errors.ts'

/**
 * What a cloud cannot do at all is refused before it is asked.
 * @param sentence for users of the API
 * @throws `definitive`
 */
export const refuse = (sentence: string): never => {
  throw new CloudError('definitive', sentence)
}

/** The error for an object that is not there. */
export const gone = (id: string): CloudError =>
  new CloudError('not_found', 'The cloud does not know this object.', { operatorMessage: `${id} is not there` })

/** The error for what is no answer: a proxy's page, half an answer, a broken line. */
export const unclear = (action: string, why: unknown): CloudError =>
  new CloudError('ambiguous', 'The cloud did not give a clear answer.', {
    operatorMessage: `${action}: ${why instanceof Error ? why.message : String(why)}`,
  })

/** Runs a removal; that the object is gone already is what was wanted. */
export const unlessGone = async (call: () => Promise<unknown>): Promise<void> => {
  try {
    await call()
  } catch (error) {
    if (!(error instanceof CloudError && error.code === 'not_found')) throw error
  }
}

/**
 * What a call makes, or what it collides with because an earlier call with the same mark made it.
 * @param collision the cloud's own code for a name or an address range that is taken
 * @param find looks for what the earlier call made
 * @throws the collision itself where it is with something else
 */
export const orEarlier = async <T>(
  collision: string,
  make: () => Promise<T>,
  find: () => Promise<T | null>,
): Promise<T> => {
  try {
    return await make()
  } catch (error) {
    if (!(error instanceof CloudError && error.detail.cloudCode === collision)) throw error
    const earlier = await find()
    if (earlier === null) throw error
    return earlier
  }
}
