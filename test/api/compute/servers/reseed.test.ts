import { expect, test } from 'vitest'
import { narrowCloudType } from '../../../support/narrow-cloud.ts'
import { at, NOVA, newWorld, type World } from './world.ts'

const KEYS = [
  'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ6XHBU2Zc0mD3nSbqN1oUuq2yHfE1tT1wWv5gq0m8aB one@example',
  'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ6XHBU2Zc0mD3nSbqN1oUuq2yHfE1tT1wWv5gq0m8aC two@example',
]
const withKeys = async (w: World) => {
  for (const [i, key] of KEYS.entries())
    await w.demo.post(`${NOVA}/os-keypairs`, { keypair: { name: `k${i}`, public_key: key } })
  return w.running({ key_name: 'k0', user_data: btoa('#!/bin/sh\n'), config_drive: true })
}
const written = async (w: World, id: string): Promise<string> => {
  w.plimsoll.clock.advance(60_000)
  return (await w.act(id, { 'os-getConsoleOutput': {} })).body.output
}
const keyIn = (output: string) => /authorized key for user cloud: (\S+)/.exec(output)?.[1]

test('a rebuild brings another key and other user data, which the guest finds', async () => {
  const w = await newWorld()
  const id = await withKeys(w)
  const before = keyIn(await written(w, id))
  const rebuild = { imageRef: w.image, key_name: 'k1', user_data: btoa('#!/bin/sh\nexit 0\n') }
  const { status, body } = await w.act(id, { rebuild })
  expect([status, body.server.key_name, body.server.user_data]).toEqual([202, 'k1', rebuild.user_data])
  await w.plimsoll.settle()
  expect(await w.server(id)).toMatchObject({ status: 'ACTIVE', key_name: 'k1' })
  expect((await w.server(id, w.admin.with(at('2.96'))))['OS-EXT-SRV-ATTR:user_data']).toBe(rebuild.user_data)
  const output = await written(w, id)
  expect(output).toContain('user-data: 17 bytes')
  expect(output).toMatch(/config-2: openstack\/latest\/user_data, 17 bytes/)
  expect(before).toBeDefined()
  expect(keyIn(output)).not.toBe(before)
  // Nothing is said of either: they stay as they are.
  await w.act(id, { rebuild: { imageRef: w.image } })
  await w.plimsoll.settle()
  expect(keyIn(await written(w, id))).toBe(keyIn(output))
  await w.act(id, { rebuild: { imageRef: w.image, key_name: null, user_data: null } })
  await w.plimsoll.settle()
  expect(await w.server(id)).toMatchObject({ status: 'ACTIVE', key_name: null })
  const bare = await written(w, id)
  expect(keyIn(bare)).toBeUndefined()
  expect(bare).toContain('user-data: 0 bytes')
})

test('a cloud that does not do so says it, and the same key is none other', async () => {
  narrowCloudType()
  const w = await newWorld({ clouds: [{ name: 'sandbox', type: 'narrow' }] })
  const id = await withKeys(w)
  for (const more of [{ key_name: 'k1' }, { key_name: null }, { user_data: 'YQ==' }, { user_data: null }]) {
    const { status, body } = await w.act(id, { rebuild: { imageRef: w.image, ...more } })
    expect([status, body.conflictingRequest?.message]).toEqual([409, expect.stringContaining('a rebuild keeps both')])
  }
  const same = { imageRef: w.image, key_name: 'k0', user_data: btoa('#!/bin/sh\n') }
  expect((await w.act(id, { rebuild: same })).status).toBe(202)
})
