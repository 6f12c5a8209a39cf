import type { Teller } from '../story.ts'
import { NET } from './names.ts'

const KIND = 'ssh-ed25519'
/** A public key as OpenSSH writes it: words, each behind its length. */
const words = [KIND, 'k'.repeat(32)].map((word) => `\0\0\0${String.fromCharCode(word.length)}${word}`)
const KEY = `${KIND} ${Buffer.from(words.join(''), 'latin1').toString('base64')}`

/** Who may reach a server, and by which key. Gives the id of a security group. */
export const makeAccess = async ({ fill, call, id }: Teller): Promise<string> => {
  await fill('create a security group', '/project/security_groups/create/', {
    name: 'horizon-group',
    description: 'of it',
  })
  const group = await id(`${NET}/security-groups`, 'horizon-group')
  await fill('edit a security group', `/project/security_groups/${group}/update/`, {
    name: 'horizon-group',
    description: 'x',
  })
  await fill('add a rule for SSH', `/project/security_groups/${group}/add_rule/`, {
    rule_menu: 'tcp',
    direction: 'ingress',
    port_or_range: 'port',
    port: '22',
    remote: 'cidr',
    cidr: '0.0.0.0/0',
  })
  await fill('add a rule for a range of ports', `/project/security_groups/${group}/add_rule/`, {
    rule_menu: 'tcp',
    direction: 'ingress',
    port_or_range: 'range',
    from_port: '8000',
    to_port: '8010',
    remote: 'sg',
    security_group: 'horizon-group',
    ethertype: 'IPv4',
  })
  await call('generate a key pair', 'POST', 'nova/keypairs/', { name: 'horizon-made', key_type: 'ssh' })
  await fill('import a key pair', '/project/key_pairs/import/', {
    name: 'horizon-key',
    key_type: 'ssh',
    public_key: KEY,
  })
  await call('create a server group', 'POST', 'nova/servergroups/', {
    name: 'horizon-group',
    policies: ['anti-affinity'],
  })
  return group
}
