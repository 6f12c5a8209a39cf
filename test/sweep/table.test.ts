import { describe, expect, test } from 'vitest'
import { operations } from '../../functions/app.ts'
import { services } from '../../functions/services.ts'
import { apiReference } from '../support/reference.ts'

const documents = import.meta.glob<string>('../../docs/api.md', { query: '?raw', import: 'default', eager: true })
const repeated = (items: string[]) => items.filter((item, index) => items.indexOf(item) !== index)

describe('the route table', () => {
  test('names every operation once', () => {
    for (const { prefix, operations: own } of services) {
      expect([prefix, repeated(own.map(({ name }) => name))]).toEqual([prefix, []])
      expect([prefix, repeated(own.map(({ method, path }) => `${method} ${path}`))]).toEqual([prefix, []])
    }
  })

  test('documents every operation in a sentence', () => {
    const silent = operations.filter(({ operation }) => !/^[A-Z0-9`].{5,}\.$/s.test(operation.summary))
    expect(silent.map(({ operation }) => `${operation.name}: ${operation.summary}`)).toEqual([])
  })

  test('has windows within the range of the service', () => {
    const wrong = operations.filter(({ service, operation: { since, until } }) => {
      if (since === undefined && until === undefined) return false
      const { min = 0, max = 0 } = service.microversions ?? {}
      return (since ?? min) < min || (until ?? max) > max || (since ?? min) > (until ?? max)
    })
    expect(wrong.map(({ operation }) => operation.name)).toEqual([])
  })

  test('lets nobody change anything with less than the role of a member', () => {
    /** Signing in and out, one's own password and credentials, forgetting one's own token, and what a word says of itself are for everybody. */
    const open = operations.filter(
      ({ operation: { method, who } }) =>
        method !== 'GET' && method !== 'HEAD' && !['member', 'manager', 'admin'].includes(who),
    )
    expect(
      open
        .map(({ operation }) => operation.name)
        .filter(
          (name) =>
            !/^(token|trust|user|application_credential|access_rule|credential|ec2_credential|ec2_token|s3_token|request_token|access_token|federated_token|session|websso|websso_by_protocol|report|arrival)\./.test(
              name,
            ),
        ),
    ).toEqual([])
  })

  test('is what docs/api.md says: run `node test/support/reference.ts`', () => {
    expect(Object.values(documents)[0]).toBe(apiReference(services))
  })
})
