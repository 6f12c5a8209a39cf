import type { Connection, Surroundings } from '../contract.ts'
import type { Options } from './options.ts'

/** What every realm of one connection shares. */
export interface Context {
  connection: Connection
  options: Options
  surroundings: Surroundings
}
