import { beforeEach, describe, expect, test } from 'vitest'
import { aws } from '../../../../adapters/aws/index.ts'
import { remembered } from '../../../../adapters/sandbox/backdoor.ts'
import { withFiles, withoutFiles } from '../../../../functions/broker/compute/personality.ts'
import { narrowCloudType } from '../../../support/narrow-cloud.ts'
import { at, NOVA, newWorld, type World } from './world.ts'

const message = (answer: { body: Record<string, { message: string }> }) => Object.values(answer.body)[0]!.message
const base64 = (text: string) => Buffer.from(text, 'latin1').toString('base64')
const motd = { path: '/etc/motd', contents: base64('welcome\n') }

/** Header and body of each part, as a reader of such messages takes them apart. */
const partsOf = (userData: string): { head: string; body: string }[] => {
  const text = Buffer.from(userData, 'base64').toString('latin1')
  const boundary = /^Content-Type: multipart\/mixed; boundary="([^"]+)"\r\nMIME-Version: 1\.0\r\n\r\n/.exec(text)![1]!
  return text
    .split(`--${boundary}`)
    .slice(1, -1)
    .map((part) => {
      const [head = '', ...rest] = part.replace(/^\r\n/, '').split('\r\n\r\n')
      const body = rest.join('\r\n\r\n').replace(/\r\n$/, '')
      return { head, body: head.includes('base64') ? Buffer.from(body, 'base64').toString('latin1') : body }
    })
}
const configIn = (body: string) => {
  expect(body.startsWith('#cloud-config\n')).toBe(true)
  return JSON.parse(body.slice('#cloud-config\n'.length))
}

describe('user data with files', () => {
  const message = 'MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary="b"\n\n--b\n\n#!/bin/sh\n--b--\n'
  test.each<[string, string | null, RegExp | null]>([
    ['nothing', null, null],
    ['a script', base64('#!/bin/sh\necho "hello"\n'), /Content-Type: text\/plain/],
    ['bytes that are no text', base64('\x00\xff\r\n\r\n--x'), /Content-Type: text\/plain/],
    ['something compressed', base64('\x1f\x8b\x08rest'), /Content-Type: application\/gzip/],
    [
      'a message of several parts',
      base64(message),
      /^X-Plimsoll-Part: user-data\r\nMIME-Version: 1\.0\nContent-Type: multi/,
    ],
  ])(
    'is a message with %s first and a cloud-config that writes them last, and gives back what the user sent',
    (_, sent, head) => {
      const merged = withFiles(sent, [motd])!
      const parts = partsOf(merged)
      expect(parts).toHaveLength(head ? 2 : 1)
      if (head) expect(parts[0]!.head + parts[0]!.body).toMatch(head)
      const config = configIn(parts.at(-1)!.body)
      expect(config.write_files).toEqual([{ path: '/etc/motd', encoding: 'b64', content: motd.contents }])
      expect(config.merge_how).toContainEqual({ name: 'list', settings: ['append'] })
      expect(withoutFiles(merged)).toBe(sent)
      expect(withFiles(sent, [motd])).toBe(merged)
    },
  )

  test('without files is what it was', () => {
    expect(withFiles(motd.contents, [])).toBe(motd.contents)
    expect(withoutFiles(motd.contents)).toBe(motd.contents)
  })
})

