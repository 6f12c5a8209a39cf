import { table } from '../../adapters/table.ts'
import { unauthorized } from '../auth/policy.ts'
import { Refused } from '../broker/line/refused.ts'
import { NetworkRefused } from '../broker/network/network-refusal.ts'
import { badRequest, conflict } from '../http/fault.ts'
import type { Service } from '../http/service.ts'

/** By the guard that did not hold; each is of one operation on the cloud named. */
const sentences: Record<string, (cloud: string) => string> = table({
  'cloud-moved': () => 'Somebody else changed the cloud at the same time.',
  'cloud-holds': (cloud) => `Cloud ${cloud} still holds resources.`,
  'image-moved': () => 'Somebody else changed the image at the same time.',
  'copy-other': (cloud) => `Cloud ${cloud} has made the image itself, of a server or a volume.`,
  'copy-awaited': () => 'Something is being made of the image; ask again when it is there.',
  'account-holds': (cloud) => `The project has resources on cloud ${cloud}, under another account.`,
  'webhook-off': () => 'The webhook is switched off.',
  'webhook-gone': () => 'The webhook is gone.',
  'another-currency': () => 'What was bought was bought in the currency that the deployment has: it stays.',
  'project-holds': (cloud) => `The project still has resources on cloud ${cloud}.`,
})

/** What the broker will not do, for its operators. */
export const refuse: Service['refuse'] = (error, { params }) => {
  if (error instanceof NetworkRefused) {
    const { kind, reason } = error.refusal
    return kind === 'conflict' ? conflict(reason) : badRequest(reason)
  }
  if (!(error instanceof Refused)) return undefined
  if (error.refusal.kind === 'token') return unauthorized()
  if (error.refusal.kind === 'quota') return conflict(`Quota exceeded for resources: ['${error.refusal.resource}'].`)
  const sentence = error.refusal.kind === 'guard' ? sentences[error.refusal.what] : undefined
  return sentence && conflict(sentence(params.name!))
}
