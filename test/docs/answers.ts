import type { Operation } from '../../functions/http/operation.ts'
import type { Service } from '../../functions/http/service.ts'
import { type Answers, answerName } from '../../functions/openapi/answers.ts'
import { readKey, type Shape } from '../../functions/openapi/shapes.ts'

/** `from 2.26`, `to 2.74`, or nothing. */
const windowOf = (from: number, to: number, { microversions }: Service): string =>
  [
    ...(Number.isFinite(from) ? [`from ${microversions?.major}.${from}`] : []),
    ...(Number.isFinite(to) ? [`to ${microversions?.major}.${to}`] : []),
  ].join(' ')

const typesOf = (words: string): string =>
  words
    .split('|')
    .map((word) => (word.startsWith('$') ? word.slice(1) : word))
    .join(' or ')

/** A shape in a line, as it would be written down by hand. */
const inLine = (shape: Shape, service: Service): string => {
  if (typeof shape === 'string') return typesOf(shape)
  if (Array.isArray(shape)) {
    const [items = 'any', ...others] = shape
    return [`[${inLine(items, service)}]`, ...others.map((each) => inLine(each, service))].join(' or ')
  }
  const members = Object.entries(shape).flatMap(([key, member]) => {
    if (key === '|') return []
    const { name, optional, from, to } = readKey(key)
    const window = windowOf(from, to, service)
    return [`${name}${optional ? '?' : ''}: ${inLine(member, service)}${window ? ` (${window})` : ''}`]
  })
  const others = shape['|']
  return [`{${members.join(', ')}}`, ...(others === undefined ? [] : [inLine(others, service)])].join(' or ')
}

const code = (text: string): string => `\`${text.replaceAll('|', '\\|')}\``

/** What an operation answers, a line a status. */
export const answerLines = (service: Service, operation: Operation, { answers }: Answers): string[] => {
  const written = Object.entries(answers[answerName(operation.name)] ?? {}).flatMap(([status, shape]) =>
    shape === null
      ? []
      : [
          typeof shape === 'string' && shape.startsWith('=')
            ? `${status} is answered with ${code(shape.slice(1))}.`
            : `${status} is answered with ${code(inLine(shape, service))}.`,
        ],
  )
  return written.flatMap((line) => [line, ''])
}

/** The shapes that answers refer to, a table each. */
export const shapeTables = (service: Service, { shapes }: Answers): string[] =>
  Object.entries(shapes).flatMap(([name, shape]) => {
    if (typeof shape === 'string' || Array.isArray(shape)) return [`#### ${name}`, '', code(inLine(shape, service)), '']
    const others = shape['|']
    return [
      `#### ${name}`,
      '',
      ...(typeof others === 'string' ? [`Or ${typesOf(others)}.`, ''] : []),
      '| member | is | |',
      '|---|---|---|',
      ...Object.entries(shape).flatMap(([key, member]) => {
        if (key === '|') return []
        const { name: called, optional, from, to } = readKey(key)
        const notes = [optional ? 'may be absent' : '', windowOf(from, to, service)].filter(Boolean).join(', ')
        return [`| ${called === '*' ? 'any other' : `\`${called}\``} | ${code(inLine(member, service))} | ${notes} |`]
      }),
      '',
    ]
  })
