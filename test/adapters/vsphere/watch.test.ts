import { describe, expect, it } from 'vitest'
import type { Change } from '../../../adapters/contract.ts'
import { vsphere } from '../../../adapters/vsphere/index.ts'
import { type Answer, type Asked, connection, fake, fault } from './fake.ts'
import { playing, returned } from './scene.ts'

const update = (kind: string, id: string) =>
  `<objectSet><kind>${kind}</kind><obj type="VirtualMachine">${id}</obj></objectSet>`
const set = (version: string, updates: string[], truncated = false) =>
  returned(
    'WaitForUpdatesEx',
    `<version>${version}</version><filterSet><filter type="PropertyFilter">f</filter>${updates.join('')}</filterSet>${truncated ? '<truncated>true</truncated>' : ''}`,
  )
const nothing = '<WaitForUpdatesExResponse xmlns="urn:vim25"/>'
const changed = (...ids: string[]): Change[] => ids.map((id) => ({ kind: 'server', id }))

/** Watches a vCenter that answers each wait in turn; after the last it is told to stop. */
const watching = async (answers: (Answer | ((asked: Asked) => Answer))[]) => {
  const ending = new AbortController()
  const { asked, methods, surroundings } = fake(
    playing({
      mark: '',
      power: 'poweredOn',
      serial: null,
      file: () => new Response(null, { status: 404 }),
      answer: (one) => {
        if (one.method !== 'WaitForUpdatesEx') return undefined
        const next = answers.shift()
        if (answers.length === 0) ending.abort()
        return typeof next === 'function' ? next(one) : (next ?? nothing)
      },
    }),
  )
  const seen: Change[][] = []
  const run = (async () => {
    for await (const changes of vsphere.connect(connection(), surroundings).watch!(ending.signal)) seen.push(changes)
  })()
  const error = await run.then(
    () => null,
    (thrown) => thrown,
  )
  const versions = asked.flatMap(({ body }) => /<version>(.*?)<\/version>/.exec(body)?.[1] ?? [])
  return { seen, error, versions, asked, methods }
}

describe('changes in vCenter', () => {
  it('are told as they come, after what was there from the beginning', async () => {
    const { seen, error, versions } = await watching([
      set('1', [update('enter', 'vm-1'), update('enter', 'vm-2')], true),
      set('2', [update('enter', 'vm-3')]),
      nothing,
      set('3', [update('modify', 'vm-2')]),
      set('4', [update('enter', 'vm-4'), update('modify', 'vm-1')], true),
      set('5', [update('modify', 'vm-3')]),
      nothing,
    ])
    expect(error).toBeNull()
    expect(seen).toEqual([changed('vm-2'), changed('vm-4', 'vm-1'), changed('vm-3')])
    expect(versions).toEqual(['', '1', '2', '2', '3', '4', '5'])
  })

  it('do not say that something is gone: listings do', async () => {
    const { seen } = await watching([set('1', []), set('2', [update('leave', 'vm-1')]), nothing])
    expect(seen).toEqual([])
  })

  it('are waited for with a collector and a view of its own, which go at the end', async () => {
    const { methods, asked } = await watching([set('1', []), nothing])
    expect(methods().slice(-5)).toEqual([
      'CreateFilter',
      'WaitForUpdatesEx',
      'WaitForUpdatesEx',
      'DestroyPropertyCollector',
      'DestroyView',
    ])
    const wait = asked.find(({ method }) => method === 'WaitForUpdatesEx')
    expect(wait?.body).toContain('<_this type="PropertyCollector">session-pc-1</_this>')
    expect(wait?.body).toContain('<maxWaitSeconds>60</maxWaitSeconds>')
    const filter = asked.find(({ method }) => method === 'CreateFilter')?.body
    for (const path of ['runtime.powerState', 'runtime.host', 'summary.runtime.bootTime'])
      expect(filter).toContain(`<pathSet>${path}</pathSet>`)
  })

  it('are watched for anew when the session has ended', async () => {
    const { seen, error, methods } = await watching([
      set('1', [update('enter', 'vm-1')]),
      fault('NotAuthenticated'),
      fault('ManagedObjectNotFound'),
      set('1', [update('enter', 'vm-1')]),
      set('2', [update('modify', 'vm-1')]),
      nothing,
    ])
    expect([error, seen]).toEqual([null, [changed('vm-1')]])
    expect(methods().filter((method) => method === 'CreatePropertyCollector')).toHaveLength(2)
    expect(methods().filter((method) => method === 'Login')).toHaveLength(2)
  })

  it.each([
    ['a collector that is never there', [fault('ManagedObjectNotFound'), nothing], 'not_found'],
    ['a line that breaks', [set('1', []), new TypeError('fetch failed'), nothing], 'ambiguous'],
    ['a user who may not', [fault('NoPermission'), nothing], 'denied'],
  ])('end with the reason: %s', async (_, answers, code) => {
    expect((await watching(answers)).error).toMatchObject({ code })
  })

  it('are not waited for when nobody wants them any more', async () => {
    const { methods, error } = await watching([() => new TypeError('aborted')])
    expect(error).toBeNull()
    expect(methods().filter((method) => method === 'WaitForUpdatesEx')).toHaveLength(1)
  })
})
