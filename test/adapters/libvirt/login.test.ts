import { describe, expect, it } from 'vitest'
import { type Login, logIn } from '../../../adapters/libvirt/wire/login.ts'
import { AUTH_LIST, OPEN, SASL_BEGIN, SASL_GO_ON, SASL_WAYS } from '../../../adapters/libvirt/wire/procedures.ts'
import { scram } from '../../../adapters/libvirt/wire/scram.ts'
import { openSession } from '../../../adapters/libvirt/wire/session.ts'
import { plays, scripted } from './scripted.ts'

const text = (bytes: Uint8Array | null) => bytes && new TextDecoder().decode(bytes)
const bytes = (words: string) => new TextEncoder().encode(words)

/** The example of RFC 7677, section 3. */
const NONCE = 'rOprNGfwEbeRWgbNEkqO'
const BOTH = `${NONCE}%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0`
const CHALLENGE = `r=${BOTH},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096`
const PROOF = 'v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4='

describe('a login by SCRAM-SHA-256', () => {
  const example = () => scram('user', 'pencil', NONCE)

  it('says what RFC 7677 says, and believes who proves to know the password', async () => {
    const { first, answer } = example()
    expect(text(first)).toBe(`n,,n=user,r=${NONCE}`)
    expect(text(await answer(bytes(CHALLENGE)))).toBe(`c=biws,r=${BOTH},p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=`)
    expect(await answer(bytes(PROOF))).toBeNull()
  })

  it('is no login where the server says something else', async () => {
    for (const told of [
      CHALLENGE.replace(BOTH, NONCE),
      CHALLENGE.replace('r=rO', 'r=xO'),
      CHALLENGE.replace('4096', '1'),
      CHALLENGE.replace('4096', '99999999'),
      CHALLENGE.replace('4096', '4096,i=5000'),
      CHALLENGE.replace('s=W', 's=!'),
      'e=unknown-user',
      '',
    ])
      await expect(example().answer(bytes(told))).rejects.toThrow()
    const { answer } = example()
    await answer(bytes(CHALLENGE))
    await expect(answer(bytes(PROOF.replace('6rr', '7rr')))).rejects.toThrow('does not know the password')
  })

  it('is as new each time, and takes names with what separates fields', () => {
    const said = () => text(scram('a,b=c', 'x').first)!
    expect(said()).toMatch(/^n,,n=a=2Cb=3Dc,r=[A-Za-z0-9+/]{32}$/)
    expect(said()).not.toBe(said())
  })
})

describe('a host that wants a login by SASL', () => {
  const heard: { mechanism: string; words: string }[] = []
  const host = (mechanisms: string, answer: { complete: number; words: string } = { complete: 1, words: '' }) => {
    heard.length = 0
    const told = () => ({ complete: answer.complete, empty: answer.words ? 0 : 1, data: [...bytes(answer.words)] })
    return scripted([
      plays(AUTH_LIST, () => ({ types: [1] })),
      plays(SASL_WAYS, () => ({ mechanisms })),
      plays(SASL_BEGIN, ({ mechanism, data }) => {
        heard.push({ mechanism, words: text(Uint8Array.from(data))! })
        return told()
      }),
      plays(SASL_GO_ON, told),
      plays(OPEN, () => null),
    ])
  }
  const login: Login = { username: 'plimsoll', password: 'tea', isPrivate: true }
  const open = (line: ReturnType<typeof host>, as: Login | null = login) => openSession(line, 'qemu:///system', {}, as)

  it('is told the password itself where it knows nothing better, and nobody else listens', async () => {
    await open(host('GSSAPI,PLAIN'))
    expect(heard).toEqual([{ mechanism: 'PLAIN', words: '\0plimsoll\0tea' }])
    await expect(open(host('PLAIN'), { ...login, isPrivate: false })).rejects.toMatchObject({ code: 'denied' })
    await expect(open(host('GSSAPI'))).rejects.toMatchObject({
      code: 'denied',
      detail: { operatorMessage: expect.stringContaining('by GSSAPI') },
    })
    expect(heard).toEqual([])
  })

  it('is not believed where it lets us in without a proof, or never ends', async () => {
    for (const answer of [
      { complete: 1, words: '' },
      { complete: 1, words: 'v=AAAA' },
      { complete: 0, words: '' },
    ])
      await expect(open(host('PLAIN,SCRAM-SHA-256', answer))).rejects.toMatchObject({ code: 'ambiguous' })
    expect(heard[0]!.mechanism).toBe('SCRAM-SHA-256')
  })

  it('is refused in words by who has no name to say', async () => {
    const calls = { call: () => Promise.reject(new Error('nothing is asked')) }
    await expect(logIn(calls, [1], null)).rejects.toMatchObject({
      code: 'denied',
      detail: { operatorMessage: 'The host wants a login by SASL: the credentials need username and password.' },
    })
  })
})
