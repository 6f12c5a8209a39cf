import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Api, logIn } from '../support/api.ts'
import { type Broker, ROOT, RUNTIMES, startBroker } from '../support/broker.ts'
import { finish } from '../support/child.ts'
import { lackOf } from '../support/debian.ts'
import { patiently } from '../support/patiently.ts'
import type { Report } from '../support/report.ts'
import { type Prometheus, startPrometheus } from './prometheus.ts'

const STORY = 'metrics'
const TOKEN = 'peers-metrics-token-of-some-length'
const SETTINGS = { PLIMSOLL_METRICS: 'token', PLIMSOLL_METRICS_TOKEN: TOKEN, PLIMSOLL_CRON_SECONDS: '1' }
const RULES = join(ROOT, 'docs/instruments/alerts.yml')
const DASHBOARD = join(ROOT, 'docs/instruments/dashboard.json')
const DURATIONS = join(ROOT, 'test/peers/metrics/durations.yml')
/** So many checks without an answer leave a cloud alone for minutes. */
const CHECKS = 8

/** Prometheus of Debian scrapes both runtimes; what was done there is found by PromQL, and what is wrong fires the rules. */
export const metrics = async (report: Report): Promise<void> => {
  const lack = await lackOf('prometheus', 'prometheus')
  if (lack) return report.step(STORY, 'Prometheus', 'skipped', 0, lack)
  const folder = await mkdtemp(join(tmpdir(), 'plimsoll-metrics-'))
  const ends: (() => unknown)[] = []
  let failed = false
  const step = async (title: string, run: () => Promise<unknown>): Promise<void> => {
    const from = Date.now()
    const fault = failed ? 'not tried' : await run().then(() => '', String)
    report.step(STORY, title, failed ? 'skipped' : fault ? 'failed' : 'passed', Date.now() - from, fault)
    failed ||= fault !== ''
  }
  try {
    const brokers = await Promise.all(RUNTIMES.map((runtime) => startBroker(runtime, SETTINGS)))
    ends.push(...brokers.map((broker) => () => broker.stop()))
    const prometheus = await startPrometheus(folder, { token: TOKEN, rules: RULES, targets: brokers })
    ends.push(() => prometheus.stop())
    await told(folder, brokers, prometheus, step)
  } catch (error) {
    report.step(STORY, 'the brokers, and Prometheus before them', 'failed', 0, String(error))
  } finally {
    for (const end of ends.reverse()) await end()
    await rm(folder, { recursive: true, force: true })
  }
}

