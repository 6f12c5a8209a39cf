import type { Mark } from '../../../adapters/contract.ts'
import { disown, plant } from '../../../adapters/sandbox/backdoor.ts'
import { cloudById } from '../../../db/queries/clouds/clouds.ts'
import { adopt } from '../../../functions/broker/adopt/adopt.ts'
import { release } from '../../../functions/broker/adopt/release.ts'
import type { Stage } from '../stage.ts'
import { Strangers } from '../strangers.ts'
import { bound, type Scenario, volumeOf, WRITES_VOLUME } from './props.ts'

const HOUR = 3_600_000

/** The rows of a volume are lost, the volume stays. */
const loseRows = async ({ world: { d1 } }: Stage, id: string) => {
  await d1.batch([
    d1.prepare('delete from bindings where resource_id = ?').bind(id),
    d1.prepare('delete from volumes where id = ?').bind(id),
    d1.prepare("update quotas set used = used - 1 where resource in ('volumes', 'gigabytes')"),
  ])
}

/** A volume of somebody else, who may have it adopted. */
const strange = async ({ memory, world, scheduler, context }: Stage) => {
  const id = await new Strangers(memory, world.cloudId, scheduler).volume()
  return { id, row: (await cloudById(context(0).db, world.cloudId))! }
}

/** Whose is it? */
export const others: Record<string, Scenario> = {
  /** Another deployment uses the same account, and its objects look like ours. */
  async 'a neighbour in the account'(stage) {
    await stage.open({ profile: 'token' })
    const { cloudId, projectId } = stage.world
    const mark: Mark = {
      deployment: 'somebody-else',
      project: projectId,
      kind: 'volume',
      resource: 'r',
      token: 't',
      epoch: 0,
    }
    await plant(stage.memory, cloudId, volumeOf(mark, 'theirs', 0))
    await stage.minutes(15)
    const all = await stage.live('volume')
    stage.expect(all.length === 1, 'the object of another deployment was removed')
    return stage.judge()
  },

  /** Somebody takes our mark off an object, and then its user deletes it above the line. */
  async 'an object taken over by hand'(stage) {
    await stage.open({ profile: 'token' })
    const id = await bound(stage)
    const [object] = await stage.live('volume')
    await disown(stage.memory, stage.world.cloudId, 'volume', object!.id, null)
    await stage.send(0, 'DELETE', `${stage.volumes}/${id}`)
    await stage.settle(10 * 60_000)
    stage.expect((await stage.live('volume')).length === 1, 'an object without our mark was removed')
    return stage.judge({ settled: false })
  },

  /** The rows of a dozen objects are gone: the database is wrong, not the cloud. */
  async 'a dozen orphans at once'(stage) {
    await stage.open({ profile: 'token' })
    await stage.minutes(1)
    for (let i = 0; i < 12; i++) await loseRows(stage, await bound(stage))
    await stage.minutes(20)
    stage.expect(
      (await stage.live('volume')).length === 12,
      'objects were removed though too many were orphans at once',
    )
    return stage.judge({ settled: false })
  },

  /** An object that nobody accounts for, young and old. */
  async 'a young orphan'(stage) {
    await stage.open({ profile: 'token' })
    await stage.minutes(2)
    await loseRows(stage, await bound(stage))
    await stage.minutes(6)
    stage.expect((await stage.live('volume')).length === 1, 'an orphan was removed before its time')
    await stage.minutes(8)
    stage.scheduler.pass(5_000)
    stage.expect((await stage.live('volume')).length === 0, 'an orphan was never removed')
    return stage.judge()
  },

  /** The database is an hour old; what was made since then it has never heard of. */
  async 'a restored database'(stage) {
    await stage.open({ profile: 'token' })
    await stage.minutes(2)
    stage.scheduler.pass(HOUR / 2)
    await loseRows(stage, await bound(stage))
    stage.scheduler.pass(HOUR / 2)
    await stage.minutes(20)
    stage.expect(
      (await stage.live('volume')).length === 1,
      'an object that the restored database does not know was removed',
    )
    return stage.judge({ settled: false })
  },

  /** What was adopted is handed back, while nobody knows whether our mark is on it yet. */
  async 'handed back before the answer'(stage) {
    await stage.open({ profile: 'token' })
    const { id, row } = await strange(stage)
    const held = stage.hold(0, WRITES_VOLUME)
    stage.scheduler.givenUp = 1
    const { adopted } = await adopt(stage.context(0), row, {
      projectId: stage.world.projectId,
      nativeIds: [id],
      tag: true,
    })
    stage.scheduler.givenUp = 0
    await held.reached
    await release(stage.context(1), { resourceIds: [adopted[0]!.resourceId] })
    held.release()
    await stage.settle()
    return stage.judge()
  },

  /** It is adopted twice, and the second word of it comes when our mark is on and not everything is said and done. */
  async 'adopted again while the mark comes upon it'(stage) {
    await stage.open({ profile: 'token' })
    const { id, row } = await strange(stage)
    const wish = { projectId: stage.world.projectId, nativeIds: [id], tag: true }
    const marking = stage.hold(0, WRITES_VOLUME)
    const first = adopt(stage.context(0), row, wish)
    await marking.reached
    const again = stage.hold(1, /update bindings set ownership/)
    const second = adopt(stage.context(1), row, wish)
    await again.reached
    const last = stage.hold(0, /"applied" = \?.*"error" = \?/)
    marking.release()
    await last.reached
    again.release()
    await second
    last.release()
    await first
    await stage.settle()
    return stage.judge()
  },

  /** Our mark comes upon what was adopted and handed back since, later than anybody reckons with. */
  async 'a mark after the hand-over'(stage) {
    await stage.open({ profile: 'token' })
    const { id, row } = await strange(stage)
    const { projectId, cloudId } = stage.world
    const { adopted } = await adopt(stage.context(0), row, { projectId, nativeIds: [id], tag: true })
    const resource = adopted[0]!.resourceId
    const [marked] = await stage.live('volume')
    await release(stage.context(0), { resourceIds: [resource] })
    await disown(stage.memory, cloudId, 'volume', id, marked!.mark)
    await stage.minutes(20)
    stage.expect((await stage.live('volume')).length === 1, 'what was handed back was removed')
    return stage.judge({ settled: false })
  },
}
