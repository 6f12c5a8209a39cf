import type { D1Database } from '@cloudflare/workers-types'

type Row = Record<string, string | number | null>

/** Tables in which a server stands, each with how its rows are found. */
const TABLES: Record<string, string> = {
  servers: 'id = ?1',
  server_ports: 'server_id = ?1',
  ports: 'device_id = ?1',
  ip_allocations: 'port_id in (select id from ports where device_id = ?1)',
  port_security_groups: 'port_id in (select id from ports where device_id = ?1)',
  bindings: 'resource_id = ?1',
}

/** Makes `count` more servers out of one that the program made: its rows again, with ids and addresses of their own. */
export const fill = async (db: D1Database, serverId: string, count: number): Promise<void> => {
  const found: [string, Row[]][] = []
  for (const [table, where] of Object.entries(TABLES))
    found.push([table, (await db.prepare(`select * from ${table} where ${where}`).bind(serverId).all<Row>()).results])
  const ports = found.find(([table]) => table === 'ports')![1]
  const natives = found.flatMap(([, rows]) => rows.flatMap((row) => [row.native_id, row.token]))
  const ids = [
    serverId,
    ...ports.map(({ id }) => String(id)),
    ...natives.filter((id) => typeof id === 'string' && id !== ''),
  ] as string[]
  const addresses = ports.flatMap(({ fixed_ips }) =>
    (JSON.parse(String(fixed_ips)) as { ip_address: string }[]).map((ip) => ip.ip_address),
  )
  const macs = ports.map(({ mac_address }) => String(mac_address))
  for (let first = 1; first <= count; first += 100) {
    const statements = []
    for (let n = first; n < first + 100 && n <= count; n++) {
      const other = new Map<string, string>()
      for (const id of ids) other.set(id, id.length === 36 ? crypto.randomUUID() : `${id}-${n}`)
      for (const mac of macs)
        other.set(
          mac,
          `fa:16:3f:${[16, 8, 0].map((bits) => ((n >> bits) & 255).toString(16).padStart(2, '0')).join(':')}`,
        )
      for (const address of addresses) other.set(address, `10.9.${(n >> 8) + 1}.${n & 255}`)
      const renamed = (value: Row[string]): Row[string] =>
        typeof value !== 'string'
          ? value
          : (other.get(value) ??
            ids.concat(macs, addresses).reduce((text, old) => text.replaceAll(old, other.get(old)!), value))
      for (const [table, rows] of found)
        for (const row of rows) {
          const columns = Object.keys(row)
          const marks = columns.map((_, i) => `?${i + 1}`)
          statements.push(
            db
              .prepare(`insert into ${table} (${columns.join(', ')}) values (${marks.join(', ')})`)
              .bind(...Object.values(row).map(renamed)),
          )
        }
    }
    await db.batch(statements)
  }
}
