import assert from 'node:assert/strict'
import { DescribeInstancesCommand, DescribeInstanceTypesCommand } from '@aws-sdk/client-ec2'
import type { Look } from '../aws/look.ts'
import { AWAY } from '../span/ground.ts'
import type { People } from '../support/cloud.ts'

/** What a vCPU and a GiB of memory cost an hour, in micros of a dollar. */
export interface Tariff {
  vcpu: number
  ramGib: number
}

const dollars = (micros: number): string => (micros / 1e6).toFixed(6)

/** The operator prices what EC2 sells. */
export const price = ({ admin }: Pick<People, 'admin'>, { vcpu, ramGib }: Tariff): Promise<unknown> =>
  admin.must('PUT', `/broker/v1/clouds/${AWAY}/prices`, {
    prices: { currency: 'USD', parts: { vcpu: dollars(vcpu), ram_gib: dollars(ramGib) } },
  })

/** All goes to EC2, and may cost so much an hour together; null: whatever it costs. */
export const cap = (
  { admin, demo }: Pick<People, 'admin' | 'demo'>,
  micros: number | null,
  more: Record<string, unknown> = {},
): Promise<unknown> => {
  const max_hourly_cost = micros === null ? null : { amount: dollars(micros), currency: 'USD' }
  return admin.must('PUT', `/broker/v1/projects/${demo.projectId}/policy`, {
    policy: { chain: [AWAY], min_filters: 'trusted', max_hourly_cost, ...more },
  })
}

interface Held {
  type: string
  vcpus: number
  ramGib: number
}

/** Every instance of ours that EC2 has and charges for, with what its type has; by EC2's own books alone. */
export const heldAt = async ({ ec2 }: Pick<Look, 'ec2'>): Promise<Held[]> => {
  const { Reservations } = await ec2.send(
    new DescribeInstancesCommand({
      Filters: [
        { Name: 'tag-key', Values: ['plimsoll:resource'] },
        { Name: 'instance-state-name', Values: ['pending', 'running'] },
      ],
    }),
  )
  const types = (Reservations ?? []).flatMap(({ Instances }) => Instances ?? []).map((each) => each.InstanceType!)
  const known = [...new Set(types)]
  if (!known.length) return []
  const { InstanceTypes } = await ec2.send(new DescribeInstanceTypesCommand({ InstanceTypes: known }))
  return types.map((type) => {
    const sold = InstanceTypes?.find(({ InstanceType }) => InstanceType === type)
    assert.ok(sold?.VCpuInfo?.DefaultVCpus && sold.MemoryInfo?.SizeInMiB, `EC2 sells no ${type}`)
    return { type, vcpus: sold.VCpuInfo.DefaultVCpus, ramGib: sold.MemoryInfo.SizeInMiB / 1024 }
  })
}

/**
 * What EC2's own history says that servers cost by a tariff until a time, in micros: from the launch of each of their
 * instances to its end, which EC2 tells to the second.
 */
export const costBy = async (
  { ec2 }: Pick<Look, 'ec2'>,
  { vcpu, ramGib }: Tariff,
  servers: string[],
  until: number,
): Promise<{ micros: number; hourly: number }> => {
  const { Reservations } = await ec2.send(
    new DescribeInstancesCommand({ Filters: [{ Name: 'tag:plimsoll:resource', Values: servers }] }),
  )
  const lives = (Reservations ?? []).flatMap(({ Instances }) => Instances ?? [])
  const { InstanceTypes } = await ec2.send(
    new DescribeInstanceTypesCommand({ InstanceTypes: [...new Set(lives.map((each) => each.InstanceType!))] }),
  )
  const rows = lives.map(({ InstanceType, LaunchTime, State, StateTransitionReason }) => {
    const sold = InstanceTypes!.find((each) => each.InstanceType === InstanceType)!
    const hourly = sold.VCpuInfo!.DefaultVCpus! * vcpu + (sold.MemoryInfo!.SizeInMiB! / 1024) * ramGib
    const said = /\((.*)\)/.exec(StateTransitionReason ?? '')?.[1]
    const ended = State?.Name === 'terminated' ? Date.parse(String(said).replace(/ (UTC|GMT)$/, 'Z')) : until
    assert.ok(Number.isFinite(ended), `EC2 does not say when an instance ended: ${StateTransitionReason}`)
    return { hourly, micros: (hourly * (Math.min(ended, until) - LaunchTime!.getTime())) / 3_600_000 }
  })
  return {
    micros: rows.reduce((sum, each) => sum + each.micros, 0),
    hourly: rows.reduce((sum, each) => sum + each.hourly, 0),
  }
}

/** What all of that costs an hour by a tariff, in micros. */
export const spentAt = async (moto: Pick<Look, 'ec2'>, { vcpu, ramGib }: Tariff): Promise<number> =>
  (await heldAt(moto)).reduce((sum, each) => sum + each.vcpus * vcpu + each.ramGib * ramGib, 0)
