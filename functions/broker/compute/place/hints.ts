import { FORK_OF } from '../../image/image.ts'

/** How long a fork lives, in seconds. */
export const TTL = 'plimsoll:ttl'
/** Servers of a network shall be where they reach each other. */
export const REACH = 'plimsoll:reach'

/** What a hint decides, in a sentence. Of those that are not here Nova's filters know some, and no cloud below knows any. */
const EFFECTS: ReadonlyMap<string, string> = new Map([
  ['group', 'It is in that server group, and was placed as its policy says.'],
  [FORK_OF, 'It goes on from that server, and is where that is.'],
  [TTL, 'It is deleted when so many seconds are over.'],
  [REACH, 'It is where what else is on its networks is reached by routes.'],
])

const OURS = /^plimsoll:/i

/** A word with our prefix that means nothing: a misspelt rule, which must not pass for one that is kept. */
export const isMisspelt = (name: string): boolean => OURS.test(name) && !EFFECTS.has(name)

/** Whether a name of a metadata item has our prefix. */
export const isOurs = (name: string): boolean => OURS.test(name)

/** What a scheduler hint decided; null: nothing. */
export const effectOf = (name: string): string | null => EFFECTS.get(name) ?? null
