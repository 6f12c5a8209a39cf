import type { NativeId } from '../../contract.ts'
import { gone, refuse, unclear } from '../../shared/refusals.ts'
import type { Context } from '../context.ts'
import { datacenterPath, inventoryOf } from '../inventory.ts'
import { removeDevice } from '../records/devices.ts'
import { type Machine, machineOf } from '../records/machine.ts'
import type { Ref, Value } from '../wire/soap.ts'

const FILE = 'serial.log'
/** As much of the end of a log as is shown, and as much as is read for it where vCenter sends the whole. */
const TAIL = 1024 ** 2
const MOST = 32 * TAIL

/**
 * The serial port of a new server, with a file beside the machine's others, if the operator wants one. A template's own
 * would go on writing into the file of the template.
 */
export const serialLog = async (
  context: Context,
  image: Machine,
  datastore: Ref | null,
  folder: string,
): Promise<{ devices: Value[]; settings: Record<string, string> }> => {
  if (!context.options.serialLog) return { devices: [], settings: {} }
  const { datastores } = await inventoryOf(context)
  const id = datastore?.id ?? image.datastores[0]?.id
  const home = datastores.find((each) => each.ref.id === id) ?? refuse('The datastore of the image is not there.')
  const port: Value = {
    operation: 'add',
    device: {
      _type: 'VirtualSerialPort',
      key: -201,
      backing: { _type: 'VirtualSerialPortFileBackingInfo', fileName: `[${home.name}] ${folder}/${FILE}` },
      connectable: { startConnected: true, allowGuestControl: false, connected: true },
      yieldOnPoll: true,
    },
  }
  return {
    devices: [...image.devices.filter(({ type }) => type === 'VirtualSerialPort').map(removeDevice), port],
    // Without it the host asks at every start whether the file is to be replaced, and waits for the answer.
    settings: { 'answer.msg.serial.file.open': 'Append' },
  }
}

/** What the guest wrote on its serial port: the end of the file, whole lines. Empty while nothing is written. */
export const consoleLog = async (context: Context, id: NativeId): Promise<string> => {
  const machine = await machineOf(context, id)
  if (!machine || machine.template) throw gone(id)
  const file = machine.devices.find(({ serial }) => serial)?.serial?.file
  const [, datastore, path] = /^\[([^\]]+)\]\s*(.+)$/.exec(file ?? '') ?? []
  if (!datastore || !path) return refuse('The server has no serial port that writes to a file.')
  const where = new URLSearchParams({ dcPath: await datacenterPath(context), dsName: datastore })
  const url = `/folder/${path.split('/').map(encodeURIComponent).join('/')}?${where}`
  const response = await context.vim.download(url, { range: `bytes=-${TAIL}` })
  // 416: the file is empty.
  if (response.status === 404 || response.status === 416) {
    await response.body?.cancel()
    return ''
  }
  if (response.status !== 200 && response.status !== 206) throw unclear('the serial log', `HTTP ${response.status}`)
  const { bytes, cut } = await tailOf(response)
  const part = response.status === 206 && !/^bytes 0-/.test(response.headers.get('content-range') ?? '')
  const whole = new TextDecoder().decode(bytes)
  return cut || part ? whole.slice(whole.indexOf('\n') + 1) : whole
}

/** The last bytes of a body. Not every release sends a range; then what comes before it is read and forgotten. */
const tailOf = async (response: Response): Promise<{ bytes: Uint8Array; cut: boolean }> => {
  let kept = new Uint8Array()
  let read = 0
  try {
    for await (const chunk of response.body ?? []) {
      read += chunk.length
      if (read > MOST)
        return refuse('The serial log is too long to be read as a whole, and the cloud sends no part of it.')
      const both = new Uint8Array(kept.length + chunk.length)
      both.set(kept)
      both.set(chunk, kept.length)
      kept = both.length > 2 * TAIL ? both.slice(-TAIL) : both
    }
  } catch (error) {
    if (error instanceof Error && error.name !== 'CloudError') throw unclear('the serial log', error)
    throw error
  }
  return { bytes: kept.subarray(-TAIL), cut: read > TAIL }
}
