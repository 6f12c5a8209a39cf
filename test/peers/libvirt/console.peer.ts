import { fileURLToPath } from 'node:url'
import type { Report, Result } from '../support/report.ts'
import type { Libvirtd } from './launch.ts'

const STORY = fileURLToPath(new URL('./console-inside.ts', import.meta.url))

/** Screens and serial ports of a guest that runs, by WebSocket: told where the host's loopback is. */
export const consolesOnLibvirt = async (report: Report, host: Libvirtd): Promise<void> => {
  const said = await host.inside(process.execPath, '--disable-warning=ExperimentalWarning', STORY, host.uri)
  for (const line of said.trim().split('\n')) {
    const {
      title,
      result,
      ms,
      said: detail,
    } = JSON.parse(line) as Record<'title' | 'said', string> & {
      result: Result
      ms: number
    }
    report.step('node × libvirt, consoles', title, result, ms, detail)
  }
}
