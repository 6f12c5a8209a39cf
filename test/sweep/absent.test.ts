import { beforeAll, describe, expect, test } from 'vitest'
import { operations } from '../../functions/app.ts'
import { type Plimsoll, startPlimsoll } from '../support/harness.ts'
import { isAbsent, parametersOf, pathOf, type Route, titleOf, versionHeader, versionOf } from './calls.ts'
import { bodiesFor } from './examples.ts'

let plimsoll: Plimsoll
beforeAll(async () => {
  plimsoll = await startPlimsoll({ clouds: [] })
})

const routes = operations.filter(isAbsent).map((route): [string, Route] => [titleOf(route), route])

describe('what no cloud has', () => {
  test.each(routes)('%s', async (_, route) => {
    const { operation } = route
    const path = pathOf(route, ({ name }) => (name === 'project_id' ? plimsoll.projectId('demo') : 'x'))
    const who = operation.who === 'admin' ? 'admin' : 'demo'
    for (const body of bodiesFor(route)) {
      const answer = await plimsoll.as(who).send(operation.method, path, body, versionHeader(route, versionOf(route)))
      const refused = /^refused/i.test(operation.summary)
      if (refused) expect([400, 403, 404, 409, 501]).toContain(answer.status)
      else if (parametersOf(route).some(({ name }) => name !== 'project_id')) expect(answer.status).toBe(404)
      else {
        expect(answer.status).toBe(200)
        expect(Object.values(answer.body).map((value) => JSON.stringify(value))).toEqual([
          expect.stringMatching(/^(\[\]|\{\})$/),
        ])
      }
    }
  })
})