const told = async (
  folder: string,
  brokers: Broker[],
  prometheus: Prometheus,
  step: (title: string, run: () => Promise<unknown>) => Promise<void>,
): Promise<void> => {
  const { finds, firing } = prometheus
  /** What would wake somebody; a ticket may be written for a busy machine, on which answers take long. */
  const pages = async () =>
    (await firing()).filter(({ severity }) => severity === 'page').map(({ alertname }) => alertname)
  const each = (run: (broker: Broker) => Promise<unknown>) => Promise.all(brokers.map(run))
  const rounds = () => each(({ cron }) => cron())

  await step('promtool finds nothing wrong with the rules, nor with when they fire', async () => {
    await finish({ command: 'promtool', args: ['check', 'rules', RULES] })
    await finish({ command: 'promtool', args: ['test', 'rules', DURATIONS] })
  })

  await step('whoever has no token, or another one, reads nothing', () =>
    each(async ({ url }) => {
      for (const headers of [{}, { Authorization: `Bearer ${TOKEN}s` }]) {
        const refused = await fetch(`${url}/metrics`, { headers })
        assert.deepEqual([refused.status, refused.headers.get('www-authenticate')], [401, 'Bearer realm="plimsoll"'])
      }
    }),
  )

  await step('promtool finds nothing wrong with what is read', () =>
    each(async ({ runtime, url }) => {
      const file = join(folder, `${runtime}.txt`)
      const answer = await fetch(`${url}/metrics`, { headers: { Authorization: `Bearer ${TOKEN}` } })
      assert.equal(answer.status, 200)
      await writeFile(file, await answer.text())
      await finish({ command: 'sh', args: ['-c', 'promtool check metrics <"$1"', 'sh', file] })
    }),
  )

  await step('Prometheus has them both, well and with nothing that wakes anybody', async () => {
    await patiently(async () => {
      await finds('sum(up)', brokers.length)
      await finds('sum(plimsoll_healthy)', brokers.length)
      await finds('sum(plimsoll_cloud_enabled{cloud="sandbox"})', brokers.length)
    }, 30_000)
    assert.deepEqual(await pages(), [])
  })

  const admins = new Map<Broker, Api>()
  await step('a server is made, and one that nobody can make asks in vain: it stands in the figures', async () => {
    await each(async (broker) => {
      const demo = await logIn(broker, 'demo')
      const { images } = await demo.must('GET', '/image/v2/images')
      const server = { name: 'counted', flavorRef: '2', imageRef: images[0].id }
      await demo.must('POST', '/compute/v2.1/servers', { server })
      await demo.call('POST', '/compute/v2.1/servers', { server: { ...server, flavorRef: 'none-such' } })
      admins.set(broker, await logIn(broker, 'admin'))
    })
    await patiently(async () => {
      await rounds()
      for (const { broker, instance } of prometheus.targets) {
        const [{ taken }] = (await admins.get(broker)!.must('GET', '/broker/v1/loads')).loads
        assert.ok(taken.vcpus > 0)
        await finds(`plimsoll_cloud_taken_vcpus{instance="${instance}",cloud="sandbox"}`, taken.vcpus)
      }
      await finds('sum(plimsoll_due_items{queue="converge"})', 0)
    }, 30_000)
  })

  const onNode = prometheus.targets.find(({ broker }) => broker.runtime === 'node')
  if (onNode)
    await step('Node has counted the request, the step, the call and the turn by which it came about', () =>
      patiently(async () => {
        const { instance } = onNode
        const of = (labels: string) => `{instance="${instance}",${labels}}`
        const created = 'service="compute",operation="server.create"'
        await finds(`plimsoll_http_requests_total${of(`${created},status="202"`)}`, 1)
        await finds(`plimsoll_http_requests_total${of(`${created},status="400"`)}`, 1)
        await finds(`plimsoll_http_request_duration_seconds_count${of(created)}`, 2)
        await finds(`plimsoll_cloud_calls_total${of('cloud="sandbox",method="server.create",code="ok"')}`, 1)
        await finds(`plimsoll_converge_steps_total${of('kind="server",phase="intent",outcome="ok"')}`, 1)
        await finds(`plimsoll_loop_turns_total${of('loop="converge",outcome="ok"')} > bool 0`, 1)
        await finds(`plimsoll_database_statement_duration_seconds_count${of('what="batch"')} > bool 0`, 1)
      }, 20_000),
    )
  const onWorkers = prometheus.targets.find(({ broker }) => broker.runtime === 'workerd')
  if (onWorkers)
    await step('the Worker tells what rows say, and pretends to count nothing', async () => {
      await finds(`plimsoll_info{instance="${onWorkers.instance}",runtime="workers"}`, 1)
      await finds(`count({instance="${onWorkers.instance}",__name__=~"plimsoll_.*_total|process_.*"}) or vector(0)`, 0)
    })

  await step(
    'whatever the dashboard draws is understood, and what rows tell is there to be drawn for both',
    async () => {
      const { panels } = JSON.parse(await readFile(DASHBOARD, 'utf8')) as { panels: { targets?: { expr: string }[] }[] }
      const drawn = panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr))
      assert.ok(drawn.length > 15)
      for (const expr of drawn) {
        const asked = expr.replaceAll('$instance', '.*').replaceAll('$__rate_interval', '30s')
        await finds(`count(${asked}) >= bool 0 or vector(1)`, 1)
      }
      await finds('count(plimsoll_database_size_bytes > 100000)', brokers.length)
      await finds('count(plimsoll_sweep_units{cloud="sandbox"} > 0)', brokers.length)
    },
  )

  await step('a cloud that does not answer is left alone, and the rule for it fires, for no other cloud', async () => {
    const options = { faults: [{ method: '*', fault: 'ambiguous_before' }] }
    await each(async (broker) => {
      const admin = admins.get(broker)!
      await admin.must('POST', '/broker/v1/clouds', { cloud: { name: 'silent', type: 'sandbox', options } })
      for (let i = 0; i < CHECKS; i++) await admin.must('POST', '/broker/v1/clouds/silent/check')
      const { health } = await admin.must('GET', '/broker/v1/health')
      assert.match(health.troubles.join(), /Cloud silent does not answer/)
    })
    await patiently(async () => {
      await finds('sum(plimsoll_cloud_breaker_open{cloud="silent"})', brokers.length)
      if (onNode)
        await finds(
          `plimsoll_cloud_calls_total{instance="${onNode.instance}",cloud="silent",method="check",code="ambiguous"} >= bool ${CHECKS}`,
          1,
        )
      const fires = await firing()
      const clouds = fires.filter(({ alertname }) => alertname === 'PlimsollCloudUnreachable')
      assert.deepEqual(
        clouds.map(({ cloud, instance }) => `${instance} ${cloud}`).toSorted(),
        prometheus.targets.map(({ instance }) => `${instance} silent`).toSorted(),
      )
      assert.deepEqual([...new Set(await pages())], ['PlimsollCloudUnreachable'])
    }, 30_000)
  })

  await step('a broker that is gone fires the rule that pages somebody', async () => {
    const [{ broker, instance }] = prometheus.targets as [Prometheus['targets'][number]]
    await broker.stop()
    await patiently(async () => {
      const gone = (await firing()).filter(({ alertname }) => alertname === 'PlimsollUnreachable')
      assert.deepEqual(
        gone.map((alert) => [alert.instance, alert.severity]),
        [[instance, 'page']],
      )
    }, 20_000)
  })
}
