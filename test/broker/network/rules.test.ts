import { eq, sql } from 'drizzle-orm'
import { expect, test } from 'vitest'
import type { SecurityRule } from '../../../adapters/contract.ts'
import { portById } from '../../../db/queries/network/ports.ts'
import type { RuleRow } from '../../../db/queries/network/security/security-groups.ts'
import { portSecurityGroups, ports, securityGroupRules } from '../../../db/schema/index.ts'
import { everyProject } from '../../../db/scope.ts'
import { filtersOf } from '../../../functions/broker/kinds/port.ts'
import { translated } from '../../../functions/broker/kinds/security-group.ts'
import { cidrHolds } from '../../../functions/broker/network/address.ts'
import { signatureOf } from '../../../functions/broker/network/security/rule.ts'
import { createNetwork } from '../../support/builders.ts'
import { startPlimsoll } from '../../support/harness.ts'

const migrations = import.meta.glob<string>('../../../db/migrations/*_rule_signatures.sql', {
  query: '?raw',
  import: 'default',
  eager: true,
})

interface Packet {
  direction: 'ingress' | 'egress'
  family: 4 | 6
  /** By number. */
  protocol: number
  /** Destination port, or ICMP type and code. */
  port: number
  code: number
  peer: string
  /** Groups of the peer. */
  groups: string[]
}

const SELF = 'group-self'
const NUMBER: Record<string, number> = { tcp: 6, udp: 17, icmp: 1, icmpv6: 58, 'ipv6-icmp': 58, vrrp: 112 }
const isIcmp = (protocol: number) => protocol === 1 || protocol === 58

/** What Neutron lets pass, from its own row. */
const neutronAdmits = (rule: RuleRow, packet: Packet): boolean => {
  if (rule.direction !== packet.direction || (rule.ethertype === 'IPv6') !== (packet.family === 6)) return false
  if (rule.protocol !== null) {
    const asked = NUMBER[rule.protocol] ?? Number(rule.protocol)
    // ICMP means that of the rule's family.
    const number = rule.ethertype === 'IPv6' && asked === 1 ? 58 : asked
    if (number !== packet.protocol) return false
  }
  if (rule.remoteIpPrefix !== null && !cidrHolds(rule.remoteIpPrefix, packet.peer)) return false
  if (rule.remoteGroupId !== null && !packet.groups.includes(rule.remoteGroupId)) return false
  return inRange(rule.portRangeMin, rule.portRangeMax, packet)
}

/** What a cloud lets pass that keeps the contract. */
const cloudAdmits = (rule: SecurityRule, packet: Packet): boolean => {
  if (rule.direction !== packet.direction || rule.family !== packet.family) return false
  if (rule.protocol !== null && (NUMBER[rule.protocol] ?? Number(rule.protocol)) !== packet.protocol) return false
  if (rule.cidr !== null && !cidrHolds(rule.cidr, packet.peer)) return false
  const group = rule.group === 'self' ? SELF : rule.group?.replace(/^native-/, '')
  if (group && !packet.groups.includes(group)) return false
  return inRange(rule.min, rule.max, packet)
}

const inRange = (min: number | null, max: number | null, { protocol, port, code }: Packet): boolean => {
  if (min === null && max === null) return true
  if (isIcmp(protocol)) return port === min && (max === null || code === max)
  return port >= min! && port <= max!
}

/** mulberry32 */
const dice = (seed: number) => () => {
  seed = (seed + 0x6d2b79f5) | 0
  let t = Math.imul(seed ^ (seed >>> 15), 1 | seed)
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
  return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
}

