import { isObject, kindOf, kinds, type Reduced, type Shape } from './reduce.ts'
import type { Told } from './side.ts'

/** In what an answer of ours is another than that of the service itself. */
export type Aspect =
  | 'status'
  | 'wait'
  | 'content-type'
  | 'header'
  | 'missing'
  | 'extra'
  | 'type'
  | 'form'
  | 'value'
  | 'words'

export interface Difference {
  line: string
  aspect: Aspect
  /** Of a member of the body, of a header; '' else. */
  path: string
  theirs: string
  ours: string
}

/** @throws where a line has no recorded answer: stories are recorded anew when they change */
export const differencesOf = (theirs: Told, ours: Told): Difference[] =>
  [...ours].flatMap(([line, mine]) => {
    const recorded = theirs.get(line)
    if (!recorded) {
      if (mine.never) return [{ line, aspect: 'wait' as const, path: '', theirs: 'comes', ours: `${mine.status}` }]
      throw new Error(`It is not recorded what this is answered: ${line}`)
    }
    return compare(recorded, mine).map((each) => ({ line, ...each }))
  })

type Found = Omit<Difference, 'line'>

const compare = (theirs: Reduced, ours: Reduced): Found[] => {
  if (theirs.status !== ours.status) {
    const words = (answer: Reduced) =>
      `${answer.status} ${answer.status >= 400 ? JSON.stringify(answer.body) : ''}`.trim()
    return [{ aspect: 'status', path: '', theirs: words(theirs), ours: words(ours) }]
  }
  const found: Found[] = []
  if (theirs.type !== ours.type)
    found.push({ aspect: 'content-type', path: '', theirs: String(theirs.type), ours: String(ours.type) })
  for (const name of new Set([...Object.keys(theirs.headers), ...Object.keys(ours.headers)])) {
    const [a, b] = [theirs.headers[name] ?? 'none', ours.headers[name] ?? 'none']
    if (a !== b) found.push({ aspect: 'header', path: name, theirs: a, ours: b })
  }
  walk(theirs.body, ours.body, '', theirs.status >= 400, found)
  return found
}

const walk = (theirs: Shape, ours: Shape, path: string, isError: boolean, found: Found[]): void => {
  const tell = (aspect: Aspect, at = path, a = theirs, b = ours) =>
    found.push({ aspect, path: at, theirs: shown(a), ours: shown(b) })
  if (isObject(theirs) && isObject(ours)) {
    for (const [key, value] of Object.entries(theirs)) {
      const at = path ? `${path}.${key}` : key
      if (key in ours) walk(value, ours[key]!, at, isError, found)
      else tell('missing', at, value, null)
    }
    for (const [key, value] of Object.entries(ours))
      if (!(key in theirs)) tell('extra', path ? `${path}.${key}` : key, null, value)
    return
  }
  if (Array.isArray(theirs) && Array.isArray(ours)) {
    if (theirs.length && ours.length) walk(theirs[0]!, ours[0]!, `${path}[]`, isError, found)
    else if (theirs.length !== ours.length) tell('value')
    return
  }
  const [a, b] = [kinds(theirs), kinds(ours)]
  if (!a.some((kind) => b.includes(kind))) return void tell('type')
  if (a.length > 1 || b.length > 1 || theirs === ours || isMerged(theirs) || isMerged(ours)) return
  if (isError && typeof theirs === 'string') tell('words')
  else if (typeof theirs === 'string' && formOf(theirs) !== formOf(ours as string)) tell('form')
  else if (!OTHER_EACH_TIME.test(path)) tell('value')
}

/** Of what is drawn by chance, or counted, it says nothing that it is another value. */
const OTHER_EACH_TIME =
  /(addr|ip_address|secret|auth_key|adminPass|access|fingerprint|private_key|public_key|reservation_id|request_id|instance_name|keypair\.id|hours|_usage)$/

const isMerged = (value: Shape): boolean => typeof value === 'string' && /^<(string|number|boolean|null)>$/.test(value)

/** Whether it is an id, a time, a link, or words. */
const formOf = (text: string): string =>
  (/^<time [^>]*>$/.exec(text) ?? /^<(?:id|hex|mac)>$/.exec(text) ?? /^\{[a-z_0-9]+\}$/.exec(text))?.[0] ??
  (/^(\{\w+\}|https?:)\//.test(text) ? 'link' : text === '' ? 'empty' : 'text')

const shown = (value: Shape): string => {
  const text = kindOf(value) === 'string' ? (value as string) : JSON.stringify(value)
  return text.length > 240 ? `${text.slice(0, 240)}…` : text
}
