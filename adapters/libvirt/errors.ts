import { CloudError } from '../errors.ts'
import { type ErrorTable, knownErrors } from '../shared/error-table.ts'

/** What libvirt says in place of an answer. */
export interface Fault {
  /** One of virErrorNumber. */
  code: number
  message: string | null
}

/** https://libvirt.org/html/libvirt-virterror.html (virErrorNumber), without VIR_ERR_ in front. */
const NUMBERS: Record<number, string> = {
  1: 'INTERNAL_ERROR',
  2: 'NO_MEMORY',
  3: 'NO_SUPPORT',
  8: 'INVALID_ARG',
  9: 'OPERATION_FAILED',
  27: 'XML_ERROR',
  29: 'OPERATION_DENIED',
  38: 'SYSTEM_ERROR',
  39: 'RPC',
  42: 'NO_DOMAIN',
  43: 'NO_NETWORK',
  45: 'AUTH_FAILED',
  49: 'NO_STORAGE_POOL',
  50: 'NO_STORAGE_VOL',
  55: 'OPERATION_INVALID',
  62: 'NO_NWFILTER',
  67: 'CONFIG_UNSUPPORTED',
  68: 'OPERATION_TIMEOUT',
  74: 'ARGUMENT_UNSUPPORTED',
  79: 'AUTH_CANCELLED',
  80: 'NO_DOMAIN_METADATA',
  84: 'OPERATION_UNSUPPORTED',
  86: 'AGENT_UNRESPONSIVE',
  87: 'RESOURCE_BUSY',
  88: 'ACCESS_DENIED',
  90: 'STORAGE_VOL_EXIST',
  94: 'AUTH_UNAVAILABLE',
  99: 'DEVICE_MISSING',
}

/**
 * The one table from libvirt's errors to ours, with the sentence that users read. Only the number counts: messages are
 * translated, and name paths. What is not here is `ambiguous`, as is `OPERATION_FAILED`: drivers say so of anything.
 */
const TABLE: ErrorTable = {
  throttled: {},
  ambiguous: {
    'The cloud did not give a clear answer.': [
      'INTERNAL_ERROR',
      'OPERATION_FAILED',
      'SYSTEM_ERROR',
      'RPC',
      'OPERATION_TIMEOUT',
    ],
  },
  capacity: {
    'no-capacity': { 'The cloud has no room for this at the moment.': ['NO_MEMORY'] },
    'account-limit': {},
    unsupported: {},
    'of-the-request': {},
  },
  not_found: {
    'The cloud does not know this object.': [
      'NO_DOMAIN',
      'NO_NETWORK',
      'NO_STORAGE_POOL',
      'NO_STORAGE_VOL',
      'NO_NWFILTER',
      'NO_DOMAIN_METADATA',
      'DEVICE_MISSING',
    ],
  },
  conflict: {
    'The object is not in the state that this needs.': ['OPERATION_INVALID'],
    'Something else on the cloud still uses this object.': ['RESOURCE_BUSY'],
    'The guest does not answer yet.': ['AGENT_UNRESPONSIVE'],
    'An object with this name is already there.': ['STORAGE_VOL_EXIST'],
  },
  definitive: {
    'The cloud cannot do this with the given values.': ['INVALID_ARG', 'XML_ERROR', 'CONFIG_UNSUPPORTED'],
    'The cloud does not permit this on this object.': ['NO_SUPPORT', 'ARGUMENT_UNSUPPORTED', 'OPERATION_UNSUPPORTED'],
  },
  denied: {
    'The cloud account may not do this.': ['OPERATION_DENIED', 'ACCESS_DENIED'],
    'The cloud did not accept our credentials.': ['AUTH_FAILED', 'AUTH_CANCELLED', 'AUTH_UNAVAILABLE'],
  },
}

const KNOWN = knownErrors(TABLE)

/**
 * What the agent in a guest was asked for. Whatever comes of it, also nothing, is the guest's doing: it says nothing of the cloud,
 * and libvirt has for it the numbers that it has for anything.
 * @param sentence for users of the API
 * @throws `conflict` where there is no clear answer
 */
export const ofAgent = async <T>(answer: Promise<T>, sentence: string): Promise<T> => {
  try {
    return await answer
  } catch (error) {
    const unclear = error instanceof CloudError && error.code === 'ambiguous'
    throw unclear ? new CloudError('conflict', sentence, error.detail) : error
  }
}

/** What is kept of a message: whoever writes it may write a lot. */
const LONGEST = 500

/** A fault as ours. */
export const fromFault = ({ code, message }: Fault, action: string): CloudError => {
  const cloudCode = `VIR_ERR_${NUMBERS[code] ?? code}`
  const kept = { cloudCode, operatorMessage: `${action}: ${message?.slice(0, LONGEST) ?? 'no message'} (${cloudCode})` }
  return (
    KNOWN.errorFor(NUMBERS[code], kept) ?? new CloudError('ambiguous', 'The cloud did not give a clear answer.', kept)
  )
}
