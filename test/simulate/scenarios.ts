import type { Mark, Store } from '../../adapters/contract.ts'
import { disown, plant } from '../../adapters/sandbox/backdoor.ts'
import type { Entity } from '../../adapters/sandbox/entities.ts'
import { digest } from '../../adapters/sandbox/hash.ts'
import { Killed } from '../support/mortal.ts'
import { Stage } from './stage.ts'
import type { World } from './world.ts'

/** A story in which one rule alone keeps things right. Answers what went wrong. */
export type Scenario = (stage: Stage) => Promise<string[]>

const HOUR = 3_600_000
const lost = (method: string) => ({ method, fault: 'lost_answer' as const, count: 1 })

/** Of a volume, as whoever made it would have. */
const volumeOf = (mark: Mark | null, id: string, at: number): Entity => ({
  kind: 'volume',
  id,
  name: id,
  mark,
  asked: '',
  zone: 'a',
  createdAt: at,
  readyAt: at,
  fault: null,
  goneAt: null,
  spec: { name: id, sizeGiB: 1, zone: 'a', type: null, source: null },
  type: 'standard',
  hold: null,
})

/** The rows of a volume are lost, the volume stays. */
const loseRows = async ({ world: { d1 } }: Stage, id: string) => {
  await d1.batch([
    d1.prepare('delete from bindings where resource_id = ?').bind(id),
    d1.prepare('delete from volumes where id = ?').bind(id),
    d1.prepare("update quotas set used = used - 1 where resource in ('volumes', 'gigabytes')"),
  ])
}

const bound = async (stage: Stage): Promise<string> => {
  const id = await stage.newVolume()
  await stage.settle()
  return id
}

