import { expect, test } from 'vitest'
import * as z from 'zod'
import { dialects } from '../../functions/http/dialects.ts'
import type { Answer, Input } from '../../functions/http/operation.ts'
import type { Service } from '../../functions/http/service.ts'
import { documentOperation } from '../../functions/openapi/serve.ts'

const asked = async (service: Service, microversion: string): Promise<string> => {
  const request = new Request('http://broker.example/openapi.json')
  const answer = await documentOperation(() => [service]).handle({
    query: { microversion },
    request,
  } as unknown as Input)
  return (answer as Answer).json!
}

/** A service of one operation, whose schema is asked for as often as a document is written. */
const serviceOf = (prefix: string, body: (version: number) => z.ZodType): Service => ({
  ...{ types: [], name: 'kept', prefix, endpoint: prefix, dialect: dialects.broker },
  microversions: { major: 1, min: 0, max: 99, name: 'kept' },
  operations: [
    {
      ...{ name: 'kept.create', method: 'POST', path: '/kept', who: 'public', summary: 'Kept.', status: 201, body },
      handle: () => ({}),
    },
  ],
})

test('a document is written once a version, in whatever order strangers ask', async () => {
  const seen: number[] = []
  const service = serviceOf('/kept-once', (version) => {
    seen.push(version)
    return z.object({ kept: z.string().max(version + 1) })
  })
  const versions = Array.from({ length: 100 }, (_, minor) => `1.${minor}`)
  const first = await Promise.all(versions.map((version) => asked(service, version)))
  const second = await Promise.all(versions.map((version) => asked(service, version)))
  expect(second).toEqual(first)
  expect(JSON.parse(first[42]!).info.version).toBe('1.42')
  expect(first[42]).toContain('"maxLength":43')
  expect(seen).toHaveLength(100)
})

test('one that could not be written is tried again', async () => {
  let times = 0
  const service = serviceOf('/kept-not', () => {
    times += 1
    if (times === 1) throw new Error('not now')
    return z.object({})
  })
  await expect(asked(service, '1.1')).rejects.toThrow('not now')
  expect(JSON.parse(await asked(service, '1.1')).openapi).toBe('3.1.0')
})
