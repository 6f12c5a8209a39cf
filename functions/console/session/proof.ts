/** What proves who somebody is, as Keystone takes it. */
export type Identity = { methods: string[] } & Record<string, unknown>
export type Scope = { project: { id: string } } | { project: { name: string; domain: { name: string } } }

/** A receipt: what was proved is right, and a one-time password is wanted besides. */
export class PasscodeWanted extends Error {
  readonly receipt: string
  readonly userId: string
  /** What was asked for by the first half. */
  readonly scope: Scope | null
  constructor(receipt: string, userId: string, scope: Scope | null) {
    super('A one-time password is wanted.')
    this.receipt = receipt
    this.userId = userId
    this.scope = scope
  }
}
