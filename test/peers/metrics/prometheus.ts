import assert from 'node:assert/strict'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Broker } from '../support/broker.ts'
import { answering, finish, freePort, launch } from '../support/child.ts'

/** A Prometheus that scrapes brokers each second, under the rules of the documentation. */
export interface Prometheus {
  targets: { broker: Broker; instance: string }[]
  /** Throws unless a query gives this one value. */
  finds(query: string, value: number): Promise<void>
  /** The labels of each alert that fires. */
  firing(): Promise<Record<string, string>[]>
  stop(): Promise<unknown>
}

/** How patient rules are is played by `durations.yml`: here they fire at once. */
const atOnce = (rules: string): string => rules.replaceAll(/^( +for:) .*$/gm, '$1 0s')

export const startPrometheus = async (
  folder: string,
  { token, rules, targets }: { token: string; rules: string; targets: Broker[] },
): Promise<Prometheus> => {
  const file = (name: string) => join(folder, name)
  await mkdir(file('data'))
  await writeFile(file('alerts.yml'), atOnce(await readFile(rules, 'utf8')))
  await writeFile(file('token'), token, { mode: 0o600 })
  const scraped = targets.map((broker) => ({ broker, instance: new URL(broker.url).host }))
  const config = {
    global: { scrape_interval: '1s', scrape_timeout: '1s', evaluation_interval: '1s' },
    rule_files: [file('alerts.yml')],
    scrape_configs: [
      {
        job_name: 'plimsoll',
        authorization: { credentials_file: file('token') },
        static_configs: [{ targets: scraped.map(({ instance }) => instance) }],
      },
    ],
  }
  // JSON is YAML.
  await writeFile(file('prometheus.yml'), JSON.stringify(config))
  await finish({ command: 'promtool', args: ['check', 'config', file('prometheus.yml')] })
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const child = launch({
    command: 'prometheus',
    args: [
      `--config.file=${file('prometheus.yml')}`,
      `--storage.tsdb.path=${file('data')}`,
      `--web.listen-address=127.0.0.1:${port}`,
    ],
  })
  await answering(child, `${url}/-/ready`)
  // biome-ignore lint/suspicious/noExplicitAny: what came is looked into freely
  const ask = async (path: string): Promise<any> => {
    const answer = await fetch(url + path)
    const body = (await answer.json()) as { status: string; data: unknown }
    assert.equal(body.status, 'success', JSON.stringify(body))
    return body.data
  }
  return {
    targets: scraped,
    finds: async (query, value) => {
      const { result } = await ask(`/api/v1/query?query=${encodeURIComponent(query)}`)
      const values = (result as { value: [number, string] }[]).map(({ value: [, text] }) => Number(text))
      assert.deepEqual(values, [value], query)
    },
    firing: async () => {
      const { alerts } = await ask('/api/v1/alerts')
      return (alerts as { state: string; labels: Record<string, string> }[])
        .filter(({ state }) => state === 'firing')
        .map(({ labels }) => labels)
    },
    stop: () => child.stop(),
  }
}
