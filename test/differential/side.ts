import { type Line, linesOf, serviceOf, VERSIONS, type Who } from './line.ts'
import { type Reduced, reduce } from './reduce.ts'

/** An answer as it came. */
export interface Said {
  status: number
  headers: Headers
  text: string
}

/** One of the two that are compared. */
export interface Side {
  /** Values of variables that stories begin with. */
  vars: Record<string, string>
  /** Where services are, to be told from what else stands in links. */
  bases: Record<string, string>
  send(
    who: Who,
    method: string,
    path: string,
    headers: Record<string, string>,
    body?: string | Uint8Array,
  ): Promise<Said>
  /** Lets time go by, for the so-manieth time. False: nothing more will happen. */
  rest(turn: number): Promise<boolean>
}

/** What a line was answered, by the line. */
export type Told = Map<string, Reduced>

/** Plays a story, and gives what its lines were answered. What is waited for and does not come is told as answered with what came last. */
export const play = async (side: Side, story: string): Promise<Told> => {
  const vars = { ...side.vars }
  const told: Told = new Map()
  for (const line of linesOf(story)) {
    const say = () => spoken(side, line, vars)
    const said = line.until ? await patiently(side, say, line.until) : await say()
    for (const [name, where] of line.keeps) {
      const value = kept(said, where)
      if (value !== undefined) vars[name] = value
    }
    let key = line.text
    for (let again = 2; told.has(key); again++) key = `${line.text} (${again})`
    if (!line.until) told.set(key, reduce(said, vars, side.bases))
    else if (!isSo(said, line.until)) told.set(key, { ...reduce(said, vars, side.bases), never: true })
  }
  return told
}

const spoken = (side: Side, line: Line, vars: Record<string, string>): Promise<Said> => {
  const service = VERSIONS[serviceOf(line.path)]
  const body = line.body === null ? undefined : bytesOf(fill(line.body, vars))
  const headers = {
    ...(service && line.version ? { 'OpenStack-API-Version': `${service.name} ${line.version}` } : {}),
    ...(body === undefined
      ? {}
      : { 'Content-Type': typeof body === 'string' ? 'application/json' : 'application/octet-stream' }),
    ...Object.fromEntries(Object.entries(line.headers).map(([name, value]) => [name, fill(value, vars)])),
  }
  return side.send(line.who, line.method, fill(line.path, vars), headers, body)
}

/** `data:512` is so many bytes, `text:…` what follows. */
const bytesOf = (body: string): string | Uint8Array =>
  body.startsWith('data:') ? new Uint8Array(Number(body.slice(5))) : body.startsWith('text:') ? body.slice(5) : body

const fill = (text: string, vars: Record<string, string>): string =>
  text.replace(/\{([a-z]\w*)\}/g, (all, name) => vars[name] ?? all)

// biome-ignore lint/suspicious/noExplicitAny: bodies of all kinds
const parsed = (text: string): any => {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

const kept = (said: Said, where: string): string | undefined => {
  if (where.startsWith('header:')) return said.headers.get(where.slice(7)) ?? undefined
  const value = where.split('.').reduce((at, name) => at?.[name], parsed(said.text))
  return value === undefined || value === null ? undefined : String(value)
}

const isSo = (said: Said, until: string): boolean => {
  if (/^\d{3}$/.test(until)) return said.status === Number(until)
  const [where = '', value = ''] = until.split('=')
  return (kept(said, where) ?? '').toLowerCase() === value.toLowerCase()
}

const patiently = async (side: Side, say: () => Promise<Said>, until: string): Promise<Said> => {
  for (let turn = 1; ; turn++) {
    const said = await say()
    const isOver = isSo(said, until) || /^[{"\w]*error/i.test(kept(said, until.split('=')[0]!) ?? '')
    if (isOver || !(await side.rest(turn))) return said
  }
}