describe('a personality', () => {
  let w: World
  beforeEach(async () => {
    w = await newWorld()
  })
  const boot = (more: Record<string, unknown>) => w.boot(more, w.demo)
  const guestOf = async (id: string) => {
    const all = await remembered(w.plimsoll.host.cloudState, w.plimsoll.cloudId('sandbox'), 'server')
    return (all.find((each) => each.mark?.resource === id) as { guest: { userDataBytes: number } }).guest
  }

  test('reaches the guest with its user data, of which administrators see what was sent', async () => {
    const user_data = base64('#!/bin/sh\necho "hello"\n')
    const answer = await boot({ personality: [motd], user_data })
    expect(answer.status).toBe(202)
    await w.plimsoll.settle()
    const { id } = answer.body.server
    const merged = Buffer.from(withFiles(user_data, [motd])!, 'base64')
    expect(await guestOf(id)).toMatchObject({ userDataBytes: merged.length })
    const shown = (await w.admin.get(`${NOVA}/servers/${id}`, at('2.3'))).body.server
    expect(shown['OS-EXT-SRV-ATTR:user_data']).toBe(user_data)
    const alone = await boot({ personality: [motd] })
    const bare = (await w.admin.get(`${NOVA}/servers/${alone.body.server.id}`, at('2.3'))).body.server
    expect(bare['OS-EXT-SRV-ATTR:user_data']).toBeNull()
  })

  test.each<[string, object[], RegExp]>([
    ['six files', Array.from({ length: 6 }, () => motd), /^Personality file limit exceeded$/],
    ['a long path', [{ ...motd, path: `/${'x'.repeat(255)}` }], /^Personality file path exceeds maximum 255$/],
    ['long contents', [{ ...motd, contents: 'YWFh'.repeat(2561) }], /^Personality file content exceeds maximum 10240$/],
  ])('of %s is over the limits of the project', async (_, personality, words) => {
    const answer = await boot({ personality })
    expect([answer.status, message(answer)]).toEqual([403, expect.stringMatching(words)])
    expect((await w.newest.get(`${NOVA}/servers`)).body.servers).toEqual([])
  })

  test('has limits that administrators set, and all see', async () => {
    const limits = async () => (await w.demo.get(`${NOVA}/limits`)).body.limits.absolute
    expect(await limits()).toMatchObject({ maxPersonality: 5, maxPersonalitySize: 10240 })
    await w.admin.put(`${NOVA}/os-quota-sets/${w.plimsoll.projectId('demo')}`, { quota_set: { injected_files: 0 } })
    expect(await limits()).toMatchObject({ maxPersonality: 0 })
    const answer = await boot({ personality: [motd] })
    expect([answer.status, message(answer)]).toEqual([403, 'Personality file limit exceeded'])
  })

  test.each<[string, Record<string, unknown>]>([
    ['contents that are no base64', { path: '/x', contents: '!' }],
    ['no contents', { path: '/x' }],
    ['a mode', { ...motd, mode: '0600' }],
  ])('with %s is refused', async (_, file) => {
    expect((await boot({ personality: [file] })).status).toBe(400)
  })

  test('of a server that is rebuilt is written by its guest then, beside its user data and in place of earlier files', async () => {
    const user_data = base64('#!/bin/sh\necho "hello"\n')
    const { id } = (await boot({ personality: [motd], user_data })).body.server
    await w.plimsoll.settle()
    const other = { path: '/etc/issue', contents: base64('other and longer than that') }
    expect((await w.act(id, { rebuild: { imageRef: w.image, personality: [other] } }, w.demo)).status).toBe(202)
    await w.plimsoll.settle()
    const merged = Buffer.from(withFiles(user_data, [other])!, 'base64')
    expect(await guestOf(id)).toMatchObject({ userDataBytes: merged.length })
    const shown = (await w.admin.get(`${NOVA}/servers/${id}`, at('2.3'))).body.server
    expect([shown.status, shown['OS-EXT-SRV-ATTR:user_data']]).toEqual(['ACTIVE', user_data])
    const many = Array.from({ length: 6 }, () => motd)
    const refused = await w.act(id, { rebuild: { imageRef: w.image, personality: many } }, w.demo)
    expect([refused.status, message(refused)]).toEqual([403, 'Personality file limit exceeded'])
  })

  test('of a server that is rebuilt is refused where a cloud leaves what its guest reads as it is', async () => {
    narrowCloudType()
    w = await newWorld({ clouds: [{ name: 'sandbox', type: 'narrow' }] })
    const answer = await w.act(await w.running(), { rebuild: { imageRef: w.image, personality: [motd] } }, w.demo)
    expect([answer.status, message(answer)]).toEqual([409, aws.lacks['server.reseed']])
  })

  test('beyond what a cloud takes of user data is refused with its limit', async () => {
    narrowCloudType()
    w = await newWorld({ clouds: [{ name: 'sandbox', type: 'narrow' }] })
    const personality = ['a', 'b'].map((path) => ({ path: `/${path}`, contents: 'YWFh'.repeat(2500) }))
    const answer = await boot({ personality })
    expect([answer.status, message(answer)]).toEqual([
      409,
      expect.stringMatching(/takes 16384 bytes of user data at most/),
    ])
  })
})