export const scenarios: Record<string, Scenario> = {
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

  /** Two processes, each killed at every one of its first steps while it serves a request and a deletion. */
  async 'killed at every step of a request'(stage) {
    for (let dieAt = 1; dieAt < 24; dieAt++) {
      await stage.open({ profile: 'token' })
      const { life } = stage.slot(0)
      let steps = 0
      stage.scheduler.before = (who) => {
        if (who === life && ++steps >= dieAt) throw new Killed()
      }
      await stage.send(0, 'POST', stage.volumes, { volume: { size: 1 } }).catch(() => null)
      stage.scheduler.before = null
      const ours = [...stage.violations].filter((what) => what.startsWith('quota'))
      if (ours.length) return ours
      stage.violations.clear()
      stage.world.restart(stage.slot(0))
      stage.scheduler.pass(61_000)
      await stage.settle()
    }
    return stage.judge({ settled: false })
  },

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

  /** The cloud refuses; the process is held before it writes that down, until another had more luck. */
  async 'late for its own lease'(stage) {
    await stage.open({ profile: 'token' }, [{ method: 'volume.create', fault: 'definitive', count: 1 }])
    await stage.newVolume()
    const held = stage.hold(0, /update "bindings" set "phase" = \?, "task"/)
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

  /** A server is deleted while nobody knows whether it was made, and the cloud does not show it yet. */
  async 'deleted before the answer'(stage) {
    await stage.open({ profile: 'token', visibility_delay_ms: 20_000 }, [lost('server.create')])
    const id = await stage.newServer()
    await stage.work()
    await stage.send(0, 'DELETE', `/compute/v2.1/servers/${id}`)
    await stage.settle()
    return stage.judge()
  },

  /** The object is looked for before it shows, and the answer comes two minutes later. */
  async 'an old look'(stage) {
    await stage.open({ profile: 'none', visibility_delay_ms: 5_000 }, [lost('volume.create')])
    await stage.newVolume()
    await stage.work()
    stage.scheduler.pass(2_000)
    const held = stage.hold(0, /update clouds set failures = 0/)
    const late = stage.work(0)
    await held.reached
    stage.scheduler.pass(120_000)
    held.release()
    await late
    await stage.settle()
    return stage.judge()
  },

  /** For a quarter of an hour the cloud shows an empty account, in listings and to every direct look. */
  async 'an empty account'(stage) {
    await stage.open({ profile: 'token' })
    for (let i = 0; i < 6; i++) await stage.newVolume()
    await stage.settle()
    stage.scheduler.pass(10 * 60_000)
    const hidden = (key: string) => key.includes('/objects/')
    const blind: Store = {
      get: async (key) => (hidden(key) ? null : stage.memory.get(key)),
      put: (...args) => stage.memory.put(...args),
      delete: (...args) => stage.memory.delete(...args),
      list: async (prefix, ...rest) => (hidden(prefix) ? [] : stage.memory.list(prefix, ...rest)),
    }
    stage.view = blind
    await stage.minutes(15)
    stage.view = stage.memory
    const wrong = await stage.count("select count(*) as n from volumes where status <> 'available'")
    stage.expect(wrong === 0, `${wrong} volumes were declared lost on the word of an empty listing`)
    return stage.judge()
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

  /** A volume is made while a sweep is between its listing and its look at the rows. */
  async 'made behind a listing'(stage) {
    await stage.open({ profile: 'token' })
    const held = stage.hold(0, /from bindings where cloud_id = \? and kind = \? and phase in \('bound', 'deleting'\)/)
    const volumes = stage.hold(0, /list .*\/volume\//)
    const sweeping = stage.sweep(0)
    await held.reached
    held.release()
    await volumes.reached
    const rows = stage.hold(0, /from bindings where cloud_id = \? and kind = \? and phase in \('bound', 'deleting'\)/)
    volumes.release()
    await rows.reached
    stage.scheduler.pass(100)
    await stage.newVolume(1)
    await stage.work(1)
    rows.release()
    const missing = (await sweeping).reduce((sum, report) => sum + report.missing, 0)
    stage.expect(missing === 0, 'an object was judged by a listing older than itself')
    await stage.settle()
    return stage.judge()
  },

  /** A volume is deleted while a sweep waits for its listing. */
  async 'deleted before a listing'(stage) {
    await stage.open({ profile: 'token' })
    const id = await bound(stage)
    const held = stage.hold(0, /list .*\/volume\//)
    const sweeping = stage.sweep(0)
    await held.reached
    await stage.send(1, 'DELETE', `${stage.volumes}/${id}`)
    for (let i = 0; i < 6; i++) {
      await stage.work(1)
      stage.scheduler.pass(2_000)
    }
    held.release()
    const missing = (await sweeping).reduce((sum, report) => sum + report.missing, 0)
    stage.expect(missing === 0, 'a row was judged by a listing younger than itself')
    await stage.settle()
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

  /** The first call is heard and not answered, the second is refused. */
  async 'refused the second time'(stage) {
    await stage.open({ profile: 'unique', visibility_delay_ms: 5_000 }, [
      lost('volume.create'),
      { method: 'volume.create', fault: 'definitive', count: 1 },
    ])
    await bound(stage)
    return stage.judge()
  },

  /** The process dies after its commit, and the client asks again with the same key. */
  async 'asked twice'(stage) {
    await stage.open({ profile: 'token' })
    const body = { volume: { size: 1, name: 'only-twice' } }
    await stage.send(0, 'POST', stage.volumes, body, 'the-same-key')
    await stage.send(1, 'POST', stage.volumes, body, 'the-same-key')
    await stage.settle()
    return stage.judge()
  },

  /** A wish is changed between two steps of the process that fulfils the one before. */
  async 'another wish between two steps'(stage) {
    await stage.open({ profile: 'token' })
    const id = await stage.newVolume()
    await stage.work()
    stage.scheduler.pass(3_000)
    const last = stage.hold(0, /"applied" = \?.*"error" = \?/)
    const working = stage.work(0)
    await last.reached
    await stage.send(1, 'POST', `${stage.volumes}/${id}/action`, { 'os-extend': { new_size: 2 } })
    last.release()
    await working
    await stage.settle()
    return stage.judge()
  },
}

export const runScenario = async (world: World, name: string): Promise<string[]> => {
  const scenario = scenarios[name]
  if (!scenario) throw new Error(`there is no scenario ${name}`)
  return scenario(new Stage(world))
}
