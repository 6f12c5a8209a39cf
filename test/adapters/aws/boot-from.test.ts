import type { Instance, InstanceStateName } from '@aws-sdk/client-ec2'
import { expect, it } from 'vitest'
import { nextStep } from '../../../adapters/aws/compute/boot-from.ts'
import { BOOT_TAG } from '../../../adapters/aws/marks.ts'

const instance = (state: InstanceStateName, root: string | null, tag: string): Instance => ({
  State: { Name: state },
  RootDeviceName: '/dev/xvda',
  BlockDeviceMappings: [
    ...(root === null ? [] : [{ DeviceName: '/dev/xvda', Ebs: { VolumeId: root } }]),
    { DeviceName: '/dev/sdf', Ebs: { VolumeId: 'vol-data' } },
  ],
  Tags: [{ Key: BOOT_TAG, Value: tag }],
})

it.each([
  ['running', 'vol-old', 'vol-old', 'running', 'stop'],
  ['stopping', 'vol-old', 'vol-old', 'running', 'wait'],
  ['stopped', 'vol-old', 'vol-old', 'running', 'detach'],
  ['stopped', null, 'vol-old', 'running', 'attach'],
  ['stopped', 'vol-new', 'vol-old', 'running', 'tag'],
  ['stopped', 'vol-new', 'vol-new', 'running', 'start'],
  ['pending', 'vol-new', 'vol-new', 'running', 'wait'],
  ['running', 'vol-new', 'vol-new', 'running', 'done'],
  ['stopped', 'vol-new', 'vol-new', 'stopped', 'done'],
  ['running', 'vol-new', 'vol-new', 'stopped', 'stop'],
] as const)(
  'an instance that is %s with root %s, said to boot from %s and wanted %s: %s',
  (state, root, tag, power, step) => {
    expect(nextStep(instance(state, root, tag), 'vol-new', power)).toBe(step)
  },
)
