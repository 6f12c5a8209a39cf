import type { Operation } from '../../functions/http/operation.ts'
import type { Service } from '../../functions/http/service.ts'
import { services } from '../../functions/services.ts'

/** `node test/support/reference.ts` writes docs/api.md from the route table; a test checks that it is current. */
export const apiReference = (all: Service[]): string =>
  [
    '# The API, route by route',
    '',
    'Written from the route table by `node test/support/reference.ts`. *Who* is the role that a token needs at least on its',
    'project: reader, member, manager or admin; `authenticated` is any token, `public` is none. Behind a stroke is the role that does as',
    'well for a token that is for the system, or for the domain that the thing is in.',
    '',
    `Of ${all.flatMap(({ operations }) => operations).length} routes ${hollowRoutes(all).length} have nothing to show, or refuse whatever they are asked: they are there for clients that ask, and say so below.`,
    '',
    ...all.flatMap(section),
  ].join('\n')

const HOLLOW = /\bempty list\b|\bthere (is|are) none\b|: none\.|(^|[.:] )Refused\b/i

/** Routes that have nothing to show, or refuse whatever they are asked: by what their summaries say. */
export const hollowRoutes = (all: Service[]): string[] =>
  all.flatMap(({ prefix, operations }) =>
    operations.filter(({ summary }) => HOLLOW.test(summary)).map(({ method, path }) => `${method} ${prefix}${path}`),
  )

const section = (service: Service): string[] => {
  const { types, prefix, microversions: range } = service
  const windows = service.operations.some(({ since, until }) => since !== undefined || until !== undefined)
  return [
    `## \`${prefix}\`${types.length ? `: ${types.join(', ')}` : ''}`,
    '',
    ...(range ? [`Microversions ${range.major}.${range.min} to ${range.major}.${range.max}.`, ''] : []),
    windows ? '| | path | who | microversions | |' : '| | path | who | |',
    windows ? '|---|---|---|---|---|' : '|---|---|---|---|',
    ...service.operations.map((operation) => row(service, operation, windows)),
    '',
  ]
}

const row = ({ microversions }: Service, operation: Operation, windows: boolean): string => {
  const { method, path, who, also, summary, since, until } = operation
  const needs = [who, ...Object.entries(also ?? {}).map(([target, role]) => `${target} ${role}`)].join(' / ')
  const version = (minor: number) => `${microversions?.major}.${minor}`
  const window =
    since !== undefined && until !== undefined
      ? `${version(since)} to ${version(until)}`
      : since !== undefined
        ? `from ${version(since)}`
        : until !== undefined
          ? `to ${version(until)}`
          : ''
  const shown = (path || '(the prefix itself)').replace(/:(\w+)(\{[^}]*\})?/g, '{$1}')
  return `| ${[method, `\`${shown}\``, needs, ...(windows ? [window] : []), summary.replaceAll('|', '\\|')].join(' | ')} |`
}

if (import.meta.main) {
  const { writeFileSync } = await import('node:fs')
  writeFileSync(new URL('../../docs/api.md', import.meta.url), apiReference(services))
}
