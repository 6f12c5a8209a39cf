import type { CheckReport } from '../contract.ts'
import { CloudError } from '../errors.ts'
import { checking } from '../shared/check.ts'
import type { Context } from './context.ts'
import { poolsOn } from './records/volume.ts'
import { filesOn } from './storage/pool.ts'
import { reach } from './wire/host.ts'
import { GET_HOSTNAME, GET_LIB_VERSION, GET_TYPE } from './wire/procedures.ts'

/** 9000000 is 9.0.0 */
const versionIn = (number: number): string =>
  [Math.floor(number / 1_000_000), Math.floor(number / 1_000) % 1_000, number % 1_000].join('.')

/** Older hosts take two arguments of a change of networks for each other. */
const LEAST = 7_002_000

/** Asks every host who it is, and whether its pools may be looked at. libvirt tells of no clock. */
export const check = async (context: Context): Promise<CheckReport> => {
  const { report, attempt } = checking(null, { why: ({ message, detail }) => detail.operatorMessage ?? message })
  for (const host of context.options.hosts)
    await attempt(`host ${host.name}`, () =>
      reach(context, host, AbortSignal.timeout(context.surroundings.timeoutMs), async (on) => {
        const [{ hostname }, { type }, { version }] = await Promise.all([
          on.call(GET_HOSTNAME, null),
          on.call(GET_TYPE, null),
          on.call(GET_LIB_VERSION, null),
        ])
        report.account ??= hostname
        report.version ??= `libvirt ${versionIn(version)} (${type})`
        if (version < LEAST)
          report.warnings.push(
            `Host ${host.name} has libvirt ${versionIn(version)}: ports are made from ${versionIn(LEAST)} on.`,
          )
        if (!(await poolsOn(on)).length)
          report.warnings.push(`Host ${host.name} has no storage pool that is started, so no disk there is a volume.`)
        else {
          const { pool, imagePool } = context.options
          const lacks = await Promise.allSettled([filesOn(on, pool), filesOn(on, imagePool ?? pool)])
          const why = lacks.find((each) => each.status === 'rejected')?.reason
          if (why instanceof CloudError)
            report.warnings.push(`No servers are made there. ${why.detail.operatorMessage}`)
        }
      }),
    )
  return report
}
