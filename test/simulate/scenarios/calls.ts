import type { Json, Mark } from '../../../adapters/contract.ts'
import { plant } from '../../../adapters/sandbox/backdoor.ts'
import type { Entity } from '../../../adapters/sandbox/records/entities.ts'
import { digest } from '../../../adapters/sandbox/records/hash.ts'
import { bound, lost, type Scenario, viewOf, volumeOf } from './props.ts'

/** A call is made, and nobody knows what became of it. */
export const calls: Record<string, Scenario> = {
  /** The answer is lost, and the cloud does not show the object for half a minute. */
  async 'lost answer, invisible object'(stage) {
    await stage.open({ profile: 'token', visibility_delay_ms: 30_000 }, [lost('volume.create')])
    await bound(stage)
    return stage.judge()
  },

  /** The answer is lost, and the cloud would make another object at once. */
  async 'lost answer, no deduplication'(stage) {
    await stage.open({ profile: 'none' }, [lost('volume.create')])
    await bound(stage)
    return stage.judge()
  },

  /** The cloud refuses; the process is held before it writes that down, until another had more luck. */
  async 'late for its own lease'(stage) {
    await stage.open({ profile: 'token' }, [{ method: 'volume.create', fault: 'definitive', count: 1 }])
    await stage.newVolume()
    const held = stage.hold(0, /update "bindings" set "phase" = \?\d*, "task"/)
    const late = stage.work(0)
    await held.reached
    stage.scheduler.pass(61_000)
    await stage.work(1)
    held.release()
    await late
    await stage.settle()
    return stage.judge()
  },

  /** A process is held between its intention and its call, until another has made the object in its place. */
  async 'held before the call'(stage) {
    await stage.open({ profile: 'none' })
    await stage.newVolume()
    const held = stage.hold(0, /update "bindings" set "phase"/, 'behind')
    const late = stage.work(0)
    await held.reached
    stage.scheduler.pass(61_000)
    await stage.work(1)
    held.release()
    await late
    await stage.settle()
    return stage.judge()
  },

  /** The call went unanswered, and takes effect ten seconds later. */
  async 'an effect after the answer was given up'(stage) {
    await stage.open({ profile: 'none' }, [{ method: 'volume.create', fault: 'ambiguous_before', count: 1 }])
    const id = await stage.newVolume()
    await stage.work()
    const row = (await stage.world.d1
      .prepare('select token, epoch from bindings where resource_id = ?')
      .bind(id)
      .first<{
        token: string
        epoch: number
      }>())!
    const { deployment } = stage.slot(0).host
    const mark: Mark = {
      ...row,
      deployment: deployment.id,
      project: stage.world.projectId,
      kind: 'volume',
      resource: id,
    }
    const stem = `sbx-vol-${digest(`${mark.deployment}/volume/${mark.token}`)}-2`
    await stage.settle(9_000)
    stage.scheduler.pass(1_000)
    await plant(stage.memory, stage.world.cloudId, volumeOf(mark, stem, stage.scheduler.now))
    await stage.settle()
    stage.expect((await stage.live('volume')).length === 1, 'a second object for one volume')
    return stage.judge()
  },

  /** The object is looked for before it shows, and the answer comes two minutes later. */
  async 'an old look'(stage) {
    await stage.open({ profile: 'none', visibility_delay_ms: 5_000 }, [lost('volume.create')])
    await stage.newVolume()
    await stage.work()
    stage.scheduler.pass(2_000)
    const held = stage.hold(0, /update "clouds" set "failures" = 0/)
    const late = stage.work(0)
    await held.reached
    stage.scheduler.pass(120_000)
    held.release()
    await late
    await stage.settle()
    return stage.judge()
  },

  /** The first call is heard and not answered, the second is refused. */
  async 'refused the second time'(stage) {
    await stage.open({ profile: 'unique', visibility_delay_ms: 5_000 }, [
      lost('volume.create'),
      { method: 'volume.create', fault: 'definitive', count: 1 },
    ])
    await bound(stage)
    return stage.judge()
  },

  /** A server is deleted while nobody knows whether it was made, and the cloud does not show it yet. */
  async 'deleted before the answer'(stage) {
    await stage.open({ profile: 'token', visibility_delay_ms: 20_000 }, [lost('server.create')])
    const id = await stage.newServer()
    await stage.work()
    await stage.send(0, 'DELETE', `/compute/v2.1/servers/${id}`)
    await stage.settle()
    return stage.judge()
  },

  /** A server is made by the second call, used and deleted, before the first has its effect. */
  async 'made anew by the first call'(stage) {
    await stage.open({ profile: 'unique' })
    const id = await stage.newServer()
    const held = stage.hold(0, /put .*\/objects\/main\/server/)
    stage.scheduler.givenUp = 1
    await stage.work(0)
    stage.scheduler.givenUp = 0
    await held.reached
    await stage.settle(5_000)
    await stage.send(1, 'DELETE', `/compute/v2.1/servers/${id}`)
    await stage.settle(5_000)
    held.release()
    await stage.settle()
    return stage.judge()
  },

  /** A server is deleted before the cloud shows it to anybody. */
  async 'deleted before it shows'(stage) {
    await stage.open({ profile: 'token', visibility_delay_ms: 5_000 })
    const shows = (value: Json) => stage.scheduler.now >= (value as unknown as Entity).createdAt + 5_000
    stage.view = {
      ...viewOf(stage.memory),
      get: async (key) => {
        const found = await stage.memory.get(key)
        return found && (!key.includes('/objects/') || shows(found.value)) ? found : null
      },
    }
    const id = await stage.newServer()
    await stage.work()
    await stage.send(0, 'DELETE', `/compute/v2.1/servers/${id}`)
    await stage.settle()
    return stage.judge()
  },
}
