import { describe, expect, it } from 'vitest'
import type { ImageSeen } from '../../../adapters/contract.ts'
import type { Context } from '../../../adapters/vsphere/context.ts'
import { libraryImage, libraryPage } from '../../../adapters/vsphere/package/library.ts'
import { vapiOf } from '../../../adapters/vsphere/wire/vapi.ts'
import { connection, fake } from './fake.ts'

const ITEMS: Record<string, object> = {
  'i-1': { id: 'i-1', name: 'debian', type: 'ovf', size: 42, creation_time: '2026-01-02T03:04:05Z', description: 'd' },
  'i-2': { id: 'i-2', name: 'rescue', type: 'iso' },
  'i-3': { id: 'i-3', name: 'template', type: 'vm-template' },
}
type Form = 'api' | 'rest'

/** A vCenter with a content library, spoken to in one of the two forms. */
const vcenter = (form: Form, answer: (path: string, init: RequestInit | undefined) => Response | null = () => null) => {
  const calls: { path: string; init: RequestInit | undefined }[] = []
  let logins = 0
  const base = form === 'api' ? '/api' : '/rest/com/vmware'
  const items = Object.fromEntries(
    Object.entries(ITEMS).map(([id, item]) => [`/content/library/item/${form === 'api' ? '' : 'id%3A'}${id}`, item]),
  )
  const known: Record<string, unknown> = {
    '/content/library': ['lib'],
    '/content/library/item?library_id=lib': Object.keys(ITEMS).toReversed(),
    ...items,
  }
  const fetching: typeof fetch = async (input, init) => {
    const { pathname, search } = new URL(String(input))
    const path = pathname.replace('id:', 'id%3A') + search
    calls.push({ path, init })
    const special = answer(path, init)
    if (special) return special
    const value = (body: unknown) => Response.json(form === 'rest' ? { value: body } : body)
    if (path === (form === 'api' ? '/api/session' : '/rest/com/vmware/cis/session')) return value(`s-${++logins}`)
    const found = path.startsWith(base) ? known[path.slice(base.length)] : undefined
    return found === undefined ? new Response('{}', { status: 404 }) : value(found)
  }
  const { surroundings } = fake(() => '')
  const context = { surroundings: { ...surroundings, fetch: fetching }, connection: connection() } as unknown as Context
  return { context, calls, logins: () => logins }
}
const names = ({ items }: { items: ImageSeen[] }) => items.map(({ id, name }) => [id, name])

describe.each(['api', 'rest'] as const)('a content library in the form %s', (form) => {
  it('shows what servers are made of, and nothing else', async () => {
    const { context, calls } = vcenter(form)
    const page = await libraryPage(context, 'library:')
    expect(page).toEqual({
      complete: true,
      items: [
        {
          id: 'library:i-1',
          name: 'debian',
          health: 'ready',
          arch: 'x86_64',
          minDiskGiB: 0,
          sizeBytes: 42,
          os: null,
          createdAt: '2026-01-02T03:04:05Z',
          description: 'd',
        },
      ],
    })
    expect(await libraryImage(context, 'library:i-1')).toEqual(page.items[0])
    expect([await libraryImage(context, 'library:i-2'), await libraryImage(context, 'library:i-9')]).toEqual([
      null,
      null,
    ])
    const login = calls.find(({ path }) => path.endsWith('/session'))
    expect(calls.find(({ init }) => init?.method === 'GET')?.init?.headers).toMatchObject({
      'vmware-api-session-id': 's-1',
    })
    expect(new Headers(calls.find(({ path }) => path === login?.path)?.init?.headers).get('authorization')).toBe(
      `Basic ${btoa('u:p<&>')}`,
    )
  })

  it('is asked with a session that is begun anew once', async () => {
    let refusals = 1
    const { context, logins } = vcenter(form, (path) =>
      path.includes('library') && refusals-- > 0 ? new Response('{}', { status: 401 }) : null,
    )
    expect(names(await libraryPage(context, 'library:'))).toEqual([['library:i-1', 'debian']])
    expect(logins()).toBe(2)
  })

  it('takes an order with its token', async () => {
    const { context, calls } = vcenter(form, (path) =>
      path.includes('deploy')
        ? Response.json(form === 'rest' ? { value: { succeeded: true } } : { succeeded: true })
        : null,
    )
    const vapi = (await vapiOf(context))!
    expect(await vapi.order('/x?action=deploy', { target: {} }, 't-1')).toEqual({ succeeded: true })
    const { init } = calls.at(-1)!
    expect(new Headers(init?.headers).get('client-token')).toBe('t-1')
    expect(JSON.parse(String(init?.body))).toEqual(
      form === 'rest' ? { client_token: 't-1', target: {} } : { target: {} },
    )
  })
})

it('pages are read in the order of their ids', async () => {
  const ids = Array.from({ length: 60 }, (_, at) => `p-${100 + at}`)
  const { context } = vcenter('api', (path) => {
    if (path.includes('library_id=')) return Response.json(ids)
    const [, id] = /item\/(p-\d+)$/.exec(path) ?? []
    return id ? Response.json({ id, name: id, type: 'ovf' }) : null
  })
  const seen: string[] = []
  let cursor: string | undefined = 'library:'
  let pages = 0
  while (cursor !== undefined) {
    const page = await libraryPage(context, cursor)
    seen.push(...page.items.map(({ name }) => name ?? ''))
    cursor = page.next
    pages++
  }
  expect([seen, pages]).toEqual([ids, 3])
})

it.each([
  ['a vCenter that has no such API has no libraries', 404, true],
  ['who may not see libraries has none', 403, true],
  ['a library that does not answer hides nothing: the page is incomplete', 503, false],
])('%s', async (_, status, complete) => {
  const { context } = vcenter('api', (path) =>
    status === 404 || path.includes('library') ? new Response('{}', { status }) : null,
  )
  expect(await libraryPage(context, 'library:')).toEqual({ items: [], complete })
})
