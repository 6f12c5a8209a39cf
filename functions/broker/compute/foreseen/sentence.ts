import { quotaWords, type ServerRefusal } from '../server-refusal.ts'

/** A refusal as a sentence; those that need more words than these are of things that neither a placement nor a burst speaks of. */
export const sentenceOf = (refusal: ServerRefusal): string => {
  if (refusal.kind === 'no-place') return `No valid host was found. ${refusal.reason}`
  if ('reason' in refusal) return refusal.reason
  if (refusal.kind === 'unknown') return `There is no ${refusal.what.replace('-', ' ')} ${refusal.id}.`
  if (refusal.kind === 'image-status') return `Image ${refusal.id} is ${refusal.status}.`
  if (refusal.kind === 'too-small')
    return `Its flavor has too little ${refusal.what === 'memory' ? 'memory' : 'disk'} for the image.`
  if (refusal.kind === 'many-networks') return 'There are several networks, and none was named.'
  if (refusal.kind === 'no-subnet') return `Network ${refusal.networkId} has no subnet.`
  if (refusal.kind === 'quota') return quotaWords(refusal)
  return `It would be refused: ${refusal.kind}.`
}
