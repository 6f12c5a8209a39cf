import { readFileSync, writeFileSync } from 'node:fs'
import type { Aspect, Difference } from './compare.ts'
import { REASONS, type Reason } from './reasons.ts'
import type { StoryName } from './recording.ts'

const fits = (reason: Reason, story: StoryName, difference: Difference): boolean =>
  (!reason.story || reason.story === story) &&
  reason.aspects.includes(difference.aspect) &&
  (!reason.line || reason.line.test(difference.line)) &&
  (!reason.path || reason.path.test(difference.path)) &&
  (!reason.theirs || reason.theirs.test(difference.theirs)) &&
  (!reason.ours || reason.ours.test(difference.ours))

/** Differences that are faults, and are not mended yet: by the line, what differs. */
type Pending = Partial<Record<StoryName, Record<string, string[]>>>

const PENDING = new URL('pending.json', import.meta.url)
const keyOf = ({ aspect, path }: Difference): string => `${aspect} ${path}`.trim()

const readPending = (): Pending => JSON.parse(readFileSync(PENDING, 'utf8')) as Pending

/** Writes what has no reason down as not mended yet: for whoever records anew, and looks at what is written. */
export const writePending = (unknown: Sorted['unknown']): void => {
  const pending = readPending()
  for (const { story, difference } of unknown) {
    pending[story] ??= {}
    pending[story][difference.line] = [...(pending[story][difference.line] ?? []), keyOf(difference)]
  }
  writeFileSync(PENDING, `${JSON.stringify(pending, null, 2)}\n`)
}

export interface Sorted {
  /** What is not mended yet. */
  pending: { story: StoryName; difference: Difference }[]
  /** What was not mended, and is. */
  mended: string[]
  /** Differences by why there are so. */
  known: Map<Reason, { story: StoryName; difference: Difference }[]>
  unknown: { story: StoryName; difference: Difference }[]
  /** Reasons that nothing is so for any more. */
  idle: Reason[]
}

/** Each difference goes to the first reason that fits it. */
export const sorted = (found: { story: StoryName; difference: Difference }[]): Sorted => {
  const known: Sorted['known'] = new Map()
  const unknown: Sorted['unknown'] = []
  const pending: Sorted['pending'] = []
  const left = new Set(
    Object.entries(readPending()).flatMap(([story, lines]) =>
      Object.entries(lines).flatMap(([line, keys]) => keys.map((key) => [story, line, key].join('\n'))),
    ),
  )
  for (const each of found) {
    const reason = REASONS.find((one) => fits(one, each.story, each.difference))
    if (reason) known.set(reason, [...(known.get(reason) ?? []), each])
    else if (left.delete([each.story, each.difference.line, keyOf(each.difference)].join('\n'))) pending.push(each)
    else unknown.push(each)
  }
  return { known, unknown, pending, mended: [...left], idle: REASONS.filter((reason) => !known.has(reason)) }
}

const NAMES: Record<Aspect, string> = {
  status: 'status',
  wait: 'what never comes',
  'content-type': 'content type',
  header: 'header',
  missing: 'member that is missing',
  extra: 'member more',
  type: 'type',
  form: 'form of a text',
  value: 'value',
  words: 'words of an error',
}

/** Lines that a reason is shown by. */
const SHOWN = 3

/** docs/differences.md */
export const differencesPage = (
  stories: { name: StoryName; of: string; lines: number; found: Difference[] }[],
  { known, pending }: Sorted,
): string => {
  const aspects = Object.keys(NAMES) as Aspect[]
  const count = (found: Difference[], aspect: Aspect) => String(found.filter((each) => each.aspect === aspect).length)
  const same = (lines: number, found: Difference[]) => lines - new Set(found.map(({ line }) => line)).size
  const counts = stories.map(({ name, of, lines, found }) => [
    `${name}: ${of}`,
    String(lines),
    String(same(lines, found)),
    ...aspects.map((aspect) => count(found, aspect)),
  ])
  const sections = stories.map(({ name }) => {
    const own = [...known]
      .map(([reason, all]) => ({ reason, those: all.filter(({ story }) => story === name) }))
      .filter(({ those }) => those.length)
      .sort((a, b) => b.those.length - a.those.length)
    return `## ${name}\n\n${table(
      ['why', 'differences', 'as'],
      own.map(({ reason, those }) => [
        reason.why,
        String(those.length),
        those
          .slice(0, SHOWN)
          .map(({ difference }) => shown(difference))
          .join('; '),
      ]),
    )}\n${unmended(pending.filter(({ story }) => story === name))}`
  })
  return `# Where Plimsoll differs from the services

Printed from \`test/differential/\`: \`npx vitest run test/differential -u\` writes it anew. The stories there are played on a broker in every run of the tests, and what it
answers is compared with what the services themselves answered when they were recorded (\`npm run peers -- differential\`, which sets them up on one machine, with the fake
drivers that come with them): status, content type, headers, members of bodies and their types, forms and values of what is in them, and the words of errors, at the
lowest microversion and at the highest that both speak. Ids, times and addresses of machines are left out. Each difference has a reason, in \`test/differential/reasons.ts\`;
one without fails the test, and so does a reason for which nothing differs any more. What is a fault and not mended yet is told of as that, by the line, in \`test/differential/pending.json\`, which may only become shorter.

${table(['service', 'calls', 'the same', ...aspects.map((aspect) => NAMES[aspect])], counts)}

${sections.join('\n')}`
}

/** What is not mended yet, by the call. */
const unmended = (those: Sorted['pending']): string => {
  if (!those.length) return ''
  const byLine = Map.groupBy(those, ({ difference }) => difference.line)
  const rows = [...byLine].map(([line, all]) => [
    `\`${brief(line, 110)}\``,
    [
      ...new Set(
        all.map(({ difference: { aspect, path } }) => (path ? `${NAMES[aspect]} \`${path}\`` : NAMES[aspect])),
      ),
    ].join(', '),
  ])
  return `\nNot mended yet, ${those.length} differences:\n\n${table(['call', 'differs in'], rows)}\n`
}

const shown = ({ line, aspect, path, theirs, ours }: Difference): string => {
  const call = line.split(' ').filter((word) => !/^(nobody|demo|admin|alt|reader)$/.test(word))
  const at = call.findIndex((word) => /^[A-Z]+$/.test(word))
  const said = `\`${call.slice(at, at + 2).join(' ')}\``
  const where = path ? ` \`${path}\`` : ''
  // Others may hold what is another value each time.
  const values = aspect === 'status' || aspect === 'header' || aspect === 'content-type'
  return said + where + (values ? ` (\`${brief(theirs)}\` → \`${brief(ours)}\`)` : '')
}

const brief = (text: string, most = 40): string => {
  const line = text.replace(/\s+/g, ' ').replaceAll('`', "'")
  return line.length > most ? `${line.slice(0, most)}…` : line || ' '
}

const table = (head: string[], rows: string[][]): string =>
  [head, head.map(() => '---'), ...rows]
    .map((row) => `| ${row.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`)
    .join('\n')
