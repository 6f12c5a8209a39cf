import type { JsonSchema } from '../../functions/http/json-schema.ts'
import type { Service } from '../../functions/http/service.ts'
import { answerName, answersOf } from '../../functions/openapi/answers.ts'
import { documentedStatuses } from '../../functions/openapi/operations.ts'
import { type Shape, schemaOf } from '../../functions/openapi/shapes.ts'
import { misfits } from './fits.ts'
import { routed } from './routed.ts'
import { remember } from './seen.ts'

/** What did not fit in this process and has not been told by a test. */
export const unfit: string[] = []

/** By service and version: schemas that were made once. */
const made = new Map<string, JsonSchema>()

const schemaIn = (service: Service, version: number, shape: Shape, key: string): JsonSchema => {
  const name = `${service.prefix} ${version} ${key}`
  const schema = made.get(name) ?? schemaOf(shape, version, (named) => ({ $ref: named }))
  made.set(name, schema)
  return schema
}

/** Whether what was answered is what the document of the service says of the operation in that version. */
export const judge = async (request: Request, response: Response, text: string): Promise<void> => {
  const found = routed(request.method, request.url, request.headers)
  if (!found) return
  const { service, operation, version } = found
  const answers = await answersOf(service)
  const narrowed = new URL(request.url).searchParams.has('fields')
  const name = answerName(operation.name)
  const { status } = response
  // Fields that are asked for narrow what is answered, and no refusal.
  if (!narrowed || status >= 400) remember([service.prefix, name, status, version].join(' '), response, text)
  const say = (what: string) =>
    unfit.push(
      `${service.prefix} ${name} ${service.microversions ? `${service.microversions.major}.${version} ` : ''}${status}: ${what}`,
    )
  // No document tells of a fault of its own program: the story that provokes one looks at it.
  if (status === 500) return
  if (!documentedStatuses(operation, { service, answers }).includes(status)) say('the status is not told of')
  if (status >= 400) return
  const shape = answers.answers[name]?.[status]
  if (shape === undefined || narrowed) return
  if (shape === null) {
    if (text !== '') say('there is a body, and none is told of')
    return
  }
  if (typeof shape === 'string' && shape.startsWith('=')) return
  if (text === '') {
    if (typeof shape !== 'object' || Array.isArray(shape) || shape['|'] !== 'nothing') say('there is no body')
    return
  }
  // The same told as a table, to whoever asks for it.
  if (!response.headers.get('content-type')?.startsWith('application/json')) return
  const named = (of: string) => schemaIn(service, version, answers.shapes[of]!, `$${of}`)
  const faults = misfits(JSON.parse(text), schemaIn(service, version, shape, `${name} ${status}`), named)
  if (faults.length) say(faults.slice(0, 5).join('; '))
}
