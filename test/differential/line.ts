/** One call of a story. */
export interface Line {
  /** The line itself, by which its answer is found in a recording. */
  text: string
  who: Who
  /** Of the service that it goes to; null: no header. */
  version: string | null
  method: string
  path: string
  headers: Record<string, string>
  /** Text as it is sent, with variables in it; null: none. */
  body: string | null
  /** Variables, and where in the answer their values are. */
  keeps: [name: string, where: string][]
  /** Said again until the answer is so; such a line is not compared. */
  until: string | null
}

export const PEOPLE = ['admin', 'demo', 'alt', 'reader', 'nobody'] as const
export type Who = (typeof PEOPLE)[number]

/** The lowest and the highest microversion that both sides speak, by the first part of the path. */
export const VERSIONS: Record<string, { name: string; lowest: string; highest: string }> = {
  compute: { name: 'compute', lowest: '2.1', highest: '2.96' },
  volume: { name: 'volume', lowest: '3.0', highest: '3.70' },
}

const LINE = new RegExp(
  `^(?:(${PEOPLE.join('|')}) )?(?:@(\\S+) )?(GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS) (\\S+)((?: \\[[A-Z][\\w-]*: [^\\]]*\\])*)(.*)$`,
)

/**
 * Reads a story: a call a line, `#` begins a remark. A call is
 * `[who] [@version] METHOD /service/path [Header: value] body -> name=where until what`; who is `demo` unless it is said, the version is
 * the highest, `@*` stands for the lowest and the highest, `@none` for none.
 */
export const linesOf = (text: string): Line[] =>
  text
    .split('\n')
    .filter((line) => line.trim() && !line.startsWith('#'))
    .flatMap((line) => {
      if (!line.includes('@* ')) return [lineOf(line)]
      const { lowest } = VERSIONS[serviceOf(line.slice(line.indexOf('/')))]!
      return [lineOf(line.replace('@* ', `@${lowest} `)), lineOf(line.replace('@* ', ''))]
    })

export const serviceOf = (path: string): string => path.split(/[/?]/)[1] ?? ''

const lineOf = (text: string): Line => {
  const [, who = 'demo', version, method, path, headers, rest] = LINE.exec(text) ?? []
  if (!method || !path) throw new Error(`This is no line of a story: ${text}`)
  const [, body, kept, until] = /^(.*?)(?: -> ([\w=.:\- ]+?))?(?: until (\S+))?$/s.exec(
    rest!.trim() && ` ${rest!.trim()}`,
  )!
  const spoken = VERSIONS[serviceOf(path)]
  return {
    text,
    who: who as Who,
    version: version === 'none' ? null : (version ?? spoken?.highest ?? null),
    method,
    path,
    headers: Object.fromEntries(
      [...headers!.matchAll(/\[([^\]]+?): ([^\]]*)\]/g)].map(([, name, value]) => [name!, value!]),
    ),
    body: body?.trim() ? body.trim() : null,
    keeps: (kept ?? '')
      .split(' ')
      .filter(Boolean)
      .map((each) => [each.slice(0, each.indexOf('=')), each.slice(each.indexOf('=') + 1)]),
    until: until ?? null,
  }
}
