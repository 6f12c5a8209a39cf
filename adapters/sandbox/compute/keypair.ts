import type { KeypairSpec, Realm } from '../../contract.ts'
import type { Engine } from '../engine.ts'
import { refusal } from '../errors.ts'
import { exists } from '../records/entities.ts'
import { realm } from '../records/realm.ts'

/** The fingerprint as OpenSSH prints it. */
export const fingerprintOf = async (publicKey: string): Promise<string> => {
  const [type = '', body = ''] = publicKey.trim().split(/\s+/)
  if (!/^(ssh|ecdsa|sk)-[\w@.-]+$/.test(type) || !/^[A-Za-z0-9+/]{16,}={0,2}$/.test(body)) {
    throw refusal('InvalidValue', 'This is no OpenSSH public key.')
  }
  const bytes = Uint8Array.from(atob(body), (char) => char.charCodeAt(0))
  const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes))
  return `SHA256:${btoa(String.fromCharCode(...hash)).replace(/(?<!=)=+$/, '')}`
}

/** Keypairs: public keys only. A name stands for one key: the same name with another key is refused. */
export const keypairs = (engine: Engine): Realm<KeypairSpec> =>
  realm(engine, {
    kind: 'keypair',
    readyMs: 0,
    async draft(spec) {
      const fingerprint = await fingerprintOf(spec.publicKey)
      const namesakes = (await engine.state.all('keypair')).filter((each) => exists(each, engine.now()))
      if (namesakes.some((each) => each.name === spec.name && each.fingerprint !== fingerprint)) {
        throw refusal('NameTaken', `The name ${spec.name} stands for another key.`)
      }
      return { name: spec.name, spec, fingerprint }
    },
    view: (_, seen) => seen,
  })
