/** What every object of every cloud has, and what it may be. */

/** Kinds of things that are there by themselves. */
export const OBJECT_KINDS = [
  'network',
  'subnet',
  'router',
  'security_group',
  'port',
  'keypair',
  'floating_ip',
  'volume',
  'snapshot',
  'image',
  'server_group',
  'server',
] as const
export type ObjectKind = (typeof OBJECT_KINDS)[number]

/** `attachment` is a volume in a server, `interface` a port plugged into a server that already runs: no things of their own. */
export const PLUG_KINDS = ['attachment', 'interface'] as const

export const KINDS = [...OBJECT_KINDS, ...PLUG_KINDS] as const
export type Kind = (typeof KINDS)[number]

/** A cloud's own name for an object. Only its adapter knows what is inside. */
export type NativeId = string

/** Plain JSON: it is stored in a row and read by another isolate. */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json }

/** Who owns an object. Written inside the create call: as tags, metadata, extraConfig, whatever the cloud has. */
export interface Mark {
  /** Id of the Plimsoll deployment; two deployments on one account never touch each other's objects. */
  deployment: string
  project: string
  /** Whose it is, where a kind belongs to a user: keypairs alone. */
  user?: string
  kind: Kind
  /** It is no resource, but what the making of one needs for a while: the kind of that one, whose UUID and token these are. */
  for?: Kind
  /** The UUID above the line. */
  resource: string
  /** Unique per attempt to create; a repeated create with the same token gives the same object. */
  token: string
  /** Minutes since 1970 when the object was asked for: tells a restored database what was made after its backup. */
  epoch: number
}

/** What a cloud says of one object, whatever its kind. */
export interface Seen {
  id: NativeId
  /** Absent: not ours, or not marked. */
  mark?: Mark
  name?: string
  /** `pending` will change by itself, `ready` is usable, `failed` never will be, `gone` is a tombstone. */
  health: 'pending' | 'ready' | 'failed' | 'gone'
  /** Why it failed, for the user. */
  fault?: string
  zone?: string
}
