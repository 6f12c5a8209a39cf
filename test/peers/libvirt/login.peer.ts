import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { RUNTIMES } from '../support/broker.ts'
import { finish } from '../support/child.ts'
import { lackOf } from '../support/debian.ts'
import type { Report, Result } from '../support/report.ts'
import { launch } from './launch.ts'

const STORY = fileURLToPath(new URL('./login-inside.ts', import.meta.url))
/** Who may log in, by Cyrus SASL as libvirtd has it. */
export const WHO = { username: 'plimsoll', password: 'tea & biscuits' }

/** A port with TLS, whose clients show no certificate but log in. */
const CONFIG = `listen_tls = 1
listen_tcp = 0
listen_addr = "127.0.0.1"
auth_tls = "sasl"
tls_no_verify_certificate = 1
key_file = "/etc/libvirt/key.pem"
cert_file = "/etc/libvirt/cert.pem"
ca_file = "/etc/libvirt/ca.pem"
`

/** libvirt looks closely at what a certificate is for. */
const CERTIFICATES = `[req]
distinguished_name = name
[name]
[authority]
basicConstraints = critical, CA:TRUE
keyUsage = keyCertSign
[host]
basicConstraints = critical, CA:FALSE
keyUsage = digitalSignature, keyEncipherment
extendedKeyUsage = serverAuth
subjectAltName = IP:127.0.0.1
`

/** An authority, and the certificate that it gives to a host. */
const certify = async (folder: string): Promise<void> => {
  const [file, ca, caKey] = ['certificates.cnf', 'ca.pem', 'ca-key.pem'].map((name) => join(folder, name))
  await writeFile(file!, CERTIFICATES)
  const fresh = ['req', '-x509', '-config', file!, '-newkey', 'rsa:2048', '-nodes', '-days', '2']
  const openssl = (...args: string[]) => finish({ command: 'openssl', args: [...fresh, ...args] })
  await openssl('-subj', '/CN=rack', '-extensions', 'authority', '-keyout', caKey!, '-out', ca!)
  const [cert, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')]
  const signed = ['-CA', ca!, '-CAkey', caKey!, '-subj', '/CN=kvm1.example', '-extensions', 'host']
  await openssl(...signed, '-keyout', key, '-out', cert)
}

const prepare = async (folder: string, mechanism: string): Promise<void> => {
  await certify(folder)
  const passwords = join(folder, 'passwd.db')
  const command = `printf %s "$1" | saslpasswd2 -p -c -a libvirt -f "$2" "$3"`
  await finish({ command: 'sh', args: ['-c', command, 'sh', WHO.password, passwords, WHO.username] })
  await chmod(passwords, 0o600)
  const lines = [`mech_list: ${mechanism}`, 'pwcheck_method: auxprop', 'auxprop_plugin: sasldb']
  // libvirt itself reads another file of this name.
  await mkdir(join(folder, 'sasl'))
  await writeFile(
    join(folder, 'sasl', 'libvirt.conf'),
    [...lines, 'sasldb_path: /etc/libvirt/passwd.db', ''].join('\n'),
  )
}

/** Hosts that ask for a login by SASL on their port with TLS: told where the host's loopback is. */
export const loggedInToLibvirt = async (report: Report): Promise<void> => {
  const lack = await lackOf('saslpasswd2', 'sasl2-bin')
  if (lack) return report.step('node × libvirt, logins', 'a host that asks for one', 'skipped', 0, lack)
  for (const mechanism of ['scram-sha-256', 'plain', 'anonymous']) {
    let ca = ''
    const host = await launch({
      config: CONFIG,
      prepare: async (folder) => {
        ca = join(folder, 'ca.pem')
        await prepare(folder, mechanism)
      },
    })
    try {
      const node = [process.execPath, '--disable-warning=ExperimentalWarning']
      // The public authority that Workers believe, here.
      const trusting = ['env', `NODE_EXTRA_CA_CERTS=${ca}`]
      const runtimes = mechanism === 'scram-sha-256' ? RUNTIMES : ['node']
      const told = []
      for (const runtime of runtimes) told.push(await host.inside(...trusting, ...node, STORY, mechanism, ca, runtime))
      const said = told.join('\n')
      for (const line of said.split('\n').filter(Boolean)) {
        const { title, result, ms, detail } = JSON.parse(line) as Record<'title' | 'detail', string> & {
          result: Result
          ms: number
        }
        report.step('node × libvirt, logins', title, result, ms, detail)
      }
    } finally {
      await host.stop()
    }
  }
}