test('no cloud is told to let pass what the rules refuse, and nothing that they allow is lost', () => {
  const roll = dice(20260301)
  const one = <T>(...of: T[]): T => of[Math.floor(roll() * of.length)]!
  const named = ({ resourceId }: { resourceId: string }) => `native-${resourceId}`
  const native = Object.assign(named, { orNull: named })
  let passed = 0
  for (let i = 0; i < 2000; i++) {
    const six = roll() < 0.4
    const protocol = one(null, 'tcp', 'udp', six ? 'ipv6-icmp' : 'icmp', '6', '17', six ? 'icmp' : '1', 'vrrp')
    const ranged = protocol !== null && protocol !== 'vrrp' && roll() < 0.7
    const low = one(0, 3, 8, 22)
    const peer = one('none', 'prefix', 'group', 'self')
    const rule: RuleRow = {
      id: `rule-${i}`,
      projectId: 'p',
      securityGroupId: SELF,
      direction: one('ingress', 'egress'),
      ethertype: six ? 'IPv6' : 'IPv4',
      protocol,
      portRangeMin: ranged ? low : null,
      portRangeMax: ranged ? low + one(0, 5) : null,
      remoteIpPrefix:
        peer === 'prefix' ? (six ? one('2001:db8::/32', '::/0') : one('10.0.0.7/8', '0.0.0.0/0', '10.1.2.3/32')) : null,
      remoteGroupId: peer === 'group' ? 'group-other' : peer === 'self' ? SELF : null,
      remoteAddressGroupId: null,
      description: '',
      signature: '',
      revision: 0,
      createdAt: 0,
      updatedAt: 0,
    }
    const asked = translated(rule, 'network', native)
    for (let j = 0; j < 50; j++) {
      const family = one(4, 6) as 4 | 6
      const packet: Packet = {
        direction: one('ingress', 'egress'),
        family,
        protocol: one(1, 6, 17, 58, 112),
        port: one(0, 3, 8, 22, 24, 27, 80),
        code: one(0, 3, 8),
        peer: family === 6 ? one('2001:db8::1', '2002::1') : one('10.1.2.3', '10.9.9.9', '192.0.2.1'),
        groups: one<string[]>([], ['group-other'], [SELF]),
      }
      const allowed = neutronAdmits(rule, packet)
      if (allowed) passed++
      if (cloudAdmits(asked, packet) !== allowed) expect.fail(JSON.stringify({ rule, packet, asked, allowed }))
    }
  }
  expect(passed).toBeGreaterThan(1000)
})

test('where a port shows enforced filters its cloud is asked for every group that it shows, and elsewhere for nothing', async () => {
  const plimsoll = await startPlimsoll()
  const { db, projectId } = plimsoll
  const project = projectId('demo')
  const { network } = await createNetwork(plimsoll.as('demo'))
  for (const filters of [null, 'enforced', 'trusted', 'none'] as const)
    for (const portSecurity of [true, false])
      for (const groups of [[], ['g1'], ['g1', 'g2']]) {
        const id = crypto.randomUUID()
        const common = { id, projectId: project, networkId: network, createdAt: 0, updatedAt: 0 }
        await db.insert(ports).values({ ...common, macAddress: id, filters, portSecurity })
        for (const securityGroupId of groups)
          await db.insert(portSecurityGroups).values({ portId: id, securityGroupId })
        const shown = (await portById(db, everyProject, id))!
        const asked = filtersOf(shown, () => shown.securityGroupIds)
        const kept = shown.portSecurity && (shown.filters ?? 'enforced') === 'enforced'
        expect(asked).toEqual({ portSecurity: kept, securityGroups: kept ? groups : [] })
        if (filters === 'none') expect(shown).toMatchObject({ portSecurity: false, securityGroupIds: [] })
        else expect(shown).toMatchObject({ portSecurity, securityGroupIds: groups })
      }
})

test('rules from before are the same as new ones that mean the same; of two only one keeps its old signature', async () => {
  const { db } = await startPlimsoll()
  const plain = {
    direction: 'ingress',
    ethertype: 'IPv4',
    protocol: null,
    portRangeMin: null,
    portRangeMax: null,
  } as const
  const none = {
    remoteIpPrefix: null,
    remoteGroupId: null,
    remoteAddressGroupId: null,
    description: '',
    projectId: 'p',
    revision: 0,
  }
  const old: Partial<RuleRow>[] = [
    { protocol: 'tcp', portRangeMin: 22, portRangeMax: 22, remoteIpPrefix: '0.0.0.0/0' },
    { protocol: '17' },
    { protocol: 'icmp', ethertype: 'IPv6' },
    { protocol: '99' },
    { ethertype: 'IPv6', remoteIpPrefix: '2001:558:FC00::/39' },
    { remoteGroupId: 'g2' },
    {},
    { remoteIpPrefix: '0.0.0.0/0' },
  ]
  const rows = old.map(
    (rule, i): RuleRow => ({
      ...plain,
      ...none,
      ...rule,
      id: `r${i}`,
      securityGroupId: 'g1',
      signature: `old ${i}`,
      createdAt: 0,
      updatedAt: 0,
    }),
  )
  for (const row of rows) await db.insert(securityGroupRules).values(row)
  for (const statement of Object.values(migrations)[0]!.split('--> statement-breakpoint'))
    await db.run(sql.raw(statement))
  const now = await db.select().from(securityGroupRules).where(eq(securityGroupRules.securityGroupId, 'g1'))
  expect(now.filter((row) => row.signature !== signatureOf(row)).map(({ signature }) => signature)).toEqual(['old 7'])
  expect(now.find(({ id }) => id === 'r4')?.remoteIpPrefix).toBe('2001:558:fc00::/39')
})
