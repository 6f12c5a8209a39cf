import type { Connection, Surroundings } from '../contract.ts'
import type { Mapping, Options } from './options.ts'
import type { Vim } from './wire/client.ts'

/** What every realm of one connection shares. */
export interface Context {
  vim: Vim
  connection: Connection
  options: Options
  mapping: Mapping
  surroundings: Surroundings
  /** Beginning of the store's keys for this vCenter, whoever is connected to it. */
  storePrefix: string
}
